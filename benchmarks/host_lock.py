"""One training at a time on a host, whoever started it: two at once would time each other."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import filelock

_POLL_SEC = 0.2


def host_lock_path() -> Path:
    """The lock's file; `TRAINBAND_HOST_LOCK` names another, for hosts that share a temporary directory."""
    named = os.environ.get("TRAINBAND_HOST_LOCK")
    return Path(named) if named else Path(tempfile.gettempdir()) / "trainband-host.lock"


@contextlib.contextmanager
def host_lock(on_wait: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the host for one training; freed by the process's death, too.

    Args:
      on_wait: called once if another process holds the host.
    """
    lock = filelock.FileLock(host_lock_path(), mode=0o666, poll_interval=_POLL_SEC)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        on_wait()
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
