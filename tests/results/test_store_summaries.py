"""What the pages count in the index."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from trainband.results.codec import encode
from trainband.results.judgements import Judgement, Verdict
from trainband.results.records import Record
from trainband.results.store import JudgementFilter, RunFilter, Store
from trainband.results.store_summaries import cell_states, judged_by, rows_of_sweeps, verdicts_of_sweeps

CELL, OTHER = "mlp_digits:smoke@cpu", "mlp_digits:smoke@cpu_xla"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def judge(store: Store, name: str, cell: str, day: int, verdict: Verdict = "pass", **fields: object) -> None:
    judgement = Judgement(
        judgement_id=name,
        created=f"2026-03-{day:02d}T04:00:00+00:00",
        sweep_id=f"sweep-{day}",
        cell=cell,
        verdict=verdict,
        reason="because",
        **fields,  # type: ignore[arg-type]
    )
    store.write_judgement(encode(judgement))


def test_cells_are_those_that_were_trained_or_judged(store: Store, make_run: Callable[..., Record]) -> None:
    assert cell_states(store) == {}
    run = make_run("a")
    store.begin_run("a")
    store.commit_run("a", run)
    judge(store, "j", OTHER, 1, "skipped")
    assert sorted(cell_states(store)) == [CELL, OTHER]


def test_a_cells_state_changes_with_each_run_and_judgement_of_its_own_alone(
    store: Store, make_run: Callable[..., Record]
) -> None:
    judge(store, "j1", CELL, 1)
    judge(store, "j2", OTHER, 1)
    before = cell_states(store)
    judge(store, "j3", CELL, 2)
    after = cell_states(store)
    assert after[OTHER] == before[OTHER]
    assert after[CELL] != before[CELL]
    store.begin_run("a")
    store.commit_run("a", make_run("a", created="2026-01-01T04:00:00+00:00"))
    assert cell_states(store)[CELL] != after[CELL]


def test_a_run_was_judged_by_the_band_of_the_newest_judgement_that_it_triggered(store: Store) -> None:
    judge(store, "j1", CELL, 1, records=("a", "fresh"), band_digest="old")
    judge(store, "j2", CELL, 2, records=("a",), band_digest="new")
    judge(store, "j3", CELL, 3, records=("b",))
    judge(store, "j4", CELL, 4, "skipped")
    judge(store, "j5", OTHER, 5, records=("c",), band_digest="other")
    assert judged_by(store, CELL) == {"a": "new", "b": None}


def test_the_runs_of_sweeps_are_asked_for_together_and_come_apart_newest_first(
    store: Store, make_run: Callable[..., Record]
) -> None:
    days = {"a": 1, "b": 3, "c": 2, "d": 4}
    sweeps = {"a": "night-1", "b": "night-1", "c": "night-2", "d": "another"}
    for run_id, day in days.items():
        created = f"2026-03-{day:02d}T04:00:00+00:00"
        store.begin_run(run_id)
        store.commit_run(run_id, make_run(run_id, created=created, sweep_id=sweeps[run_id]))
    found = rows_of_sweeps(store, ["night-1", "night-2", "night-3"])
    assert {sweep: [row.run_id for row in rows] for sweep, rows in found.items()} == {
        "night-1": ["b", "a"],
        "night-2": ["c"],
    }
    assert found["night-1"] == store.rows(RunFilter(sweep_id="night-1"))


def test_verdicts_are_counted_by_sweep(store: Store) -> None:
    judge(store, "j1", CELL, 1)
    judge(store, "j2", OTHER, 1)
    judge(store, "j3", CELL, 2, "fail_low")
    assert verdicts_of_sweeps(store) == {"sweep-1": {"pass": 2}, "sweep-2": {"fail_low": 1}}


def test_a_plain_cell_is_no_pattern_and_a_limit_keeps_the_newest(store: Store) -> None:
    for day in (1, 2, 3):
        judge(store, f"j{day}", CELL, day)
        judge(store, f"o{day}", OTHER, day)
    newest = store.judgements(JudgementFilter(cell=CELL, limit=2))
    assert [document["judgement_id"] for document in newest] == ["j3", "j2"]
    assert len(store.judgements(JudgementFilter(cell="mlp_digits:*"))) == 6
    assert store.rows(RunFilter(cell=CELL)) == []
