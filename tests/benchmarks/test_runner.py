from __future__ import annotations

import json
import math
import os
import shlex
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from trainband.benchmarks.children import Exit
from trainband.benchmarks.environments.asked import Environment
from trainband.benchmarks.run_spec import Answer, to_json
from trainband.benchmarks.training_child import classify, read_answer, reason_of
from trainband.results.records import Failure, Record

needs_tensorflow = pytest.mark.backend("tensorflow")
slow = pytest.mark.slow

FAILED = Answer(run_id="r", failure=Failure(kind="data", message="a file differs"))


def interpreter(path: Path, *lines: str) -> str:
    """A program that stands where the interpreter should."""
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o755)
    return str(path)


def kill_the_child(lab: Any, note: str) -> psutil.Process:
    """Wait until the child trains, leave a line in its log, and kill it as an administrator would."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        for child in lab.children():
            if sum(child.cpu_times()[:2]) > 3:
                [log] = (lab.store.root / "tmp").glob("*/run/log.txt")
                with log.open("a") as file:
                    file.write(note)
                os.kill(child.pid, signal.SIGKILL)
                return child
        time.sleep(0.05)
    raise TimeoutError("no child trains")


@needs_tensorflow
@slow
def test_a_run_is_recorded_with_all_that_led_to_it(lab: Any) -> None:
    record: Record = lab.healthy
    assert (record.outcome, record.failure, record.cell) == ("completed", None, "tiny_digits:smoke@cpu")
    assert record.measurement is not None
    assert record.measurement.trained_examples == record.measurement.planned_examples == 44 * 32
    assert record.fingerprint["framework"]["versions"]["keras"]
    assert shlex.split(record.command) == ["trainband", "run", "tiny_digits:smoke@cpu", "--seed=7"]
    assert record.recipe["epochs"] == 1
    assert record.profile_spec["backend"] == "tensorflow"
    folder = lab.store.run_path(record.run_id)
    assert {"record.json", "spec.json", "answer.json", "log.txt", "trace.npz"} <= {p.name for p in folder.iterdir()}
    assert lab.store.read_record(record.run_id) == record
    assert lab.unfinished() == []


@needs_tensorflow
@slow
def test_a_child_killed_in_mid_training_is_an_outcome_and_the_next_run_is_not_harmed(lab: Any) -> None:
    killed: list[psutil.Process] = []
    killer = threading.Thread(target=lambda: killed.append(kill_the_child(lab, "the child's last words\n")))
    killer.start()
    record = lab.run(cell=lab.endless(), time_limit_sec=150.0)
    killer.join()
    assert record.outcome == "error"
    assert record.failure == Failure(kind="killed", message="the child was killed by SIGKILL", signal="SIGKILL")
    assert record.log_tail.endswith("the child's last words\n")
    assert lab.store.read_record(record.run_id) == record
    assert not killed[0].is_running()
    assert lab.children() == []
    assert lab.run(seed=8).outcome == "completed"
    assert lab.unfinished() == []


@needs_tensorflow
@slow
@pytest.mark.parametrize(
    ("fault", "outcome", "expected"),
    [
        ("killed", "error", Failure(kind="killed", message="the child was killed by SIGKILL", signal="SIGKILL")),
        (
            "hanging",
            "timeout",
            Failure(kind="timeout", message="the run was stopped at its time limit of 1 s"),
        ),
        ("silent_exit", "error", Failure(kind="no_answer", message="the child left no answer", exit_status=0)),
    ],
)
def test_each_way_to_end_badly_has_its_failure(lab: Any, fault: str, outcome: str, expected: Failure) -> None:
    limit = 1.0 if fault == "hanging" else math.inf
    record = lab.run(fault, time_limit_sec=limit)
    assert (record.outcome, record.failure, record.measurement) == (outcome, expected, None)
    assert record.faults == (fault,)
    assert shlex.split(record.command)[-1] == f"--fault={fault}"
    assert lab.store.read_record(record.run_id) == record
    assert lab.children() == []


@needs_tensorflow
@slow
def test_an_answer_that_is_garbage_is_said_to_be_and_what_was_printed_is_kept(lab: Any) -> None:
    record = lab.run("garbage")
    assert record.outcome == "error"
    assert record.failure is not None
    assert record.failure.kind == "no_answer"
    assert record.failure.message.startswith("the child's answer cannot be read: ")
    assert "garbage \N{SNOWMAN}" in record.log_tail
    assert "\x00" not in record.log_tail


def test_an_interpreter_that_dies_is_an_outcome_with_its_last_words(lab: Any, tmp_path: Path) -> None:
    python = interpreter(
        tmp_path / "python", "echo Welcome to the cluster", "echo libcudart.so.13 is missing >&2", "exit 3"
    )
    record = lab.run(environment=Environment(python=python))
    assert (record.outcome, record.failure.kind) == ("error", "crash")
    assert record.log_tail == "fork server ended with status 3\nlibcudart.so.13 is missing\n\n"


def test_an_interpreter_that_is_not_there_is_an_outcome_too(lab: Any, tmp_path: Path) -> None:
    record = lab.run(environment=Environment(python=str(tmp_path / "no-python")))
    assert (record.outcome, record.failure.kind) == ("error", "crash")
    assert record.log_tail.startswith(f"the interpreter {tmp_path}/no-python cannot be started: ")


@needs_tensorflow
@slow
def test_a_backend_that_cannot_be_imported_is_an_outcome_with_the_traceback(lab: Any, tmp_path: Path) -> None:
    python = interpreter(tmp_path / "python", f'KERAS_BACKEND=junk exec {sys.executable} "$@"')
    record = lab.run(environment=Environment(python=python))
    assert (record.outcome, record.failure.kind) == ("error", "crash")
    assert "Traceback" in record.log_tail
    assert "junk" in record.log_tail


def test_ctrl_c_leaves_no_run_behind(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    before = {path.name for path in (lab.store.root / "runs").iterdir()}
    monkeypatch.setattr(lab.runner.pool, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        lab.run()
    assert {path.name for path in (lab.store.root / "runs").iterdir()} == before
    assert lab.unfinished() == []


@pytest.mark.parametrize("number", range(1, 65))
def test_every_signal_has_an_outcome(number: int) -> None:
    outcome, failure = classify(Exit(signal=number), FAILED, limit_sec=1, out_of_memory=False)
    assert outcome == "error"
    assert failure is not None
    assert failure.kind == "killed"
    assert failure.message == f"the child was killed by {failure.signal}"


@pytest.mark.parametrize(
    ("ended", "answer", "out_of_memory", "outcome", "kind"),
    [
        (Exit(timed_out=True), FAILED, False, "timeout", "timeout"),
        (Exit(signal=9), FAILED, True, "error", "out_of_memory"),
        (Exit(signal=11), FAILED, False, "error", "killed"),
        (Exit(status=1), FAILED, False, "error", "crash"),
        (Exit(status=0), "the child left no answer", False, "error", "no_answer"),
        (Exit(status=0), FAILED, False, "error", "data"),
    ],
)
def test_how_a_child_ended_goes_before_what_it_answered(
    ended: Exit, answer: Answer | str, out_of_memory: bool, outcome: str, kind: str
) -> None:
    found, failure = classify(ended, answer, limit_sec=1, out_of_memory=out_of_memory)
    assert (found, failure.kind if failure else None) == (outcome, kind)


@pytest.mark.parametrize(
    ("write", "expected"),
    [
        (lambda path: None, "the child left no answer"),
        (lambda path: path.mkdir(), "cannot be read: [Errno 21]"),
        (lambda path: path.write_bytes(b"\xff\xfe"), "cannot be read: 'utf-8' codec"),
        (lambda path: path.write_text("{"), "cannot be read: Expecting"),
        (lambda path: path.write_text("{}"), "cannot be read: Answer: key 'run_id' is missing"),
        (lambda path: path.write_text('{"run_id": "r"}'), "needs a measurement or a failure"),
        (lambda path: path.write_text(to_json(replace(FAILED, run_id="other"))), "answered for run 'other'"),
        (lambda path: path.write_text(json.dumps({"run_id": "r", "extra": 1})), "unknown key 'extra'"),
    ],
)
def test_an_answer_is_read_strictly(tmp_path: Path, write: Callable[[Path], object], expected: str) -> None:
    path = tmp_path / "answer.json"
    write(path)
    found = read_answer(path, "r")
    assert isinstance(found, str)
    assert expected in found


def test_a_good_answer_is_read(tmp_path: Path) -> None:
    path = tmp_path / "answer.json"
    path.write_text(to_json(FAILED))
    assert read_answer(path, "r") == FAILED


@pytest.mark.parametrize(
    ("kind", "log", "said"),
    [
        ("crash", "Traceback\n  File\nImportError: no libtensorflow\n\n", "it ended: ImportError: no libtensorflow"),
        ("crash", "", "it ended; its log says why"),
        ("error", "a warning\n", "it ended; its log says why"),
    ],
)
def test_a_crash_is_told_by_the_last_line_of_its_log(kind: str, log: str, said: str) -> None:
    assert reason_of(Failure(kind=kind, message="it ended; its log says why"), log) == said
