"""Evidence about the host beside a run: its matrix-multiply rate, and who else was using it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

KERNEL_SIZE = 768
DEVICE_KERNEL_SIZE = 4096
KERNEL_SEC = 0.15
MAX_STEAL_SHARE = 0.05
MAX_OTHERS_SHARE = 0.05
RESOLUTION_SEC = 0.1  # the counters move in ticks, and a short run would be judged by one of them
TICKS_PER_SEC = 100.0  # USER_HZ, which Linux fixes for /proc/stat


def matmul_flops_per_sec(
    multiply: Callable[[], object] | None = None, *, size: int = KERNEL_SIZE, seconds: float = KERNEL_SEC
) -> float:
    """The float32 matrix-multiply rate: the best of the repeats that fit in `seconds`.

    Args:
      multiply: one product of two matrices of `size` x `size`, finished when it returns; NumPy's on the host when None.
    """
    if multiply is None:
        matrix = kernel_matrix(size)
        multiply = lambda: matrix @ matrix  # noqa: E731 - one expression, used right below
    multiply()
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        multiply()
        best = min(best, time.perf_counter() - start)
    return 2.0 * size**3 / best


def kernel_matrix(size: int) -> np.ndarray:
    """What the calibration kernel multiplies: float32 [size, size], always the same."""
    return np.random.default_rng(0).standard_normal((size, size)).astype(np.float32)


@dataclass(frozen=True)
class LoadSample:
    """Counters of the host's usable cores and of this process at one moment, in seconds."""

    wall_sec: float
    process_cpu_sec: float
    busy_sec: float
    steal_sec: float

    @classmethod
    def now(cls) -> LoadSample:
        busy, steal = _usable_cores_sec()
        return cls(time.perf_counter(), time.process_time(), busy, steal)


def contention(before: LoadSample, after: LoadSample, cores: int) -> tuple[str, ...]:
    """Reasons to call the throughput between two samples contended; empty where there is none.

    Involuntary context switches say nothing here: a framework's own threads preempt each other thousands of times a
    second on an idle host, and no more often beside another busy process.

    Args:
      cores: cores that this process may use.
    """
    core_sec = max(after.wall_sec - before.wall_sec, 1e-9) * cores
    steal = after.steal_sec - before.steal_sec
    own = after.process_cpu_sec - before.process_cpu_sec
    others = after.busy_sec - before.busy_sec - own
    reasons = []
    if steal > MAX_STEAL_SHARE * core_sec:
        reasons.append(f"steal took {steal / core_sec:.1%} of the cores' time, above {MAX_STEAL_SHARE:.0%}")
    if others > max(MAX_OTHERS_SHARE * core_sec, RESOLUTION_SEC):
        reasons.append(f"other processes took {others / core_sec:.1%} of the cores' time, above {MAX_OTHERS_SHARE:.0%}")
    return tuple(reasons)


def _usable_cores_sec() -> tuple[float, float]:
    """Seconds that this process's cores were busy with anything, and that the hypervisor took; 0 where unknown."""
    try:
        with open("/proc/stat", encoding="ascii") as file:
            rows = {words[0]: words[1:] for words in map(str.split, file)}
        usable = os.sched_getaffinity(0)
    except (OSError, AttributeError):
        return 0.0, 0.0
    busy = steal = 0.0
    for core in usable:
        user, nice, system, _idle, _iowait, irq, softirq, stolen = map(float, rows.get(f"cpu{core}", ["0"] * 8)[:8])
        busy += user + nice + system + irq + softirq
        steal += stolen
    return busy / TICKS_PER_SEC, steal / TICKS_PER_SEC
