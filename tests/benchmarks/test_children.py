from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from trainband.benchmarks.children import ChildPool, Exit, run_directly

ENVIRON = {"PATH": "/usr/bin:/bin"}
Interpreter = Callable[..., str]


@pytest.fixture
def interpreter(tmp_path: Path) -> Interpreter:
    """A program that stands where the interpreter should."""

    def write(*lines: str) -> str:
        path = tmp_path / "python"
        path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
        path.chmod(0o755)
        return str(path)

    return write


def run(python: str, folder: Path, *, fork_server: bool, limit: float = 60.0) -> Exit:
    with ChildPool(fork_server=fork_server) as pool:
        return pool.run(folder, python=python, backend="jax", environ=ENVIRON, time_limit_sec=limit)


@pytest.mark.parametrize(
    ("line", "expected"),
    [("exit 0", Exit(status=0)), ("exit 7", Exit(status=7)), ("kill -SEGV $$", Exit(signal=signal.SIGSEGV))],
)
def test_a_process_of_its_own_ends_with_a_status_or_a_signal(
    interpreter: Interpreter, tmp_path: Path, line: str, expected: Exit
) -> None:
    assert run(interpreter("echo said; echo warned >&2", line), tmp_path, fork_server=False) == expected
    assert (tmp_path / "log.txt").read_text() == "said\nwarned\n"


def test_the_time_limit_ends_a_process_with_all_that_it_started(interpreter: Interpreter, tmp_path: Path) -> None:
    python = interpreter("sleep 1000 & echo $! > grandchild", "wait")
    assert run(python, tmp_path, fork_server=False, limit=0.5) == Exit(timed_out=True)
    grandchild = int((tmp_path / "grandchild").read_text())
    deadline = time.monotonic() + 10
    while psutil.pid_exists(grandchild) and psutil.Process(grandchild).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("backend", "devices", "module"),
    [
        ("torch", {}, "worker"),
        ("torch", {"CUDA_VISIBLE_DEVICES": "0"}, "worker"),
        ("torch", {"CUDA_VISIBLE_DEVICES": "-1"}, "fork_server"),
        ("jax", {}, "fork_server"),
    ],
)
def test_what_opens_cuda_as_it_is_imported_is_never_forked(
    interpreter: Interpreter, tmp_path: Path, backend: str, devices: dict[str, str], module: str
) -> None:
    python = interpreter(f"echo $2 > {tmp_path}/module")
    with ChildPool(fork_server=True) as pool:
        pool.run(tmp_path, python=python, backend=backend, environ=ENVIRON | devices, time_limit_sec=60.0)
    assert (tmp_path / "module").read_text() == f"trainband.benchmarks.{module}\n"


@pytest.mark.parametrize("fork_server", [True, False])
def test_an_interpreter_that_cannot_be_started_is_an_exit_with_the_reason_in_the_log(
    tmp_path: Path, fork_server: bool
) -> None:
    found = run(str(tmp_path / "nowhere"), tmp_path, fork_server=fork_server)
    assert found.status not in (0, None)
    assert f"the interpreter {tmp_path}/nowhere cannot be started: " in (tmp_path / "log.txt").read_text()


def test_a_server_that_dies_at_its_start_leaves_its_last_words(interpreter: Interpreter, tmp_path: Path) -> None:
    python = interpreter("echo 'No module named keras' >&2", "exit 1")
    assert run(python, tmp_path, fork_server=True) == Exit(status=1)
    assert (tmp_path / "log.txt").read_text() == "fork server ended with status 1\nNo module named keras\n\n"


def test_only_the_end_of_very_long_last_words_is_kept(interpreter: Interpreter, tmp_path: Path) -> None:
    python = interpreter("i=0; while [ $i -lt 1000 ]; do echo line $i of many >&2; i=$((i+1)); done", "exit 1")
    run(python, tmp_path, fork_server=True)
    log = (tmp_path / "log.txt").read_text()
    assert "line 999 of many" in log
    assert len(log) < 5000


@pytest.mark.parametrize("noise", ["Welcome!", "[]", "42", '{"half": '])
def test_what_an_environment_prints_at_its_start_is_no_message(
    interpreter: Interpreter, tmp_path: Path, noise: str
) -> None:
    assert run(interpreter(f"echo '{noise}'", "exit 5"), tmp_path, fork_server=True) == Exit(status=1)
    assert (tmp_path / "log.txt").read_text() == "fork server ended with status 5\n\n"


def test_the_pool_starts_another_server_after_one_died(interpreter: Interpreter, tmp_path: Path) -> None:
    python = interpreter(f"echo started >> {tmp_path}/starts", "exit 1")
    with ChildPool(fork_server=True) as pool:
        for _ in range(2):
            ended = pool.run(tmp_path, python=python, backend="jax", environ=ENVIRON, time_limit_sec=1.0)
            assert ended == Exit(status=1)
    assert (tmp_path / "starts").read_text() == "started\n" * 2


@pytest.mark.parametrize("limit", [1e12, float("inf")])
def test_a_time_limit_may_be_longer_than_any_clock(interpreter: Interpreter, tmp_path: Path, limit: float) -> None:
    assert run_directly(tmp_path, python=interpreter("exit 0"), environ=ENVIRON, time_limit_sec=limit).status == 0
