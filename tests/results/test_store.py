"""The store on real disks and with real processes: nothing half, nothing lost, and every error with a way out."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from trainband.results.files import atomic_write_text
from trainband.results.owners import Owner, this_process
from trainband.results.records import Record
from trainband.results.store import RunFilter, RunNotFound, Store, StoreError, parse_store_location

MakeRecord = Callable[..., Record]


def commit(store: Store, record: Record) -> Path:
    store.begin_run(record.run_id)
    return store.commit_run(record.run_id, record)


def start(script: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> str:
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return output


def test_a_run_can_be_read_back_from_its_directory(tmp_path: Path, make_record: MakeRecord) -> None:
    store = Store(tmp_path / "store")
    record = make_record("r1")
    making = store.begin_run("r1")
    (making / "log.txt").write_text("epoch 1", encoding="utf-8")

    path = store.commit_run("r1", record)

    assert path == tmp_path / "store" / "runs" / "r1"
    assert {child.name for child in path.iterdir()} == {"record.json", "log.txt"}
    assert Store(tmp_path / "store").read_record("r1") == record
    assert not any((tmp_path / "store" / "tmp").glob("[!.]*"))


def test_metrics_stand_in_the_models_order_the_headline_first(tmp_path: Path, make_record: MakeRecord) -> None:
    record = make_record("r1")
    assert record.measurement is not None
    quality = record.measurement.quality
    backwards = dict(reversed(quality.metrics.items()))
    assert len(backwards) > 1
    store = Store(tmp_path)

    for name, metrics in (("r1", quality.metrics), ("r2", backwards)):
        measurement = replace(record.measurement, quality=replace(quality, metrics=metrics))
        commit(store, replace(record, run_id=name, measurement=measurement))
        found = store.read_record(name).measurement
        assert found is not None
        assert list(found.quality.metrics) == list(metrics)


def test_a_run_in_the_making_is_not_part_of_the_store(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.begin_run("r1")

    assert store.rows() == []
    assert list(store.root.joinpath("runs").iterdir()) == []
    assert store.rebuild() == []


def test_a_run_is_never_written_twice(tmp_path: Path, make_record: MakeRecord) -> None:
    store = Store(tmp_path)
    commit(store, make_record("r1"))
    store.begin_run("r2")

    with pytest.raises(StoreError, match="run r1 exists"):
        store.begin_run("r1")
    with pytest.raises(StoreError, match="run r2 is being made"):
        Store(tmp_path).begin_run("r2")


def test_a_record_of_another_run_is_refused_before_anything_is_moved(tmp_path: Path, make_record: MakeRecord) -> None:
    store = Store(tmp_path)
    store.begin_run("r1")

    with pytest.raises(ValueError, match=r"record.run_id = 'r2': the run is 'r1'"):
        store.commit_run("r1", make_record("r2"))
    with pytest.raises(ValueError, match="created = 'yesterday'"):
        store.commit_run("r1", make_record("r1", created="yesterday"))
    with pytest.raises(StoreError, match="call begin_run first"):
        store.commit_run("r3", make_record("r3"))

    assert not any((tmp_path / "runs").iterdir())


def test_a_discarded_run_leaves_nothing_and_its_id_is_free_again(tmp_path: Path, make_record: MakeRecord) -> None:
    store = Store(tmp_path)
    store.begin_run("r1")

    store.discard_run("r1")
    store.discard_run("r1")

    assert not any((tmp_path / "tmp").glob("[!.]*"))
    commit(store, make_record("r1"))


@pytest.mark.parametrize("name", ["", "../r1", "a/b", ".hidden", "a b", "a\n", "x" * 201])
def test_an_id_that_could_leave_the_store_is_refused(tmp_path: Path, name: str) -> None:
    store = Store(tmp_path)

    with pytest.raises(ValueError, match="run_id = "):
        store.begin_run(name)
    with pytest.raises(ValueError, match="sweep_id = "):
        store.write_sweep({"sweep_id": name, "created": "2026-01-01", "status": "running"})


def test_a_prefix_finds_its_one_run_and_an_ambiguous_one_names_the_candidates(
    tmp_path: Path, make_record: MakeRecord
) -> None:
    store = Store(tmp_path)
    for run_id in ("abc", "abcd", "xyz"):
        commit(store, make_record(run_id))

    assert store.find_run("x") == "xyz"
    assert store.find_run("abc") == "abc"
    with pytest.raises(RunNotFound, match="2 runs begin with 'ab': abc, abcd; give more of the id"):
        store.find_run("ab")
    with pytest.raises(RunNotFound, match=r"no run in .* begins with 'q'; the 3 there are: abc, abcd, xyz"):
        store.find_run("q")
    with pytest.raises(RunNotFound, match="no run 'nope'"):
        store.read_record("nope")


def test_records_come_newest_first_and_filtered(tmp_path: Path, make_record: MakeRecord) -> None:
    store = Store(tmp_path)
    for day, model in enumerate(("mlp_digits", "cnn_digits", "mlp_digits"), start=1):
        commit(store, make_record(f"r{day}", model=model, created=f"2026-03-0{day}T04:00:00Z"))

    assert [record.run_id for record in store.records()] == ["r3", "r2", "r1"]
    assert [record.run_id for record in store.records(RunFilter(cell="mlp_*@cpu", limit=1))] == ["r3"]


# A killed process


KILLED_WHILE_MAKING = """
    import sys
    from pathlib import Path
    from trainband.results.store import Store
    making = Store(Path(sys.argv[1])).begin_run("killed")
    (making / "record.json").write_text("{")
    print("ready", flush=True)
    sys.stdin.read()
