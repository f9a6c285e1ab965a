"""Who else used the host while a run trained."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from trainband.benchmarks.host_load import LoadSample, contention, matmul_flops_per_sec

START = LoadSample(wall_sec=100.0, process_cpu_sec=10.0, busy_sec=1000.0, steal_sec=50.0)
BUSY_SEC = 1.0


def after(*, wall: float, own: float, busy: float, steal: float = 0.0) -> LoadSample:
    return LoadSample(100.0 + wall, 10.0 + own, 1000.0 + busy, 50.0 + steal)


@pytest.mark.parametrize(
    ("end", "reasons"),
    [
        (after(wall=10, own=18, busy=18.9), ()),
        (after(wall=10, own=18, busy=19.2), ("other processes took 6.0% of the cores' time, above 5%",)),
        (after(wall=10, own=18, busy=18, steal=1.2), ("steal took 6.0% of the cores' time, above 5%",)),
        (after(wall=0.5, own=0.4, busy=0.48), ()),  # 8%, and yet no more than the counters' ticks
        (after(wall=10, own=18, busy=0), ()),  # no /proc/stat here
    ],
)
def test_more_than_a_twentieth_of_the_cores_is_contention(end: LoadSample, reasons: tuple[str, ...]) -> None:
    assert contention(START, end, cores=2) == reasons


@pytest.mark.skipif(not Path("/proc/stat").exists(), reason="no /proc/stat: only Linux tells who else was busy")
def test_another_busy_process_is_seen() -> None:
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as other:
        time.sleep(0.2)
        before = LoadSample.now()
        time.sleep(BUSY_SEC)
        end = LoadSample.now()
        other.kill()
    [reason] = (r for r in contention(before, end, cores=len(os.sched_getaffinity(0))) if "other processes" in r)
    assert "above 5%" in reason


def test_the_calibration_kernel_times_whole_products() -> None:
    assert matmul_flops_per_sec(lambda: time.sleep(0.01), size=100, seconds=0.05) == pytest.approx(2e6 / 0.01, rel=0.2)
