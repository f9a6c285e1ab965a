"""One calibration told through its interruptions: side by side, interrupted, resumed, and void."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from trainband.benchmarks.calibrate import Calibration, CalibrationError
from trainband.platforms.profiles import find_profile
from trainband.results.band_files import read_band
from trainband.results.bands import Band
from trainband.results.records import Record
from trainband.results.store import RunFilter, Store
from trainband.results.verdicts import judge

pytestmark = [pytest.mark.backend("tensorflow")]
slow = pytest.mark.slow


@dataclass
class Stage:
    """What one attempt left: the band file, and the records that are new."""

    band: Band
    new: list[Record]


@dataclass
class Story:
    side_by_side: Stage
    interrupted: Stage
    resumed: Stage
    void: Stage


@pytest.fixture(scope="module")
def calibration(lab: Any, tmp_path_factory: pytest.TempPathFactory) -> Calibration:
    folder = tmp_path_factory.mktemp("calibration")
    return Calibration(
        cell=lab.cell,
        seeds=2,
        jobs=1,
        path=folder / "tiny_digits" / "smoke.json",
        store=Store(folder / "store"),
        cache_root=lab.runner.cache_root,
        python=sys.executable,
    )


@pytest.fixture(scope="module")
def story(calibration: Calibration, lab: Any) -> Story:
    known: set[str] = set()

    def stage(attempt: Calibration, interrupt: bool = False) -> Stage:
        def on_run(record: Record, band: Band) -> None:
            if interrupt:
                raise KeyboardInterrupt

        if interrupt:
            with pytest.raises(KeyboardInterrupt):
                attempt.run(on_run)
        else:
            assert attempt.run(on_run) == read_band(attempt.path)
        new = [record for record in attempt.store.records() if record.run_id not in known]
        known.update(record.run_id for record in new)
        return Stage(band=read_band(attempt.path), new=sorted(new, key=lambda record: record.seed))

    changed = lab.variant(label_smoothing=0.2)
    return Story(
        side_by_side=stage(replace(calibration, jobs=2)),
        interrupted=stage(replace(calibration, seeds=4), interrupt=True),
        resumed=stage(replace(calibration, seeds=4)),
        void=stage(replace(calibration, cell=changed)),
    )


def seeds(stage: Stage) -> list[int]:
    return [sample.seed for sample in stage.band.evidence.samples]


@slow
def test_runs_side_by_side_overlap_and_their_throughput_does_not_count(story: Story, calibration: Calibration) -> None:
    assert [record.seed for record in story.side_by_side.new] == [1_000_000, 1_000_001]
    spans = []
    for record in story.side_by_side.new:
        folder = calibration.store.run_path(record.run_id)
        spans.append([(folder / name).stat().st_mtime for name in ("spec.json", "answer.json")])
        assert record.measurement is not None
        assert "calibrated with --jobs=2: runs side by side" in record.measurement.throughput.contended
        assert record.profile_spec["threads"] == 1
        assert record.seed_role == "calibration"
    assert max(begin for begin, _ in spans) < min(end for _, end in spans)
    assert story.side_by_side.band.evidence.jobs == 2


@slow
def test_evidence_grows_by_each_run_and_an_interrupt_loses_none(story: Story) -> None:
    assert seeds(story.side_by_side) == [1_000_000, 1_000_001]
    assert seeds(story.interrupted) == [1_000_000, 1_000_001, 1_000_002]
    assert seeds(story.resumed) == [1_000_000, 1_000_001, 1_000_002, 1_000_003]
    assert story.interrupted.band.evidence.samples[:2] == story.side_by_side.band.evidence.samples
    assert story.resumed.band.evidence.samples[:3] == story.interrupted.band.evidence.samples


@slow
def test_a_resumed_calibration_trains_what_is_missing_and_no_more(story: Story) -> None:
    assert [record.seed for record in story.interrupted.new] == [1_000_002]
    assert [record.seed for record in story.resumed.new] == [1_000_003]
    assert story.resumed.new[0].measurement is not None
    assert not any("--jobs" in reason for reason in story.resumed.new[0].measurement.throughput.contended)


@slow
def test_evidence_short_of_its_seeds_judges_nothing(story: Story, lab: Any) -> None:
    band, record = story.resumed.band, lab.healthy
    assert (band.status, band.n, band.n_required) == ("partial", 4, 20)
    found = judge(
        judgement_id="j",
        created="2026-01-01T00:00:00+00:00",
        cell=record.cell,
        trigger=record,
        fresh=(),
        band=band,
        metrics=lab.cell.model.metrics,
    )
    assert (found.verdict, found.reason) == ("no_band", "n=4 of 20")


@slow
def test_evidence_of_another_recipe_is_started_anew(story: Story) -> None:
    assert seeds(story.void) == [1_000_000, 1_000_001]
    assert story.void.band.evidence.recipe_hash != story.resumed.band.evidence.recipe_hash
    assert {sample.run_id for sample in story.void.band.evidence.samples} == {r.run_id for r in story.void.new}
    assert len(story.void.new) == 2


@slow
def test_evidence_that_is_void_is_kept_aside(story: Story, calibration: Calibration) -> None:
    kept = read_band(calibration.path.with_name(calibration.path.name + ".void1"))
    assert kept.evidence.recipe_hash == story.resumed.band.evidence.recipe_hash
    assert kept.n == story.resumed.band.n


@slow
def test_evidence_names_versions_and_host(story: Story) -> None:
    evidence = story.resumed.band.evidence
    assert {"keras", "tensorflow", "numpy"} <= set(evidence.versions)
    assert list(evidence.hosts) == [story.resumed.new[0].host_class]
    assert evidence.profile == "cpu"


@slow
def test_nothing_is_trained_for_a_profile_that_the_evidence_is_not_of(story: Story, calibration: Calibration) -> None:
    before, text = len(calibration.store.rows(RunFilter())), calibration.path.read_text()
    other = replace(calibration.cell, profile=find_profile("cpu_1thread"))
    with pytest.raises(CalibrationError, match="holds evidence of tiny_digits:smoke@cpu, and one band has one profile"):
        replace(calibration, cell=other).run()
    assert (len(calibration.store.rows(RunFilter())), calibration.path.read_text()) == (before, text)


@pytest.fixture
def fresh(calibration: Calibration, tmp_path: Path) -> Callable[..., Calibration]:
    return lambda **changes: replace(calibration, path=tmp_path / "band.json", **changes)


def test_a_run_that_fails_stops_the_calibration_and_names_itself(fresh: Callable[..., Calibration]) -> None:
    attempt = fresh(python="/nowhere/python")
    with pytest.raises(CalibrationError, match=r"calibration seed 1000000 of tiny_digits:smoke@cpu failed \(run 2"):
        attempt.run()
    assert not attempt.path.exists()


def test_a_band_file_that_cannot_be_read_is_not_written_over(fresh: Callable[..., Calibration]) -> None:
    attempt = fresh()
    attempt.path.write_text(json.dumps({"version": 99}))
    with pytest.raises(ValueError, match=r"band\.version = 99"):
        attempt.run()
    assert json.loads(attempt.path.read_text()) == {"version": 99}
