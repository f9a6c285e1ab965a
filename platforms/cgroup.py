"""What the kernel lets this process use: cores after affinity and quota, memory after limits (cgroup v1 and v2)."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/")
# A v1 group without a limit shows a number close to 2**63.
_NO_LIMIT_BYTES = 1 << 60


def usable_cores(root: Path = ROOT) -> int:
    """Cores that the affinity mask and the quota both allow, at least 1; a fraction of a core is not counted."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = cpu_quota(root)
    return allowed if quota is None else max(1, min(allowed, math.floor(quota)))


def cpu_quota(root: Path = ROOT) -> float | None:
    """CPU seconds a second that the tightest group around this process allows; None without a limit."""
    quotas = []
    for folder in _groups(root, "cpu"):
        quota, period = _pair(folder / "cpu.max")
        if quota is None:
            quota, period = _number(folder / "cpu.cfs_quota_us"), _number(folder / "cpu.cfs_period_us")
        if quota is not None and period is not None and quota > 0 and period > 0:
            quotas.append(quota / period)
    return min(quotas, default=None)


def memory_limit_bytes(root: Path = ROOT) -> int | None:
    """The tightest memory limit around this process; None without one."""
    limits = []
    for folder in _groups(root, "memory"):
        for name in ("memory.max", "memory.limit_in_bytes"):
            limit = _number(folder / name)
            if limit is not None and limit < _NO_LIMIT_BYTES:
                limits.append(limit)
    return min(limits, default=None)


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """Folders of the groups that hold this process, innermost first; in a container the path may not be visible."""
    mount = root / "sys/fs/cgroup"
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        lines = ["0::/"]
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        if controllers:
            base = next((mount / name for name in (controllers, controller) if (mount / name).is_dir()), mount)
        else:
            base = mount
        folder = base / path.lstrip("/")
        while folder != base:
            yield folder
            folder = folder.parent
        yield base


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def _pair(path: Path) -> tuple[int | None, int | None]:
    try:
        first, second = path.read_text().split()
        return int(first), int(second)
    except (OSError, ValueError):
        return None, None