"""


def test_what_a_killed_process_was_making_is_swept_and_what_a_live_one_makes_is_not(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.begin_run("mine")
    process = start(KILLED_WHILE_MAKING, tmp_path)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    assert store.sweep_leftovers() == []

    process.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # dead, and still a zombie

    assert store.sweep_leftovers() == ["killed"]
    process.communicate()
    assert [path.name for path in (tmp_path / "tmp").glob("[!.]*")] == ["mine"]
    assert not any((tmp_path / "runs").iterdir())


def test_the_id_of_a_killed_run_may_be_begun_again(tmp_path: Path, make_record: MakeRecord) -> None:
    process = start(KILLED_WHILE_MAKING, tmp_path)
    assert process.stdout is not None
    process.stdout.readline()
    process.kill()
    process.communicate()

    store = Store(tmp_path)
    commit(store, make_record("killed"))

    assert store.read_record("killed") == make_record("killed")


def owned(root: Path, run_id: str, owner: Owner) -> None:
    (root / "tmp" / run_id / "run").mkdir(parents=True)
    (root / "tmp" / run_id / "owner").write_text(owner.to_json(), encoding="utf-8")


def test_a_recycled_process_id_is_not_taken_for_the_owner(tmp_path: Path) -> None:
    store = Store(tmp_path)
    mine = this_process()
    owned(tmp_path, "earlier", Owner(pid=mine.pid, started="1", place=mine.place, since=mine.since))
    owned(tmp_path, "now", mine)

    assert store.sweep_leftovers() == ["earlier"]


def test_the_runs_of_another_host_are_left_alone_for_a_week(tmp_path: Path) -> None:
    store = Store(tmp_path)
    owned(tmp_path, "fresh", Owner(pid=1, started="1", place="elsewhere", since=time.time() - 6 * 86400))
    owned(tmp_path, "old", Owner(pid=1, started="1", place="elsewhere", since=time.time() - 8 * 86400))

    assert store.sweep_leftovers() == ["old"]


def test_half_written_files_of_an_hour_ago_are_swept(tmp_path: Path) -> None:
    store = Store(tmp_path)
    old, new = tmp_path / "sweeps" / ".s.json.1.tmp", tmp_path / "sweeps" / ".s.json.2.tmp"
    for path in (old, new):
        path.touch()
    os.utime(old, (time.time() - 7200,) * 2)

    store.sweep_leftovers()

    assert (old.exists(), new.exists()) == (False, True)


# Disks that refuse


def test_a_full_disk_is_named_and_what_was_recorded_stays_readable(
    small_disk: Path, fill: Callable[[Path], None], make_record: MakeRecord
) -> None:
    root = small_disk / "store"
    store = Store(root)
    record = make_record("r1")
    commit(store, record)
    making = store.begin_run("r2")
    fill(making / "trace.npz")

    with pytest.raises(
        StoreError, match=r"cannot write the record to .*r2.*: no space left on device; free space"
    ) as e:
        store.commit_run("r2", make_record("r2"))
    assert e.value.errno == errno.ENOSPC
    with pytest.raises(StoreError, match=r"cannot make a run directory in .*: no space left on device"):
        store.begin_run("r3")
    with pytest.raises(StoreError, match=r"cannot write .*s1.json: no space left on device"):
        store.write_sweep({"sweep_id": "s1", "created": "2026-01-01", "status": "running"})

    assert os.listdir(root / "runs") == ["r1"]
    assert os.listdir(root / "sweeps") == []
    assert [path.name for path in (root / "tmp").glob("[!.]*")] == ["r2"]
    again = Store(root, create=False)
    assert list(again.records()) == [record]
    assert again.read_record("r1") == record
    store.discard_run("r2")
    commit(store, make_record("r4"))
    assert {row.run_id for row in Store(root).rows()} == {"r1", "r4"}


def test_a_store_on_a_read_only_disk_can_be_read(
    small_disk: Path, make_record: MakeRecord, caplog: pytest.LogCaptureFixture
) -> None:
    root = small_disk / "store"
    commit(Store(root), make_record("r1"))
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)

    store = Store(root)

    assert [row.run_id for row in store.rows()] == ["r1"]
    assert "this process reads the run directories instead" in caplog.text
    with pytest.raises(StoreError, match="read-only file system; mount it writable, or give another directory"):
        store.begin_run("r2")


WITHOUT_PERMISSION = """
    import os, sys
    from pathlib import Path
    from trainband.results.store import Store, StoreError
    root = Path(sys.argv[1])
    if os.geteuid() == 0:
        Store(root).rows()  # root may read an interpreter that nobody may not: import all before the change
        os.setuid(65534)
    store = Store(root)
    print([row.run_id for row in store.rows()])
    for attempt in (lambda: store.begin_run("r2"), lambda: Store(root / "inner")):
        try:
            attempt()
        except StoreError as error:
            print(error)
