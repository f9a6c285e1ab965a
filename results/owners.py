"""Who is making a run directory: a process by id and start time, so that a recycled id is not taken for it."""

from __future__ import annotations

import json
import os
import socket
import time
from dataclasses import asdict, dataclass
from pathlib import Path

_DEAD_STATES = ("Z", "X")


@dataclass(frozen=True, kw_only=True)
class Owner:
    """A process. `place` is the host, boot and process namespace in which `pid` has a meaning."""

    pid: int
    started: str
    place: str
    since: float

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1, sort_keys=True) + "\n"


def this_process() -> Owner:
    """The calling process as an owner."""
    pid = os.getpid()
    started = _state_and_start(pid)[1] if Path("/proc/self/stat").exists() else ""
    return Owner(pid=pid, started=started, place=_place(), since=time.time())


def read_owner(path: Path) -> Owner | None:
    """The owner in the file at `path`; None where there is no such file or its text is cut off."""
    try:
        return Owner(**json.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def is_alive(owner: Owner) -> bool | None:
    """Whether the process still runs; None if it belongs to another host, boot or process namespace."""
    if owner.place != _place():
        return None
    try:
        state, started = _state_and_start(owner.pid)
    except OSError:  # gone, hidden from this user, or a system without /proc, where the id alone must do
        return _runs(owner.pid)
    return state not in _DEAD_STATES and started == owner.started


def _state_and_start(pid: int) -> tuple[str, str]:
    """State letter and start time (clock ticks after boot) from /proc; the name before them may hold any character."""
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    fields = stat.rpartition(")")[2].split()
    return fields[0], fields[19]


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _place() -> str:
    parts = [socket.gethostname()]
    boot = Path("/proc/sys/kernel/random/boot_id")
    namespace = Path("/proc/self/ns/pid")
    if boot.exists():
        parts.append(boot.read_text(encoding="ascii").strip())
    if namespace.is_symlink():
        parts.append(str(namespace.readlink()))
    return " ".join(parts)
