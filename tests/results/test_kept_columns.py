"""What is kept of a cell and what came since are all that the index has, whatever comes and goes in between."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trainband.results import store_summaries
from trainband.results.codec import encode
from trainband.results.judgements import Judgement
from trainband.results.kept_columns import kept_path, read_kept
from trainband.results.records import Record
from trainband.results.run_columns import run_columns
from trainband.results.store import JudgementFilter, RunFilter, Store
from trainband.results.store_summaries import CellEntries, cell_entries, cell_states

CELL = "mlp_digits:smoke@cpu"
LIMIT = 4


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(store_summaries, "_KEPT_AGAIN", 3)
    return Store(tmp_path / "store")


@pytest.fixture
def night(store: Store, make_run: Callable[..., Record]) -> Callable[..., str]:
    """`night(day, band="new", **fields)`: a run, and the judgement that it triggered unless `band` is None."""

    def train(day: int, band: str | None = "new", **fields: Any) -> str:
        run_id = f"run-{day:02d}"
        record = make_run(run_id, created=f"2026-03-{day:02d}T04:00:00+00:00", sweep_id=f"night-{day:02d}", **fields)
        store.begin_run(run_id)
        store.commit_run(run_id, record)
        if band is not None:
            judge(store, f"judgement-{day:02d}", day, run_id, band)
        return run_id

    return train


def judge(store: Store, name: str, day: int, run_id: str, band: str) -> None:
    judgement = Judgement(
        judgement_id=name,
        created=f"2026-03-{day:02d}T05:00:00+00:00",
        sweep_id=f"night-{day:02d}",
        cell=CELL,
        verdict="pass",
        reason="because",
        records=(run_id,),
        band_digest=band,
    )
    store.write_judgement(encode(judgement))


def entries(store: Store) -> CellEntries:
    """What the pages are told of the cell, which must be what the index has."""
    found = cell_entries(store, CELL, state=cell_states(store)[CELL], judgements=LIMIT)
    assert found.runs == run_columns(store.rows(RunFilter(cell=CELL)))
    assert found.judgements == store.judgements(JudgementFilter(cell=CELL, limit=LIMIT))
    assert found.judged_by == store_summaries.judged_by(store, CELL)
    return found


def test_night_after_night_nothing_is_lost_and_nothing_told_twice(store: Store, night: Callable[..., str]) -> None:
    for day in range(1, 12):
        night(day, band=None if day == 7 else "new", faults=("busy_thread",) if day == 5 else ())
        assert len(entries(store).runs) == day
    kept = read_kept(store.root, CELL)
    assert kept is not None
    assert len(kept.runs) == 10  # of nights 1, 4, 7 and 10


def test_a_judgement_again_an_older_run_and_a_run_that_is_gone_are_seen(
    store: Store, night: Callable[..., str]
) -> None:
    for day in (2, 4, 6):
        night(day)
    entries(store)
    judge(store, "again", 7, "run-04", "newer")
    assert entries(store).judged_by["run-04"] == "newer"
    night(3)
    assert list(entries(store).runs.run_ids) == ["run-02", "run-03", "run-04", "run-06"]
    shutil.rmtree(store.root / "runs" / "run-02")
    store.close()
    assert list(entries(store).runs.run_ids) == ["run-03", "run-04", "run-06"]


def test_a_cell_that_was_never_judged_is_kept_as_well(store: Store, night: Callable[..., str]) -> None:
    for day in (1, 2, 3):
        night(day, band=None)
        assert len(entries(store).runs) == day
    kept = read_kept(store.root, CELL)
    assert kept is not None
    assert len(kept.runs) == 1
    judge(store, "first", 4, "run-02", "new")
    assert entries(store).judged_by == {"run-02": "new"}


def test_a_run_that_comes_between_the_count_and_the_question_is_told_once(
    store: Store, night: Callable[..., str]
) -> None:
    night(1)
    counted = cell_states(store)[CELL]
    night(2)
    assert len(cell_entries(store, CELL, state=counted, judgements=LIMIT).runs) == 2
    night(3)
    assert list(entries(store).runs.run_ids) == ["run-01", "run-02", "run-03"]


@pytest.mark.parametrize("content", [b"", b"\xff", b"[]", b"{}", b'{"form": 0}', b'{"form": 1, "cell": "another"}'])
def test_a_file_that_cannot_be_read_is_made_anew(store: Store, night: Callable[..., str], content: bytes) -> None:
    night(1)
    entries(store)
    path = kept_path(store.root, CELL)
    good = path.read_bytes()
    path.write_bytes(content)
    entries(store)
    assert path.read_bytes() == good


def test_more_judgements_than_are_asked_for_at_once_are_all_counted(store: Store, night: Callable[..., str]) -> None:
    night(1)
    entries(store)
    for number in range(LIMIT + 2):
        judge(store, f"again-{number}", 2 + number, "run-01", f"band-{number}")
    assert entries(store).judged_by == {"run-01": f"band-{LIMIT + 1}"}


def test_a_store_that_cannot_be_written_is_asked_for_all(store: Store, night: Callable[..., str]) -> None:
    night(1)
    (store.root / "columns").write_text("no folder")
    entries(store)
    night(2)
    assert len(entries(store).runs) == 2


def test_a_store_that_is_indexed_anew_keeps_nothing(store: Store, night: Callable[..., str]) -> None:
    night(1)
    entries(store)
    store.rebuild()
    assert not kept_path(store.root, CELL).exists()
