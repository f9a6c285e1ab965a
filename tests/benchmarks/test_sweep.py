"""Sweeps of runs that fail in a fraction of a second: what is planned, stored, resumed and skipped."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from trainband.benchmarks.bands_on_disk import BandFolder
from trainband.benchmarks.cells import Cell
from trainband.benchmarks.sweep import (
    Sweep,
    SweepEvent,
    SweepPlan,
    Watcher,
    find_unfinished,
    plan_from_document,
    plan_sweep,
)
from trainband.platforms.probes import Availability
from trainband.platforms.profiles import Profile, find_profile
from trainband.results.codec import CodecError, encode
from trainband.results.exit_status import exit_status
from trainband.results.judgements import Judgement
from trainband.results.store import JudgementFilter, RunFilter, Store, StoreError

needs_tensorflow = pytest.mark.backend("tensorflow")
slow = pytest.mark.slow
MakeSweep = Callable[..., Sweep]


def cpu_alone(profile: Profile) -> Availability:
    if profile.device == "cpu":
        return Availability(available=True, reason="2 cores", devices=1)
    return Availability(available=False, reason="no NVIDIA GPU found (no /dev/nvidia0)", devices=0)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "store")
    yield opened
    opened.close()


@pytest.fixture
def cells(lab: Any) -> list[Cell]:
    return [replace(lab.cell, profile=find_profile(name)) for name in ("cpu", "cpu_1thread", "gpu")]


@pytest.fixture
def make_sweep(lab: Any, store: Store, cells: list[Cell], tmp_path: Path) -> MakeSweep:
    def make(plan: SweepPlan, watch: Watcher = lambda event: None) -> Sweep:
        return Sweep(
            plan=plan,
            runner=replace(lab.runner, store=store),
            bands=BandFolder(tmp_path / "bands"),
            models={"tiny_digits": cells[0].model},
            profiles={cell.profile.name: cell.profile for cell in cells},
            available=cpu_alone,
            watch=watch,
        )

    return make


def failing(cells: list[Cell], **settings: Any) -> SweepPlan:
    """A plan whose runs end at once and without an answer."""
    return plan_sweep(cells, suite=None, faults=("silent_exit",), **{"seeds": 1, **settings})


def interrupt_at(nth: int, kind: str = "started") -> Watcher:
    """A watcher through which a Ctrl-C comes as the nth event of a kind is told."""
    seen: list[SweepEvent] = []

    def watch(event: SweepEvent) -> None:
        seen.extend([event] if event.kind == kind else [])
        if len(seen) == nth:
            raise KeyboardInterrupt

    return watch


def sweep_status(store: Store, plan: SweepPlan) -> str:
    return str(store.read_sweep(plan.sweep_id)["status"])


def verdicts(judgements: list[Judgement]) -> Mapping[str, str]:
    return {judgement.cell.partition("@")[2]: judgement.verdict for judgement in judgements}


def test_a_plan_is_every_cell_as_often_as_asked_with_fresh_seeds(cells: list[Cell]) -> None:
    plan = plan_sweep(cells, suite="mine", seeds=3)
    assert [(run.index, run.cell, run.repeat) for run in plan.runs] == [
        (3 * i + repeat, cell.name, repeat) for i, cell in enumerate(cells) for repeat in range(3)
    ]
    assert len({run.seed for run in plan.runs}) == 9
    assert all(run.seed < 1_000_000 and not run.pinned for run in plan.runs)
    assert plan.sweep_id.split("-")[1] == "mine"
    assert {run.seed for run in plan.runs}.isdisjoint(run.seed for run in plan_sweep(cells, suite="mine", seeds=3).runs)


def test_a_seed_can_be_pinned(cells: list[Cell]) -> None:
    assert {(run.seed, run.pinned) for run in plan_sweep(cells, suite=None, seeds=1, pinned_seed=5).runs} == {(5, True)}


def test_a_plan_survives_the_store(cells: list[Cell]) -> None:
    plan = plan_sweep(cells, suite="mine", seeds=2, required=("gpu",), faults=("killed",))
    assert plan_from_document(json.loads(json.dumps(encode(plan)))) == plan
    with pytest.raises(CodecError, match="unknown key 'surprise'"):
        plan_from_document({**encode(plan), "surprise": 1})


@needs_tensorflow
@slow
def test_a_sweep_judges_each_planned_run_once_and_says_what_it_skipped(
    make_sweep: MakeSweep, store: Store, cells: list[Cell]
) -> None:
    events: list[SweepEvent] = []
    plan = failing(cells)
    judgements = make_sweep(plan, events.append).run()
    assert verdicts(judgements) == {"cpu": "error", "cpu_1thread": "error", "gpu": "skipped"}
    assert judgements[2].reason == "no NVIDIA GPU found (no /dev/nvidia0)"
    assert "the child left no answer" in judgements[0].reason
    assert [event.kind for event in events] == ["started", "judged"] * 3
    assert sweep_status(store, plan) == "finished"
    assert len(store.judgements(JudgementFilter(sweep_id=plan.sweep_id))) == 3
    assert [row.seed for row in store.rows(RunFilter(cell=cells[0].name))] == [plan.runs[0].seed]


def test_a_skipped_cell_changes_no_status_unless_its_profile_is_required(
    make_sweep: MakeSweep, cells: list[Cell]
) -> None:
    [skipped] = make_sweep(failing(cells[2:])).run()
    passed = replace(skipped, verdict="pass", cell=cells[0].name)
    assert exit_status([passed, skipped]) == exit_status([passed]) == 0
    assert exit_status([passed, skipped], frozenset({"gpu"})) == 3
    assert exit_status([skipped]) == 4


@needs_tensorflow
@slow
def test_an_interrupted_sweep_is_stored_as_that_and_goes_on_where_it_was(
    make_sweep: MakeSweep, store: Store, cells: list[Cell]
) -> None:
    plan = failing(cells, seeds=2)
    with pytest.raises(KeyboardInterrupt):
        make_sweep(plan, interrupt_at(3)).run()
    assert sweep_status(store, plan) == "interrupted"
    first = {row.run_id for row in store.rows(RunFilter())}
    assert len(first) == 2
    assert find_unfinished(store, None, [cell.name for cell in cells]) is None  # the sweep had planted faults
    found = find_unfinished(store, None, [cell.name for cell in cells], plan.faults)
    assert found is not None
    assert found.runs == plan.runs

    judgements = make_sweep(found).run()
    assert len({judgement.judgement_id for judgement in judgements}) == 6
    rows = store.rows(RunFilter(sweep_id=plan.sweep_id))
    assert len(rows) == 4
    assert first < {row.run_id for row in rows}
    assert sorted(row.seed for row in rows) == sorted(run.seed for run in plan.runs if "@gpu" not in run.cell)
    assert find_unfinished(store, None, [cell.name for cell in cells], plan.faults) is None


@needs_tensorflow
@slow
def test_a_run_that_was_recorded_and_not_judged_is_not_trained_again(
    make_sweep: MakeSweep, store: Store, cells: list[Cell], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = failing(cells[:1])
    with monkeypatch.context() as patch:
        patch.setattr(store, "write_judgement", _disk_full)
        sweep = make_sweep(plan)
        with pytest.raises(StoreError, match="full"):
            sweep.run()
    [row] = store.rows(RunFilter())
    [judgement] = make_sweep(plan).run()
    assert judgement.records == (row.run_id,)
    assert len(store.rows(RunFilter())) == 1


def _disk_full(document: object) -> None:
    raise StoreError("the disk is full")


def test_two_processes_never_continue_one_sweep(make_sweep: MakeSweep, store: Store, cells: list[Cell]) -> None:
    plan = failing(cells)
    with (
        Store(store.root).lock_sweep(plan.sweep_id),
        pytest.raises(StoreError, match=f"sweep {plan.sweep_id} is in progress"),
    ):
        make_sweep(plan).run()


def test_only_an_unfinished_sweep_of_the_same_suite_or_cells_is_found(store: Store, cells: list[Cell]) -> None:
    names = [cell.name for cell in cells]
    suite = replace(plan_sweep(cells, suite="mine", seeds=1), status="interrupted", created="2026-01-02T00:00:00+00:00")
    older = replace(plan_sweep(cells, suite=None, seeds=1), created="2026-01-01T00:00:00+00:00")
    finished = replace(plan_sweep(cells, suite="other", seeds=1), status="finished")
    for plan in (suite, older, finished):
        store.write_sweep(encode(plan))
    assert find_unfinished(store, "mine", names) == suite
    assert find_unfinished(store, "other", names) is None
    assert find_unfinished(store, None, names[:1]) is None
    assert find_unfinished(store, None, names) == suite
