"""A process that has the framework imported, and nothing executed, and forks a child for each run.

`python -m trainband.benchmarks.fork_server BACKEND` prints `{"ready": true}`, reads one folder a line from standard
input, and answers `{"pid": n}` and then `{"status": n}` or `{"signal": n}`. It ends with its parent.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import traceback
import warnings
from pathlib import Path

from trainband.benchmarks.worker import die_with_parent, train_folder

LOG_FILE = "log.txt"


def main(arguments: list[str]) -> int:
    """Serve until standard input ends."""
    die_with_parent(os.getppid())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    importlib.import_module("trainband.benchmarks.measure")
    importlib.import_module(f"trainband.benchmarks.backends.{arguments[1]}")
    _say(replies, ready=True)
    warnings.filterwarnings("ignore", message="os.fork", category=RuntimeWarning)
    for line in sys.stdin:
        folder = line.rstrip("\n")
        sys.stderr.flush()
        server = os.getpid()
        pid = os.fork()
        if pid == 0:
            replies.close()
            _child(Path(folder), server)
        _say(replies, pid=pid)
        _, status = os.waitpid(pid, 0)
        code = os.waitstatus_to_exitcode(status)
        _say(replies, **({"status": code} if code >= 0 else {"signal": -code}))
    return 0


def _say(replies: object, **message: object) -> None:
    print(json.dumps(message), file=replies, flush=True)  # type: ignore[call-overload]


def _child(folder: Path, server: int) -> None:
    """Never returns: unwinding into the server's loop would make a second server."""
    code = 1
    try:
        os.setsid()
        die_with_parent(server)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        log = os.open(folder / LOG_FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        null = os.open(os.devnull, os.O_RDONLY)
        for target, source in ((0, null), (1, log), (2, log)):
            os.dup2(source, target)
        os.chdir(folder)
        train_folder(folder)
        code = 0
    except BaseException:  # noqa: BLE001 - the process ends here whatever happened; the log keeps what it was
        traceback.print_exc()
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)  # also where the log's disk is full


if __name__ == "__main__":
    sys.exit(main(sys.argv))
