"""Whole nights with a runner that trains nothing: what is raised, confirmed, left for the next night, and said."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import NormalDist
from typing import Any

import pytest

from trainband.benchmarks.bands_on_disk import BandFolder
from trainband.benchmarks.cells import Cell, find_cell
from trainband.benchmarks.nightly.budget import Budget, least_recent_first
from trainband.benchmarks.nightly.confirm import Confirmer, NotConfirmable
from trainband.benchmarks.nightly.history import History
from trainband.benchmarks.nightly.night import Nightly, alone
from trainband.benchmarks.rejudge import rejudge
from trainband.benchmarks.runner import RunRequest
from trainband.benchmarks.sweep import Sweep, plan_sweep
from trainband.history_table import history_rows
from trainband.models.catalog import load_catalog
from trainband.platforms.probes import Availability
from trainband.platforms.profiles import Profile, load_profiles
from trainband.results.band_files import band_path, write_band
from trainband.results.history.nights import Night, read_night
from trainband.results.history.regressions import Confirmation, Regression
from trainband.results.metric_bands import MetricBand
from trainband.results.records import Record
from trainband.results.store import RunFilter, Store, StoreError

CPU, ONE, GPU = "mlp_digits:smoke@cpu", "mlp_digits:smoke@cpu_1thread", "mlp_digits:smoke@gpu"
TODAY = date(2026, 11, 26)
FIRST = datetime(2026, 1, 1, 3, tzinfo=UTC)


@dataclass
class Clock:
    """A time that only a run moves."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Pretender:
    """Takes the runner's place: each run is a record with tonight's accuracy and speed, and takes ten seconds.

    Attributes:
      accuracy: in sds of the band from its mean; `confirming` is that of confirmation runs, where it is another.
      speed: as a factor.
    """

    store: Store
    make_run: Callable[..., Record]
    band: MetricBand
    clock: Clock
    number: int = 0
    accuracy: float = 0.0
    confirming: float | None = None
    speed: float = 1.0
    made: int = 0
    asked: list[RunRequest] = field(default_factory=list)

    def run(self, request: RunRequest) -> Record:
        self.asked.append(request)
        self.made += 1
        self.clock.now += 10.0
        run_id = f"run-{self.number:03d}-{self.made:04d}"
        confirms = request.seed_role == "confirmation" and self.confirming is not None
        level = self.confirming if confirms and self.confirming is not None else self.accuracy
        scatter = NormalDist().inv_cdf(((self.made * 7) % 19 + 0.5) / 19)
        record = self.make_run(
            run_id,
            accuracy=self.band.mean + self.band.sd * (0.1 * scatter + level),
            profile=request.cell.profile.name,
            seed=request.seed,
            seed_role=request.seed_role,
            sweep_id=request.sweep_id,
            sweep_index=request.sweep_index,
            faults=request.faults,
            created=(FIRST + timedelta(days=self.number, seconds=self.made)).isoformat(timespec="milliseconds"),
            wall_sec=10.0,
            fingerprint={"distributions": {"keras": "3.14.0" if self.number <= 12 else "3.15.1"}},
        )
        assert record.measurement is not None
        speed = replace(
            record.measurement.throughput,
            examples_per_cpu_sec=1500.0 * math.exp(0.01 * scatter) * self.speed,
            examples_per_sec=None,
        )
        record = replace(record, measurement=replace(record.measurement, throughput=speed))
        self.store.begin_run(run_id)
        self.store.commit_run(run_id, record)
        return record

    def surroundings(self, cell: Cell) -> tuple[str, str]:
        return "host", "c" * 16


class NoHost(Confirmer):
    """A confirmer whose A/B cannot be had, until it is told what to find."""

    ab: Confirmation | None = None

    def _by_ab(self, candidate: Regression, cell: Cell) -> Confirmation:
        if self.ab is None:
            raise NotConfirmable("the environment is gone")
        return self.ab


@dataclass
class House:
    """A store with its nights."""

    store: Store
    bands: BandFolder
    runner: Pretender
    confirmer: NoHost

    def night(self, *names: str, budget_sec: float | None = None) -> Night:
        models, profiles = load_catalog(), load_profiles()
        cells = least_recent_first([find_cell(name, models, profiles) for name in names], self.store)
        self.runner.number += 1
        catalog: dict[str, Any] = {"bands": self.bands, "models": models, "profiles": profiles}
        plan = plan_sweep(cells, suite="mine", seeds=1)
        runner: Any = self.runner
        nightly = Nightly(
            sweep=Sweep(plan=plan, runner=runner, available=cpu_alone, **catalog),
            cells={cell.name: cell for cell in cells},
            budget=Budget(seconds=budget_sec, clock=self.runner.clock),
            history=History(store=self.store, **catalog),
            canaries=None,
            confirmer=self.confirmer,
            suite="mine",
            today=TODAY,
        )
        nightly.run()
        return nightly.close(0)

    def nights(self, count: int, *names: str) -> list[Night]:
        return [self.night(*names) for _ in range(count)]

    def regressions(self) -> list[Regression]:
        found, problems = History(store=self.store, bands=self.bands, models={}, profiles={}).folder.all()
        assert problems == []
        return found


def cpu_alone(profile: Profile) -> Availability:
    return Availability(available=profile.device == "cpu", reason="no GPU", devices=0)


