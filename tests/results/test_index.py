"""The index: a copy of the directories that answers questions, on any database, and mends itself."""

from __future__ import annotations

import json
import logging
import math
import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from trainband.results import index as index_module
from trainband.results import store_index
from trainband.results.index import Index
from trainband.results.index_rows import Entries, JudgementFilter, Problem, RunFilter, run_row
from trainband.results.index_tables import TABLES
from trainband.results.records import Record, record_to_json
from trainband.results.store import IndexUnavailable, Store, StoreError

MakeRecord = Callable[..., Record]

CNN = {"model": "cnn_digits", "tier": "short", "profile": "cpu_jax"}


def commit(store: Store, record: Record) -> None:
    store.begin_run(record.run_id)
    store.commit_run(record.run_id, record)


def ids(store: Store, where: RunFilter | None = None) -> list[str]:
    return [row.run_id for row in store.rows(where or RunFilter())]


def execute(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.fixture(params=["own file", "sqlite URL", "TRAINBAND_TEST_INDEX_URL"])
def index_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str | None]:
    """None for the store's own file, or the URL of a database; TRAINBAND_TEST_INDEX_URL may name any, and it is emptied."""
    if request.param == "own file":
        yield None
    elif request.param == "sqlite URL":
        yield f"sqlite:///{tmp_path / 'elsewhere.sqlite'}"
    else:
        url = os.environ.get("TRAINBAND_TEST_INDEX_URL")
        if url is None:
            pytest.skip("NOT TESTED, another database: TRAINBAND_TEST_INDEX_URL names none")
        _empty(url)
        yield url
        _empty(url)


def _empty(url: str) -> None:
    engine = sa.create_engine(url)
    TABLES.drop_all(engine)
    engine.dispose()


@pytest.fixture
def store(tmp_path: Path, index_url: str | None) -> Iterator[Store]:
    store = Store(tmp_path / "store", index_url)
    yield store
    store.close()


def test_a_row_holds_what_a_list_shows(store: Store, make_record: MakeRecord) -> None:
    record = make_record(
        "r1", sweep_id="s1", sweep_index=3, seed=2**40, faults=("lr_x10",), contended=("steal",), created="2026-03-01"
    )
    commit(store, record)

    (row,) = store.rows()

    assert row == run_row(record)
    assert (row.cell, row.seed, row.sweep_id, row.sweep_index) == ("mlp_digits:smoke@cpu", 2**40, "s1", 3)
    assert row.created == "2026-03-01T00:00:00.000000+00:00"
    assert row.metrics == {"accuracy": 0.97, "log_loss": 0.25}
    assert (row.examples_per_sec, row.examples_per_cpu_sec, row.wall_sec) == (2000.0, 1500.0, 9.5)
    assert (row.faults, row.contended, row.recipe_hash) == (("lr_x10",), ("steal",), "f" * 64)


def test_a_metric_that_is_no_number_comes_back_as_it_was(store: Store, make_record: MakeRecord) -> None:
    for name, value in (("nan", math.nan), ("inf", math.inf), ("low", -math.inf)):
        commit(store, make_record(name, accuracy=value))

    found = {row.run_id: row.metrics["accuracy"] for row in store.rows()}

    assert math.isnan(found["nan"])
    assert (found["inf"], found["low"]) == (math.inf, -math.inf)


def test_a_run_that_failed_has_no_measurement_in_its_row(store: Store, make_record: MakeRecord) -> None:
    commit(store, make_record("r1", outcome="timeout"))

    (row,) = store.rows()

    assert (row.outcome, row.metrics, row.examples_per_sec, row.recipe_hash) == ("timeout", {}, None, None)


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (RunFilter(), ["d", "c", "b", "a"]),
        (RunFilter(limit=2), ["d", "c"]),
        (RunFilter(cell="cnn_*"), ["c", "b"]),
        (RunFilter(cell="*:short@cpu_jax"), ["c"]),
        (RunFilter(cell="mlp_digits:smoke@cpu"), ["d", "a"]),
        (RunFilter(cell="MLP*"), []),
        (RunFilter(cell="cnn_[!x]*:s????@*"), ["c", "b"]),
        (RunFilter(model="cnn_digits", tier="smoke"), ["b"]),
        (RunFilter(profile="cpu_jax"), ["c"]),
        (RunFilter(sweep_id="s1"), ["b", "a"]),
        (RunFilter(outcome="error"), ["d"]),
        (RunFilter(since="2026-03-03"), ["d", "c"]),
        (RunFilter(since="2026-03-03T02:00:00+02:00"), ["d", "c"]),
        (RunFilter(since=datetime(2026, 3, 3, 0, 0, 1, tzinfo=UTC)), ["d"]),
        (RunFilter(sweep_id="s1", outcome="error"), []),
    ],
)
def test_each_filter_keeps_what_it_says(
    tmp_path: Path, make_record: MakeRecord, where: RunFilter, expected: list[str]
) -> None:
    store = Store(tmp_path)
    commit(store, make_record("a", created="2026-03-01", sweep_id="s1"))
    commit(store, make_record("d", created="2026-03-04", outcome="error"))
    commit(store, make_record("b", created="2026-03-02", sweep_id="s1", **{**CNN, "tier": "smoke", "profile": "cpu"}))
    commit(store, make_record("c", created="2026-03-03T01:00:00+01:00", **CNN))

    assert ids(store, where) == expected


