"""A run and its judgement as text for people."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from trainband.results.judgements import SIGNS, Judgement
from trainband.results.records import Measurement, Record
from trainband.tables import duration, significant


def run_summary(record: Record, judgement: Judgement | None, path: Path) -> str:
    """What a person wants to know of one run, line by line."""
    lines = [f"{record.cell}  seed {record.seed}{_factor_seeds(record)}  on {record.host_class}"]
    if record.measurement is not None:
        lines += _quality(record.measurement, judgement) + _speed(record.measurement)
    if record.failure is not None:
        lines.append(f"  {record.outcome}: {record.failure.message}")
        lines += [f"  | {line}" for line in record.log_tail.splitlines()[-15:]]
    if record.faults:
        lines.append(f"  planted faults: {', '.join(record.faults)}")
    if judgement is not None:
        lines.append(f"  verdict      {SIGNS[judgement.verdict]} {judgement.verdict}: {judgement.reason}")
        lines += [f"               {note}" for note in judgement.notes]
    lines += [f"  record       {path}", f"  again        {record.command}"]
    return "\n".join(lines)


def _quality(measurement: Measurement, judgement: Judgement | None) -> list[str]:
    bands = {metric.name: metric for metric in judgement.metrics} if judgement else {}
    lines = []
    width = max(12, *(len(name) for name in measurement.quality.metrics), 0)
    for name, metric in measurement.quality.metrics.items():
        text = f"  {name:<{width}} {significant(metric.value)} {metric.unit}"
        if name in bands:
            band = bands[name]
            open_sides = [
                side for side, free in (("lower", band.lower_cannot_fail), ("upper", band.upper_cannot_fail)) if free
            ]
            text += f"   band [{significant(band.lower)}, {significant(band.upper)}]"
            text += f" (the {open_sides[0]} side cannot fail)" if open_sides else ""
        lines.append(text)
    return lines


def _speed(measurement: Measurement) -> list[str]:
    speed = measurement.throughput
    parts = [
        f"{significant(speed.examples_per_sec)} examples/s",
        f"{significant(speed.examples_per_cpu_sec)} per CPU second",
        f"step p50 {significant(speed.step_ms_p50, 3)} ms, p95 {significant(speed.step_ms_p95, 3)} ms",
    ]
    shares = [
        f"training {duration(speed.train_wall_sec)}",
        f"compilation {speed.compile_sec:.1f} s",
        f"evaluation {speed.eval_sec:.1f} s",
        f"start-up {speed.startup_sec:.1f} s",
    ]
    if speed.input_wait_share is not None:
        shares.append(f"input wait {speed.input_wait_share:.1%}")
    if speed.share_of_peak is not None:
        shares.append(f"{speed.share_of_peak:.1%} of the measured matrix-multiply peak")
    if speed.peak_device_bytes is not None:
        shares.append(f"{speed.peak_device_bytes / 1e9:.2f} GB of device memory")
    if speed.device_utilization is not None:
        shares.append(f"device busy {speed.device_utilization:.0%}")
    lines = [f"  throughput   {', '.join(parts)}", f"               {', '.join(shares)}"]
    lines += [f"               contended: {reason}" for reason in speed.contended]
    if measurement.resumed_at_steps:
        lines.append(f"               resumed at step {', '.join(map(str, measurement.resumed_at_steps))}")
    return lines


def _factor_seeds(record: Record) -> str:
    """The factors that follow another seed than the run's, in brackets."""
    own = [f"{name.replace('_', ' ')} {seed}" for name, seed in asdict(record.factor_seeds).items() if seed is not None]
    return f" ({', '.join(own)})" if own else ""