@pytest.fixture
def house(tmp_path: Path, make_run: Any, make_band: Any) -> Iterator[House]:
    bands = BandFolder(tmp_path / "bands")
    band = make_band()
    write_band(band_path(bands.root, "mlp_digits", "smoke"), band)
    store = Store(tmp_path / "store")
    pretender = Pretender(store=store, make_run=make_run, band=band.metrics[0], clock=Clock())
    runner: Any = pretender
    confirmer = NoHost(runner=runner, bands=bands, models=load_catalog(), profiles=load_profiles())
    yield House(store=store, bands=bands, runner=pretender, confirmer=confirmer)
    store.close()


def test_a_drop_below_every_nights_alarm_is_found_confirmed_and_explained(house: House) -> None:
    assert all(night.candidates == () for night in house.nights(12, CPU))
    house.runner.accuracy = -2.4  # inside the band of +-2.75 sd, so that every night passes
    nights = house.nights(6, CPU)
    raised = [number for number, night in enumerate(nights) if night.candidates]
    assert raised == [number for number, night in enumerate(nights) if night.confirmed] == [4]
    [found] = house.regressions()
    assert (found.state, found.quantity.name, found.side) == ("detected", "accuracy", "lower")
    assert found.onset_run.startswith("run-013")
    assert found.onset.startswith("2026-01-14")
    assert [(each.group, each.name, each.before, each.after) for each in found.environment] == [
        ("packages", "keras", "3.14.0", "3.15.1")
    ]
    rows = history_rows(house.store, house.bands, load_catalog(), load_profiles())
    shown = {row["quantity"]: row for row in rows}
    assert list(shown) == ["accuracy", "log_loss", "examples_per_cpu_sec"]
    assert (shown["accuracy"]["runs"], shown["accuracy"]["changes"]) == (18, "2026-01-14")
    assert shown["accuracy"]["from baseline"].startswith("-2.")
    assert shown["accuracy"]["drift a month"].startswith("-")
    assert shown["examples_per_cpu_sec"]["baseline"] == "18 of 30 runs, 18 of 5 days"
    fresh = [request for request in house.runner.asked if request.seed_role == "confirmation"]
    assert len({request.seed for request in fresh}) == 2
    assert found.confirmation is not None
    assert len(found.confirmation.runs) == 2


def test_a_candidate_whose_runs_are_sound_is_refuted(house: House) -> None:
    house.nights(3, CPU)
    house.runner.accuracy, house.runner.confirming = -2.4, 0.0
    *_, night = house.nights(5, CPU)
    assert (len(night.candidates), len(night.refuted), len(night.confirmed)) == (1, 1, 0)
    assert [each.state for each in house.regressions()] == ["refuted"]
    asked = [request.seed_role for request in house.runner.asked]
    assert asked == ["sweep"] * 8 + ["confirmation"] * 2
    # Those two were asked for by no run: `check` judges the night's.
    [checked] = rejudge(house.store, house.bands, models=load_catalog(), profiles=load_profiles())
    assert (checked.judgement.verdict, checked.judgement.records[0][:7]) == ("pass", "run-008")


def test_a_drop_that_fails_the_night_is_a_regression_at_once(house: House) -> None:
    house.nights(12, CPU)
    house.runner.accuracy = -6.0
    first, second = house.nights(2, CPU)
    [found] = house.regressions()
    assert (first.confirmed, second.confirmed) == ((found.regression_id,), ())
    assert (found.state, found.confirmation and found.confirmation.kind) == ("detected", "verdict")
    assert found.shift_sd == pytest.approx(-6.0, abs=0.2)
    assert [(each.name, each.before, each.after) for each in found.environment] == [("keras", "3.14.0", "3.15.1")]
    # The sums pass their limit on the second night, and tell of the same change.
    assert (first.candidates, second.candidates) == ((), ())


def test_a_slow_cell_waits_until_an_a_b_can_be_had(house: House) -> None:
    house.nights(31, CPU)
    house.runner.speed = 0.9
    first, second, third = house.nights(3, CPU)
    [name] = (*first.candidates, *second.candidates, *third.candidates)
    assert [(waiting.what, waiting.why) for waiting in third.waiting] == [(name, "the environment is gone")]
    assert [each.state for each in house.regressions()] == ["candidate"]
    house.confirmer.ab = Confirmation(kind="A/B", confirmed=True, says="0.900 [0.89, 0.91]", value=0.9, bound=1.0)
    [night] = house.nights(1, CPU)
    assert (night.confirmed, night.candidates) == ((name,), ())
    [found] = house.regressions()
    assert (found.state, found.baseline.newest_run[:7]) == ("detected", "run-030")


def test_what_the_budget_did_not_reach_goes_first_next_night(house: House) -> None:
    assert house.night(CPU, ONE, GPU).judged == (CPU, ONE, GPU)
    # A run takes ten seconds: the second one would end too late, and a cell that is skipped takes no time.
    short = house.night(CPU, ONE, GPU, budget_sec=15.0)
    assert [waiting.what for waiting in short.waiting] == [ONE]
    assert short.judged == (GPU, CPU)
    assert house.night(CPU, ONE, GPU, budget_sec=1.0).judged == (GPU, ONE)  # the first one begins whatever it takes
    assert read_night(house.store.root, short.night_id) == short


def test_one_night_at_a_time(house: House) -> None:
    with alone(house.store):
        other = Store(house.store.root)
        with pytest.raises(StoreError, match="a night is in progress"):
            alone(other).__enter__()
    with alone(house.store):
        assert house.store.rows(RunFilter()) == []