def test_a_filter_that_means_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="limit = 0: must be at least 1"):
        RunFilter(limit=0)
    with pytest.raises(ValueError, match="since = 'yesterday': not an ISO 8601"):
        Store(tmp_path).rows(RunFilter(since="yesterday"))


def judgement(name: str, **fields: Any) -> dict[str, Any]:
    return {
        "judgement_id": name,
        "cell": "mlp_digits:smoke@cpu",
        "verdict": "pass",
        "sweep_id": "s1",
        "created": "2026-03-01",
        "records": ["r1"],
        **fields,
    }


def test_judgements_are_found_by_cell_verdict_sweep_and_run(store: Store) -> None:
    a = judgement("a", records=["r1", "r2"], bands={"accuracy": [0.9, None]})
    b = judgement("b", created="2026-03-02", verdict="fail_low", cell="cnn_digits:short@cpu", sweep_id=None)
    for document in (a, b):
        store.write_judgement(document)

    assert store.judgements() == [b, a]
    assert store.judgements(JudgementFilter(cell="mlp_*")) == [a]
    assert store.judgements(JudgementFilter(verdict="fail_low")) == [b]
    assert store.judgements(JudgementFilter(sweep_id="s1")) == [a]
    assert store.judgements(JudgementFilter(run_id="r2")) == [a]
    assert store.judgements(JudgementFilter(run_id="r1", limit=1)) == [b]
    assert store.judgements(JudgementFilter(since="2026-03-02")) == [b]


def test_the_index_is_remade_from_the_directories_alone(store: Store, make_record: MakeRecord) -> None:
    commit(store, make_record("r1"))
    commit(store, make_record("r2", outcome="error"))
    store.write_judgement(judgement("j1"))
    before = (store.rows(), store.judgements())

    assert store.rebuild() == []

    assert (store.rows(), store.judgements()) == before


