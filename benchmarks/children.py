"""Child processes as the parent sees them: started, waited for under a time limit, and never left behind."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from trainband.benchmarks.fork_server import LOG_FILE

START_LIMIT_SEC = 300.0
_LONGEST_WAIT_SEC = 3600.0  # the system's clock has a range, a time limit has none


class ServerDied(RuntimeError):
    """The fork server ended or did not become ready; the message holds the end of what it said."""


@dataclass(frozen=True, kw_only=True)
class Exit:
    """How a child ended: by status, by signal, or at its time limit."""

    status: int | None = None
    signal: int | None = None
    timed_out: bool = False


class ForkServer:
    """One per (interpreter, backend, environment variables); runs one child at a time."""

    def __init__(self, python: str, backend: str, environ: Mapping[str, str]) -> None:
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the server
        try:
            self._process = subprocess.Popen(
                [python, "-m", "trainband.benchmarks.fork_server", backend],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._said,
                env=dict(environ),
                cwd=tempfile.gettempdir(),
                start_new_session=True,
            )
        except OSError as error:
            self._said.close()
            raise ServerDied(f"the interpreter {python} cannot be started: {error}") from error
        self._requests = cast(IO[bytes], self._process.stdin)
        self._replies = cast(IO[bytes], self._process.stdout)
        self._buffer = b""
        self._ready = False

    def run(self, folder: Path, time_limit_sec: float) -> Exit:
        """Train the folder's spec in a forked child.

        Raises:
          ServerDied: there is no server any more; the caller may start another.
        """
        if not self._ready:
            self._prompt_reply()
            self._ready = True
        try:
            self._requests.write(f"{folder}\n".encode())
            self._requests.flush()
        except BrokenPipeError as error:
            raise ServerDied(self._last_words()) from error
        pid = int(self._prompt_reply()["pid"])
        try:
            reply = self._reply(time.monotonic() + time_limit_sec)
        except TimeoutError:
            _kill_group(pid)
            self._prompt_reply()
            return Exit(timed_out=True)
        except BaseException:
            _kill_group(pid)
            self.close()
            raise
        return Exit(status=reply.get("status"), signal=reply.get("signal"))

    def _prompt_reply(self) -> dict[str, Any]:
        """A message that no training is waited for."""
        try:
            return self._reply(time.monotonic() + START_LIMIT_SEC)
        except TimeoutError as error:
            said = _end_of(self._said)
            raise ServerDied(f"the fork server did not answer within {START_LIMIT_SEC:g} s\n{said}") from error

    def _reply(self, deadline: float) -> dict[str, Any]:
        """The server's next message; what an environment prints as its interpreter starts is passed over."""
        while True:
            line = self._line(deadline)
            with contextlib.suppress(ValueError):
                message = json.loads(line)
                if isinstance(message, dict):
                    return message

    def _line(self, deadline: float) -> bytes:
        stream = self._replies
        while b"\n" not in self._buffer:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            if select.select([stream], [], [], min(left, _LONGEST_WAIT_SEC))[0]:
                part = os.read(stream.fileno(), 4096)
                if not part:
                    raise ServerDied(self._last_words())
                self._buffer += part
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line

    def _last_words(self) -> str:
        status = self._process.wait(timeout=10)
        return f"fork server ended with status {status}\n{_end_of(self._said)}"

    def close(self) -> None:
        """End the server and whatever it runs."""
        self._process.kill()
        self._process.wait()
        for stream in (self._requests, self._replies):
            with contextlib.suppress(BrokenPipeError):
                stream.close()
        self._said.close()


class ChildPool:
    """Starts children through fork servers where the platform has them, directly otherwise."""

    def __init__(self, *, fork_server: bool = sys.platform == "linux") -> None:
        self._fork_server = fork_server
        self._closed = False
        self._lock = threading.Lock()
        self._servers: dict[tuple[Any, ...], ForkServer] = {}

    def __enter__(self) -> ChildPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(
        self, folder: Path, *, python: str, backend: str, environ: Mapping[str, str], time_limit_sec: float
    ) -> Exit:
        """Train the spec in `folder`; what the child prints goes to the folder's log."""
        if not self._forks(backend, environ):
            return run_directly(folder, python=python, environ=environ, time_limit_sec=time_limit_sec)
        key = (python, backend, tuple(sorted(environ.items())))
        try:
            return self._server(key, environ).run(folder, time_limit_sec)
        except ServerDied as error:
            if self._closed:
                raise
            self._drop(key)
            with open(folder / LOG_FILE, "a", encoding="utf-8") as log:
                log.write(f"{error}\n")
            return Exit(status=1)
        except BaseException:
            self._drop(key)
            raise

    def start(self, *, python: str, backend: str, environ: Mapping[str, str]) -> None:
        """Start the server that runs children of this kind: a server ends with the thread that started it."""
        if self._forks(backend, environ):
            self._server((python, backend, tuple(sorted(environ.items()))), environ)

    def _forks(self, backend: str, environ: Mapping[str, str]) -> bool:
        """Whether a server may fork such children: Keras on PyTorch opens CUDA as it is imported, and no fork may use it then."""
        sees_gpu = environ.get("CUDA_VISIBLE_DEVICES") != "-1"
        return self._fork_server and not (backend == "torch" and sees_gpu)

    def _server(self, key: tuple[Any, ...], environ: Mapping[str, str]) -> ForkServer:
        with self._lock:
            if self._closed:
                raise ServerDied("the pool of children is closed")
            if key not in self._servers:
                self._servers[key] = ForkServer(key[0], key[1], environ)
            return self._servers[key]

    def _drop(self, key: tuple[Any, ...]) -> None:
        server = self._servers.pop(key, None)
        if server is not None:
            server.close()

    def close(self) -> None:
        """End all servers; a run in progress in another thread raises ServerDied."""
        with self._lock:
            self._closed = True
        while self._servers:
            self._servers.popitem()[1].close()


def run_directly(folder: Path, *, python: str, environ: Mapping[str, str], time_limit_sec: float) -> Exit:
    """Train the spec in `folder` in a process that imports the framework itself."""
    with open(folder / LOG_FILE, "ab") as log:
        try:
            process = subprocess.Popen(
                [python, "-m", "trainband.benchmarks.worker", str(folder)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=dict(environ),
                cwd=folder,
                start_new_session=True,
            )
        except OSError as error:
            log.write(f"the interpreter {python} cannot be started: {error}\n".encode())
            return Exit(status=127)
        try:
            code = process.wait(timeout=time_limit_sec)
        except subprocess.TimeoutExpired:
            return Exit(timed_out=True)
        finally:
            if process.poll() is None:
                _kill_group(process.pid)
                process.wait()
    return Exit(status=code) if code >= 0 else Exit(signal=-code)


def _kill_group(pid: int) -> None:
    for kill in (os.killpg, os.kill):  # the group is not there yet if the child was killed before its setsid
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)


def _end_of(file: IO[bytes], size: int = 4000) -> str:
    file.seek(0, os.SEEK_END)
    file.seek(max(0, file.tell() - size))
    return file.read().decode(errors="replace")
