"""What a night trains besides its sweep: canaries, and the A/B that tells a slower environment from a slower host."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from trainband.benchmarks.bands_on_disk import BandFolder
from trainband.benchmarks.cells import Cell
from trainband.benchmarks.nightly.canary import Canaries, CanaryError
from trainband.benchmarks.nightly.confirm import Confirmer
from trainband.benchmarks.runner import Runner
from trainband.benchmarks.trace.files import Trace, read_trace
from trainband.models.specs import Schedule
from trainband.platforms.profiles import load_profiles
from trainband.results.history.canaries import read_canaries
from trainband.results.history.regressions import Event, Regression
from trainband.results.history.series import Baseline
from trainband.results.history.speed import SPEEDS

pytestmark = pytest.mark.backend("tensorflow")


@pytest.fixture
def runner(lab: Any, monkeypatch: pytest.MonkeyPatch) -> Runner:
    monkeypatch.delenv("PYTEST_CURRENT_TEST")  # children do not see which test is running: one server serves them all
    plain: Runner = lab.runner
    return plain


@dataclass
class Recited(Canaries):
    """Canaries whose songs are known beforehand."""

    songs: list[tuple[Trace, bytes]] = field(default_factory=list)

    def _trace(self, cell: Cell) -> tuple[Trace, bytes]:
        return self.songs.pop(0)


@pytest.mark.slow
def test_a_canary_sings_the_same_song_until_numerics_change(lab: Any, runner: Runner) -> None:
    canaries, cell = Canaries(runner=runner), lab.cell
    assert [canaries.sing(cell), canaries.sing(cell)] == ["first", "same"]
    [known] = read_canaries(runner.store.root)
    assert (known.cell, known.marks) == (cell.name, ())
    slower = replace(cell.recipe, schedule=Schedule(kind="constant", peak=0.01))
    other = replace(cell, recipe=slower, model=replace(cell.model, recipes=(slower,)))
    assert [canaries.sing(other), canaries.sing(other)] == ["changed", "same"]
    [now] = read_canaries(runner.store.root)
    [mark] = now.marks
    assert (mark.before, mark.after, now.first) == (known.digest, now.digest, known.first)
    assert mark.says.startswith("learning_rate 0.00")
    [folder] = (runner.store.root / "canaries").iterdir()

    # One that does not repeat itself in one night says nothing, and what is known stays.
    [kept] = folder.glob("trace-*.npz")
    songs = [canaries._trace(cell), (read_trace(kept), kept.read_bytes())]
    assert Recited(runner=runner, songs=songs).sing(cell) == "unsteady"
    assert read_canaries(runner.store.root) == [now]
    with pytest.raises(CanaryError, match=r"time limit of 0\.001 s"):
        Canaries(runner=replace(runner, time_limit_sec=0.001)).sing(cell)


@pytest.mark.nightly
def test_an_a_b_shows_a_planted_slow_down_and_no_host_that_moved(lab: Any, runner: Runner, tmp_path: Path) -> None:
    confirmer = Confirmer(
        runner=runner,
        bands=BandFolder(tmp_path),
        models={"tiny_digits": lab.cell.model},
        profiles=load_profiles(),
        block_sec=0.3,
    )
    candidate = Regression(
        regression_id="20260304-tiny",
        cell=lab.cell.name,
        quantity=SPEEDS["cpu"],
        host_class=lab.healthy.host_class,
        side="lower",
        alarm_run=lab.healthy.run_id,
        raised=lab.healthy.created,
        onset_run=lab.healthy.run_id,
        onset=lab.healthy.created,
        before=2.0,
        after=1.0,
        shift_sd=-9.0,
        baseline=Baseline(mean=0.0, sd=0.02, n=30, of="the first 30 runs", newest_run=lab.healthy.run_id),
        events=(Event(state="candidate", at=lab.healthy.created),),
        faults=("busy_thread",),
    )
    found = confirmer.confirm(candidate)
    assert found.kind == "A/B"
    assert found.value is not None
    assert found.value < 0.8
    assert "of the baseline's examples per CPU second in 4 pairs of processes" in found.says
    same = confirmer.confirm(replace(candidate, faults=()))
    assert (same.confirmed, same.value) == (False, None)
    assert "the host itself is what moved" in same.says