def damage(runs: Path) -> set[str]:
    """One directory of each kind that is no run; returns their names."""
    good = (runs / "good" / "record.json").read_text(encoding="utf-8")
    texts = {
        "empty": "",
        "torn": good[: len(good) // 2],
        "list": "[]",
        "deep": "[" * 100_000,
        "newer": json.dumps({**json.loads(good), "version": 99}),
        "renamed": good,
    }
    for name, text in texts.items():
        (runs / name).mkdir()
        (runs / name / "record.json").write_text(text, encoding="utf-8")
    (runs / "binary").mkdir()
    (runs / "binary" / "record.json").write_bytes(b"\xff\xfe\x00")
    (runs / "no_record").mkdir()
    (runs / "a_file").touch()
    return {*texts, "binary", "no_record", "a_file"}


def test_what_is_no_run_becomes_a_problem_and_stays_where_it_is(store: Store, make_record: MakeRecord) -> None:
    commit(store, make_record("good"))
    names = damage(store.root / "runs")
    (store.root / "judgements" / "torn.json").write_text("{", encoding="utf-8")

    problems = {problem.path: problem.message for problem in store.rebuild()}

    assert set(problems) == {f"runs/{name}" for name in names} | {"judgements/torn.json"}
    assert problems["runs/no_record"] == "there is no record.json"
    assert problems["runs/a_file"] == "it is a file, not a run directory"
    assert "version = 99: this release reads version 1" in problems["runs/newer"]
    assert "record.run_id = 'good': the directory is 'renamed'" in problems["runs/renamed"]
    assert ids(store) == ["good"]
    assert {path.name for path in (store.root / "runs").iterdir()} == {"good", *names}
    assert {problem.path for problem in Store(store.root, create=False).problems()} == set(problems)
    with pytest.raises(StoreError, match="cannot read the record of run torn"):
        store.read_record("torn")


def test_a_repaired_run_is_found_by_the_next_rebuild(store: Store, make_record: MakeRecord) -> None:
    commit(store, make_record("r1"))
    path = store.root / "runs" / "r1" / "record.json"
    good = path.read_text(encoding="utf-8")

    path.write_text("{", encoding="utf-8")
    assert [problem.path for problem in store.rebuild()] == ["runs/r1"]
    assert ids(store) == []

    path.write_text(good, encoding="utf-8")
    assert store.rebuild() == []
    assert ids(store) == ["r1"]


def test_a_record_that_broke_after_it_was_indexed_is_left_out_and_reported(
    store: Store, make_record: MakeRecord, caplog: pytest.LogCaptureFixture
) -> None:
    commit(store, make_record("r1", created="2026-03-01"))
    commit(store, make_record("r2", created="2026-03-02"))
    (store.root / "runs" / "r2" / "record.json").write_text("{", encoding="utf-8")

    assert [record.run_id for record in store.records()] == ["r1"]
    assert "r2 is left out" in caplog.text
    assert [problem.path for problem in store.problems()] == ["runs/r2"]


def test_the_next_opening_notices_what_came_and_went_without_the_index(
    tmp_path: Path, index_url: str | None, make_record: MakeRecord
) -> None:
    store = Store(tmp_path / "store", index_url)
    for name in ("stays", "goes"):
        commit(store, make_record(name))
    store.write_judgement(judgement("goes"))
    shutil.rmtree(store.root / "runs" / "goes")
    (store.root / "judgements" / "goes.json").unlink()
    (store.root / "runs" / "comes").mkdir()
    (store.root / "runs" / "comes" / "record.json").write_text(record_to_json(make_record("comes")), encoding="utf-8")

    again = Store(tmp_path / "store", index_url)

    assert sorted(ids(again)) == ["comes", "stays"]
    assert again.judgements() == []


def test_what_cannot_be_read_or_is_in_the_making_is_looked_at_once(
    store: Store, make_record: MakeRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(store, make_record("good"))
    store.write_judgement(judgement("good"))
    (store.root / "runs" / "no_record").mkdir()
    (store.root / "judgements" / "notes.txt").write_text("no judgement")
    (store.root / "judgements" / ".half.json").write_text("{")
    unreadable = ["judgements/notes.txt", "runs/no_record"]
    assert [problem.path for problem in Store(store.root).problems()] == unreadable
    monkeypatch.setattr(store_index, "read_entries", None)

    again = Store(store.root)

    assert [problem.path for problem in again.problems()] == unreadable
    assert ids(again) == ["good"]


@pytest.mark.parametrize("joins_names", [True, False])
def test_an_index_knows_its_entries_by_name_whatever_its_database(
    joins_names: bool, make_record: MakeRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_module, "_JOINING", frozenset({"sqlite"} if joins_names else ()))
    index = Index("sqlite://", store_id="s")
    index.prepare()
    assert index.known_names() == {"runs": [], "judgements": []}
    problem = Problem(path="judgements/torn.json", message="torn")
    rows = [run_row(make_record(name)) for name in ("r1", "r2")]

    index.put(Entries(runs=rows, judgements=[judgement("j1")], problems=[problem]))

    names = index.known_names()
    assert {folder: sorted(found) for folder, found in names.items()} == {
        "runs": ["r1", "r2"],
        "judgements": ["j1.json", "torn.json"],
    }


def test_a_run_stands_though_the_index_cannot_be_written_and_is_indexed_later(
    tmp_path: Path, make_record: MakeRecord, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(tmp_path)
    commit(store, make_record("r1"))
    for path in tmp_path.glob("index.sqlite*"):
        path.unlink()
    (tmp_path / "index.sqlite").mkdir()

    commit(store, make_record("r2"))

    assert (tmp_path / "runs" / "r2" / "record.json").exists()
    assert "is indexed on the next opening" in caplog.text
    assert sorted(ids(store)) == ["r1", "r2"]
    with pytest.raises(IndexUnavailable, match="unable to open database file"):
        store.rebuild()
    (tmp_path / "index.sqlite").rmdir()
    assert sorted(ids(Store(tmp_path))) == ["r1", "r2"]


def test_a_damaged_index_file_is_made_anew(
    tmp_path: Path, make_record: MakeRecord, caplog: pytest.LogCaptureFixture
) -> None:
    commit(Store(tmp_path), make_record("r1"))
    (tmp_path / "index.sqlite").write_bytes(b"no database at all" * 100)

    assert ids(Store(tmp_path)) == ["r1"]
    assert "made anew" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        assert ids(Store(tmp_path)) == ["r1"]
    assert caplog.text == ""


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE trainband_index SET schema_version = 0",
        "UPDATE trainband_index SET schema_version = 99",
        "UPDATE trainband_index SET store_id = 'copied from another store'",
        "DELETE FROM trainband_index",
        "ALTER TABLE trainband_index RENAME COLUMN schema_version TO other",
    ],
)
def test_an_index_of_another_schema_or_store_is_made_anew(tmp_path: Path, make_record: MakeRecord, change: str) -> None:
    commit(Store(tmp_path), make_record("r1"))
    execute(tmp_path / "index.sqlite", change, "ALTER TABLE runs DROP COLUMN wall_sec")

    assert ids(Store(tmp_path)) == ["r1"]


def test_a_writer_waits_for_one_that_holds_the_database(
    tmp_path: Path, make_record: MakeRecord, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(index_module, "_BUSY_TIMEOUT_SEC", 0.01)  # so that SQLite gives up, and our retry must help
    store = Store(tmp_path)
    commit(store, make_record("r1"))
    held = threading.Event()

    def hold() -> None:
        connection = sqlite3.connect(tmp_path / "index.sqlite", isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        held.set()
        time.sleep(0.5)
        connection.execute("ROLLBACK")
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    commit(store, make_record("r2"))
    thread.join()

    assert sorted(ids(store)) == ["r1", "r2"]
    assert caplog.text == ""


def test_two_stores_do_not_share_a_database(tmp_path: Path, make_record: MakeRecord) -> None:
    url = f"sqlite:///{tmp_path / 'shared.sqlite'}"
    first = Store(tmp_path / "first", url)
    commit(first, make_record("r1"))

    with pytest.raises(IndexUnavailable, match="is the index of another store; give each store a database of its own"):
        Store(tmp_path / "second", url).begin_run("r2")
    assert ids(first) == ["r1"]


def test_tables_of_somebody_else_are_not_touched(tmp_path: Path) -> None:
    execute(tmp_path / "mine.sqlite", "CREATE TABLE runs (distance REAL)", "INSERT INTO runs VALUES (42.2)")

    with pytest.raises(IndexUnavailable, match="tables of this name that are not trainband's"):
        Store(tmp_path / "store", f"sqlite:///{tmp_path / 'mine.sqlite'}").rows()

    connection = sqlite3.connect(tmp_path / "mine.sqlite")
    assert connection.execute("SELECT * FROM runs").fetchall() == [(42.2,)]
    connection.close()


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "nosuchdatabase://user:secret@host/x",
        "postgresql+nosuchdriver://user:secret@host/x",
        "sqlite:////no/such/folder/index.sqlite",
    ],
)
def test_a_wrong_index_url_is_refused_before_the_training(tmp_path: Path, url: str) -> None:
    store = Store(tmp_path, url)

    with pytest.raises(IndexUnavailable, match="--index") as e:
        store.begin_run("r1")

    assert "secret" not in str(e.value)
    assert not any((tmp_path / "tmp").glob("[!.]*"))


def test_a_database_that_the_user_named_is_never_replaced_silently(tmp_path: Path, make_record: MakeRecord) -> None:
    folder = tmp_path / "database"
    folder.mkdir()
    store = Store(tmp_path / "store", f"sqlite:///{folder}/index.sqlite")
    commit(store, make_record("r1"))
    shutil.rmtree(folder)

    with pytest.raises(IndexUnavailable, match="cannot be used"):
        store.rows()
    assert store.read_record("r1") == make_record("r1")


def start(script: str, *arguments: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)])


