"""Evidence about the host beside a run: its matrix-multiply rate, and who else was using it."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

KERNEL_SIZE = 768
DEVICE_KERNEL_SIZE = 4096
KERNEL_SEC = 0.15
MAX_STEAL_SHARE = 0.05
MAX_INVOLUNTARY_PER_CPU_SEC = 100.0


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
    """Counters of the host and of this process at one moment."""

    wall_sec: float
    process_cpu_sec: float
    steal_sec: float
    involuntary_switches: int

    @classmethod
    def now(cls) -> LoadSample:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return cls(time.perf_counter(), time.process_time(), _steal_sec(), usage.ru_nivcsw)


def contention(before: LoadSample, after: LoadSample, cores: int) -> tuple[str, ...]:
    """Reasons to call the throughput between two samples contended; empty where there is none."""
    wall = max(after.wall_sec - before.wall_sec, 1e-9)
    steal = (after.steal_sec - before.steal_sec) / (wall * cores)
    cpu = max(after.process_cpu_sec - before.process_cpu_sec, 1e-9)
    switches = (after.involuntary_switches - before.involuntary_switches) / cpu
    reasons = []
    if steal > MAX_STEAL_SHARE:
        reasons.append(f"steal {steal:.1%} of the cores' time, above {MAX_STEAL_SHARE:.0%}")
    if switches > MAX_INVOLUNTARY_PER_CPU_SEC:
        reasons.append(f"{switches:.0f} involuntary switches a CPU second, above {MAX_INVOLUNTARY_PER_CPU_SEC:.0f}")
    return tuple(reasons)


def _steal_sec() -> float:
    try:
        with open("/proc/stat", encoding="ascii") as file:
            fields = file.readline().split()
    except OSError:
        return 0.0
    return float(fields[8]) / 100.0 if len(fields) > 8 else 0.0
