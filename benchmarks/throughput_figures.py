"""The figures of a run's speed, from its clock, its probes and what it cost beside training."""

from __future__ import annotations

import resource
import statistics
import sys
from collections.abc import Sequence

import numpy as np

from trainband.benchmarks.backends.base import Adapter
from trainband.benchmarks.checkpoints import Part
from trainband.benchmarks.flops import training_flops_per_example
from trainband.benchmarks.steady import steady_rate
from trainband.benchmarks.train import Loop
from trainband.results.records import Throughput


def throughput_of(
    loop: Loop,
    adapter: Adapter,
    *,
    batch: int,
    peak_before: float,
    parts: Sequence[Part],
    startup_sec: float,
    device_utilization: float | None,
    contended: tuple[str, ...],
) -> Throughput:
    """The figures of a loop that is done; measures the matrix-multiply rate once more.

    Args:
      peak_before: that rate before training, in floating-point operations a second.
      parts: of each process that trained, one at least; the last one evaluated.
    """
    clock, progress = loop.clock, loop.progress
    steady = steady_rate(clock.windows, batch)
    flops = training_flops_per_example(adapter.model)
    peak_after = adapter.matmul_flops_per_sec()
    share = steady.examples_per_sec * flops / max(peak_before, peak_after) if steady and flops else None
    probes = sorted(progress.probe_sec)
    enough = len(probes) >= 2
    step = statistics.median(probes) if enough else progress.first_step_sec
    return Throughput(
        examples_per_sec=steady.examples_per_sec if steady else None,
        examples_per_cpu_sec=steady.examples_per_cpu_sec if steady else None,
        windows=tuple(clock.windows),
        warmup_windows=steady.warmup_windows if steady else 0,
        extra_steps=progress.extra_steps,
        step_ms_p50=1e3 * float(np.quantile(probes, 0.5)) if enough else None,
        step_ms_p95=1e3 * float(np.quantile(probes, 0.95)) if enough else None,
        input_wait_share=steady.input_wait_share if steady else None,
        train_wall_sec=clock.total_wall_sec,
        train_cpu_sec=clock.total_cpu_sec,
        compile_sec=_compile_sec(parts, step),
        startup_sec=startup_sec,
        eval_sec=sum(sum(part.eval_sec) for part in parts),
        flops_per_example=flops,
        matmul_flops_per_sec_before=peak_before,
        matmul_flops_per_sec_after=peak_after,
        share_of_peak=share,
        peak_host_bytes=_peak_host_bytes(),
        peak_device_bytes=adapter.peak_device_bytes(),
        device_utilization=device_utilization,
        contended=contended,
    )


def _compile_sec(parts: Sequence[Part], step_sec: float) -> float:
    """What each process's first step and first evaluation took beyond a typical one."""
    first = [part.eval_sec[0] for part in parts if part.eval_sec]
    later = [sec for part in parts for sec in part.eval_sec[1:]]
    typical = statistics.median(later) if later else min(first)
    return sum(max(0.0, part.first_step_sec - step_sec) for part in parts) + sum(
        max(0.0, sec - typical) for sec in first
    )


def _peak_host_bytes() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