WRITER = """
    import dataclasses, sys
    from pathlib import Path
    from trainband.results.records import record_from_json
    from trainband.results.store import Store
    root, url, template, name, count = sys.argv[1:]
    store = Store(Path(root), url or None)
    record = record_from_json(Path(template).read_text())
    for number in range(int(count)):
        run_id = f"{name}-{number:02d}"
        store.begin_run(run_id)
        store.commit_run(run_id, dataclasses.replace(record, run_id=run_id))
"""

REBUILDER = """
    import sys
    from pathlib import Path
    from trainband.results.store import Store
    root, url, count = sys.argv[1:]
    store = Store(Path(root), url or None)
    for _ in range(int(count)):
        assert store.rebuild() == []
"""


@pytest.mark.slow
def test_two_processes_write_and_a_third_rebuilds_without_losing_a_run(
    tmp_path: Path, index_url: str | None, make_record: MakeRecord
) -> None:
    root, template = tmp_path / "store", tmp_path / "template.json"
    template.write_text(record_to_json(make_record("template")), encoding="utf-8")

    processes = [start(WRITER, root, index_url or "", template, name, 50) for name in ("a", "b")]
    processes.append(start(REBUILDER, root, index_url or "", 10))

    assert [process.wait(timeout=240) for process in processes] == [0, 0, 0]

    expected = {f"{name}-{number:02d}" for name in "ab" for number in range(50)}
    store_id = (root / "VERSION").read_text(encoding="utf-8").split()[1]
    index = Index(index_url or f"sqlite:///{root}/index.sqlite", store_id=store_id)  # as it is, not mended by a Store
    names = index.known_names()
    assert (sorted(names["runs"]), names["judgements"]) == (sorted(expected), [])
    assert {path.name for path in (root / "runs").iterdir()} == expected
    assert not any((root / "tmp").glob("[!.]*"))