"""


def test_a_store_of_another_user_can_be_read_and_says_why_it_cannot_be_written(make_record: MakeRecord) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # tmp_path lies in a folder that is closed to other users
        root = Path(folder) / "store"
        commit(Store(root), make_record("r1"))
        for path in (root, *root.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)

        lines = finish(start(WITHOUT_PERMISSION, root)).splitlines()

        for path in (root, *root.rglob("*")):
            path.chmod(0o755)
    assert lines[0] == "['r1']"
    assert lines[1].startswith(f"cannot make a run directory in {root}/tmp: permission denied; change its permissions")
    assert lines[2].startswith(f"cannot open the store {root}/inner: permission denied; change its permissions")


def test_a_file_in_the_place_of_the_store_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("mine", encoding="utf-8")

    with pytest.raises(StoreError, match="it is a file; give a directory with --store"):
        Store(file)
    with pytest.raises(StoreError, match="not a directory"):
        Store(file / "store")
    assert file.read_text(encoding="utf-8") == "mine"


def test_a_store_of_an_unknown_version_is_refused(tmp_path: Path) -> None:
    Store(tmp_path)
    (tmp_path / "VERSION").write_text("99\n", encoding="utf-8")

    with pytest.raises(StoreError, match=r"VERSION says store version '99'; this release knows version 1"):
        Store(tmp_path)


def test_a_reader_does_not_make_a_store_by_a_slip_of_the_pen(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"no store at .*slip"):
        Store(tmp_path / "slip", create=False)
    assert not (tmp_path / "slip").exists()


def test_runs_without_a_version_are_not_adopted(tmp_path: Path) -> None:
    (tmp_path / "runs" / "r1").mkdir(parents=True)

    with pytest.raises(StoreError, match="holds runs but no VERSION file"):
        Store(tmp_path)


# Two processes


HOLDER = """
    import sys
    from pathlib import Path
    from trainband.results.store import Store
    with Store(Path(sys.argv[1])).lock_sweep("s1"):
        print("held", flush=True)
        sys.stdin.read()
