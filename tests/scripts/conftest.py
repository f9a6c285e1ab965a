"""The command line as people run it: a process of its own, its exit status, what it says and what it leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from trainband.benchmarks.run_spec import SPEC_FILE

LIMIT_SEC = 300.0
COMMAND = [sys.executable, "-P", "-m", "trainband"]


@dataclass
class CommandLine:
    """Runs `trainband VERB` on one store; what is started here ends with the test."""

    store: Path
    environ: dict[str, str]
    started: list[subprocess.Popen[str]] = field(default_factory=list)
    limit_sec: float = LIMIT_SEC

    def start(self, *words: str, store: Path | None = None) -> subprocess.Popen[str]:
        flags = [] if words[0] in ("list", "doctor", "data") else [f"--store={store or self.store}"]
        process = subprocess.Popen(
            [*COMMAND, *words, *flags],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=self.environ,
            start_new_session=True,
            # A shell's background job ignores Ctrl-C, and so would all that it starts.
            preexec_fn=_heed_ctrl_c,
        )
        self.started.append(process)
        return process

    def __call__(self, *words: str, store: Path | None = None) -> subprocess.CompletedProcess[str]:
        return self.finished(self.start(*words, store=store))

    def json(self, *words: str) -> Any:
        """What the verb prints with --json; its exit status must be 0."""
        found = self(*words, "--json")
        assert found.returncode == 0, found.stderr
        return json.loads(found.stdout)

    def recorded(self) -> list[str]:
        """The runs that stand in the store."""
        return sorted(path.name for path in (self.store / "runs").glob("*") if (path / "record.json").exists())

    def triggers(self) -> list[str]:
        """The runs in the store that a sweep asked for: one run in a hundred lies outside its band and brings two more."""
        path = self.store / "runs"
        records = {name: json.loads((path / name / "record.json").read_text("utf-8")) for name in self.recorded()}
        return [name for name, record in records.items() if record["seed_role"] != "confirmation"]

    def unfinished(self) -> list[str]:
        """Run directories in the making."""
        return sorted(path.name for path in (self.store / "tmp").glob("[!.]*"))

    def finished(self, process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
        """Wait for the command; no traceback is ever shown."""
        out, err = process.communicate(timeout=self.limit_sec)
        assert "Traceback" not in out + err, err
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def until(self, condition: Callable[[], Any], what: str) -> Any:
        """What `condition` gives once it is true."""
        deadline = time.monotonic() + LIMIT_SEC
        while time.monotonic() < deadline:
            found = condition()
            if found:
                return found
            time.sleep(0.05)
        raise TimeoutError(what)

    def descendants(self, process: subprocess.Popen[str]) -> list[psutil.Process]:
        """Everything that the command started."""
        return psutil.Process(process.pid).children(recursive=True)

    def training(self, process: subprocess.Popen[str]) -> list[psutil.Process]:
        """The child that trains: a grandchild, under the fork server, which runs other programs as it imports a framework."""
        servers = psutil.Process(process.pid).children()
        return [child for server in servers for child in server.children() if _alive(child) and _in_a_run(child)]

    def gone(self, processes: list[psutil.Process]) -> bool:
        return not any(_alive(process) for process in processes)


def _in_a_run(process: psutil.Process) -> bool:
    try:
        return Path(process.cwd(), SPEC_FILE).exists()
    except psutil.Error:
        return False


def _alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _heed_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def trainband(tmp_path: Path, digits_root: str) -> Iterator[CommandLine]:
    # An empty address: the chat of whoever runs the tests hears nothing of them.
    command = CommandLine(tmp_path / "store", {**os.environ, "COLUMNS": "200", "TRAINBAND_NOTIFY": ""})
    yield command
    for process in command.started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
        process.wait()
