"""Running the preparing child: its environment, time limit, log, and the message when it fails."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

from trainband.benchmarks.data.cache import DataError
from trainband.benchmarks.data.child import Request
from trainband.benchmarks.data.sources import ways_out

_LOG_TAIL_LINES = 15
_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}
_OFFLINE = {  # a download that nobody foresaw fails
    **dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9"),
    **dict.fromkeys(("no_proxy", "NO_PROXY"), ""),
}


def run_child(request: Request, *, log: Path, limit: float) -> None:
    """Prepare as `request` says in a process of its own.

    Args:
      log: file for the child's output; stays after a failure only.
      limit: seconds after which the child is stopped.

    Raises:
      DataError: the child gave a reason, crashed, or ran longer than `limit`.
    """
    answer = request.work.parent / "answer.json"
    env = os.environ | _QUIET | ({} if request.way == "network" else _OFFLINE)
    command = [sys.executable, "-P", "-m", "trainband.benchmarks.data.child", str(answer)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT, env=env, start_new_session=True
        )
        try:
            _send(process.stdin, request)
            status = process.wait(limit)
        except subprocess.TimeoutExpired:
            raise DataError(
                f"data set {request.dataset.name!r}: preparing it was stopped after {limit:.0f} s; "
                f"{ways_out(request.dataset)}\n{_tail(log)}"
            ) from None
        finally:
            _stop(process)
    if status != 0 or not answer.is_file():
        how = f"signal {signal.Signals(-status).name}" if status < 0 else f"exit status {status} and no answer"
        raise DataError(f"data set {request.dataset.name!r}: preparing it ended with {how}\n{_tail(log)}")
    if error := json.loads(answer.read_bytes())["error"]:
        raise DataError(error)
    log.unlink()


def _send(stdin: IO[bytes] | None, request: Request) -> None:
    """Write the request; the pipe stays open, since its end tells the child that its parent is gone."""
    if stdin is not None:
        try:
            stdin.write(request.to_json().encode() + b"\n")
            stdin.flush()
        except BrokenPipeError:
            pass  # the child died before reading: its exit status and log say why


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the child with all that it started, whether it is running or not."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()
    if process.stdin is not None:
        try:
            process.stdin.close()
        except BrokenPipeError:
            pass


def _tail(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join([f"end of {log}:", *(f"  {line}" for line in lines[-_LOG_TAIL_LINES:])])