"""


def test_a_sweep_is_continued_by_one_process_at_a_time_and_freed_by_its_death(tmp_path: Path) -> None:
    store = Store(tmp_path)
    process = start(HOLDER, tmp_path)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"

    with pytest.raises(StoreError, match="sweep s1 is in progress"), store.lock_sweep("s1"):
        pass
    with store.lock_sweep("s2"):
        pass
    process.kill()
    process.communicate()
    with store.lock_sweep("s1"):
        pass


# Sweeps, judgements, files


def test_a_sweep_is_replaced_whole_and_listed_newest_first(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = Store(tmp_path)
    for day in (1, 2):
        store.write_sweep({"sweep_id": f"s{day}", "created": f"2026-03-0{day}", "status": "running"})
    store.write_sweep({"sweep_id": "s1", "created": "2026-03-01", "status": "done"})
    (tmp_path / "sweeps" / "torn.json").write_text("{", encoding="utf-8")

    assert [(sweep["sweep_id"], sweep["status"]) for sweep in store.sweeps()] == [("s2", "running"), ("s1", "done")]
    assert "torn.json" in caplog.text
    assert [problem.path for problem in store.rebuild()] == ["sweeps/torn.json"]
    with pytest.raises(StoreError, match=r"no sweep 's3' in .*; it has s1, s2, torn"):
        store.read_sweep("s3")
    with pytest.raises(ValueError, match="sweep: key 'status' is missing"):
        store.write_sweep({"sweep_id": "s3", "created": "2026-03-01"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"sweep_id": "s", "runs": [], "budget_sec": -1.5e3, "note": "\\u00e9 é"}', None),
        ('\n {"sweep_id": "s"}\n', None),
        ('{"a": ' + "[" * 9000 + "]" * 9000 + "}", "its JSON is nested too deeply"),
        ("[]", "expected a JSON object, found list"),
        ('{"a": NaN}', "NaN is not JSON"),
        ('{"a": 1}\0\0', "Extra data"),
        ('{"a": 1} {', "Extra data"),
        ('{"a": "\n"}', "Invalid control character"),
        ('{"a": 1,}', "Expecting property name"),
        ("", "Expecting value"),
    ],
)
def test_a_sweep_that_is_no_json_object_is_a_problem(tmp_path: Path, text: str, message: str | None) -> None:
    store = Store(tmp_path)
    (tmp_path / "sweeps" / "s.json").write_text(text, encoding="utf-8")
    problems = store.problems()
    assert [problem.path for problem in problems] == (["sweeps/s.json"] if message else [])
    assert all(message in problem.message for problem in problems if message)


def test_a_judgement_is_written_once_and_only_as_json(tmp_path: Path) -> None:
    store = Store(tmp_path)
    judgement = {
        "judgement_id": "j1",
        "cell": "mlp_digits:smoke@cpu",
        "verdict": "pass",
        "sweep_id": None,
        "created": "2026-03-01T05:00:00+00:00",
        "records": ["r1"],
        "note": "kept as it is",
    }
    path = store.write_judgement(judgement)

    assert json.loads(path.read_text(encoding="utf-8")) == judgement
    with pytest.raises(StoreError, match="judgement j1 exists"):
        store.write_judgement(judgement)
    with pytest.raises(ValueError, match="not JSON compliant"):
        store.write_judgement({**judgement, "judgement_id": "j2", "mean": float("nan")})
    with pytest.raises(ValueError, match="give values that are JSON already"):
        store.write_judgement({**judgement, "judgement_id": "j2", "path": tmp_path})
    with pytest.raises(ValueError, match="judgement: key 'verdict' is missing"):
        store.write_judgement({key: value for key, value in judgement.items() if key != "verdict"})
    assert store.judgements() == [judgement]


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "file"
    atomic_write_text(path, "old")

    with pytest.raises(UnicodeEncodeError):
        atomic_write_text(path, "new \udc80")

    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]
    atomic_write_text(path, "new")
    assert path.read_text(encoding="utf-8") == "new"


@pytest.mark.parametrize(
    "text", ["postgresql://user:secret@host/database", "sqlite:///x.sqlite", "sqlite:x.sqlite", "https://host/x"]
)
def test_a_url_for_the_store_is_refused_by_naming_the_index_flag(text: str) -> None:
    with pytest.raises(ValueError, match="--store takes a directory, and --index=URL") as e:
        parse_store_location(text)
    assert "secret" not in str(e.value)


def test_a_directory_is_a_store_location() -> None:
    assert parse_store_location("runs/night") == Path("runs/night")
    assert parse_store_location("~/x") == Path.home() / "x"
    with pytest.raises(ValueError, match="--store is empty"):
        parse_store_location(" ")


def test_making_a_store_imports_no_sqlalchemy() -> None:
    script = "import sys; import trainband.results.store; print([m for m in sys.modules if m.startswith('sqlalchemy')])"
    assert finish(start(script)) == "[]\n"
