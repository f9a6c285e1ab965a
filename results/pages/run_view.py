"""What the page of a run says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trainband.results.pages import figures, formats
from trainband.results.pages.content import ReportContent
from trainband.results.pages.figure_parts import Figure
from trainband.results.pages.reasons import metric_units, spoken_reason
from trainband.results.pages.run_extras import Rows
from trainband.results.pages.runs_table import RunLine, run_line
from trainband.results.pages.words import VERDICTS, Word
from trainband.results.records import Measurement, Record, Throughput

LOG_LINES = 400


@dataclass(frozen=True, kw_only=True)
class CurveRow:
    """One evaluation."""

    epoch: str
    step: str
    train_loss: str
    metrics: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class RunView:
    """Attributes:
    about: what was asked for. `work`, `speed`, `data`, `weights` are tables of label and text.
    trace: loss and gradient norm of its steps; `no_trace` says why there is none.
    receipt: what a replay came to; empty for a run that is none.
    digests: rows of `data` and `weights` are long hexadecimal texts.
    judgements: verdict, reason and time of each judgement that names this run.
    """

    line: RunLine
    model: str
    tier: str
    profile: str
    about: Rows
    judgements: tuple[tuple[Word, str, str], ...]
    failure: Rows
    quality: tuple[tuple[str, str, str, str, str, str], ...]
    metric_names: tuple[tuple[str, str], ...]
    curve: tuple[CurveRow, ...]
    work: Rows
    speed: Rows
    contended: tuple[str, ...]
    windows: Figure | None
    warmup_windows: int
    data: Rows
    weights: Rows
    recipe: Rows
    profile_spec: Rows
    fingerprint: Rows
    packages: Rows
    trace: Figure | None
    trace_facts: Rows
    no_trace: str
    receipt: Rows
    log_tail: str
    command: str


def build_run(record: Record, content: ReportContent) -> RunView:
    """The page of `record`."""
    measured = record.measurement
    quality = measured.quality if measured else None
    fingerprint = {key: value for key, value in record.fingerprint.items() if key != "distributions"}
    units, extras = metric_units(content), content.extras(record.run_id)
    packages = record.fingerprint.get("distributions", {})
    return RunView(
        line=run_line(record, content),
        model=record.model,
        tier=record.tier,
        profile=record.profile,
        about=_about(record),
        judgements=tuple(
            (VERDICTS[item.verdict], spoken_reason(item, units), formats.utc(item.created))
            for item in sorted(content.judgements, key=lambda item: item.created, reverse=True)
            if record.run_id in item.records
        ),
        failure=_failure(record),
        quality=_quality(measured) if measured else (),
        metric_names=tuple((n, formats.unit_label(m.unit)) for n, m in quality.metrics.items()) if quality else (),
        curve=_curve(measured) if measured else (),
        work=_work(measured) if measured else (),
        speed=_speed(measured.throughput) if measured else (),
        contended=measured.throughput.contended if measured else (),
        windows=figures.windows(measured.throughput, record.recipe.get("batch_size")) if measured else None,
        warmup_windows=measured.throughput.warmup_windows if measured else 0,
        data=_data(measured) if measured else (),
        weights=_weights(measured) if measured else (),
        recipe=_flat(record.recipe),
        profile_spec=_flat(record.profile_spec),
        fingerprint=_flat(fingerprint),
        packages=_flat(packages),
        trace=figures.trace(extras.trace) if extras.trace else None,
        trace_facts=extras.trace.facts if extras.trace else (),
        no_trace=extras.no_trace,
        receipt=extras.receipt,
        log_tail="\n".join(record.log_tail.splitlines()[-LOG_LINES:]),
        command=record.command,
    )


def _about(record: Record) -> Rows:
    rows = {
        "Started": formats.utc(record.created),
        "Wall time": formats.duration(record.wall_sec),
        "Seed": f"{record.seed} ({record.seed_role})",
        "Device": record.measurement.device if record.measurement else None,
        "Host class": record.host_class,
        "Sweep": record.sweep_id,
        "Planted faults": ", ".join(record.faults) or None,
        "trainband": record.trainband_version,
    }
    return tuple((name, value) for name, value in rows.items() if value is not None)


def _failure(record: Record) -> Rows:
    failure = record.failure
    if failure is None:
        return ()
    rows = {
        "Kind": failure.kind,
        "Message": failure.message,
        "Exit status": None if failure.exit_status is None else str(failure.exit_status),
        "Signal": failure.signal,
    }
    return tuple((name, value) for name, value in rows.items() if value is not None)


def _quality(measured: Measurement) -> tuple[tuple[str, str, str, str, str, str], ...]:
    return tuple(
        (
            name,
            formats.metric(value.value, value.unit),
            formats.metric(measured.quality.untrained.get(name), value.unit),
            formats.unit_label(value.unit),
            f"{value.direction} is better",
            value.aggregation,
        )
        for name, value in measured.quality.metrics.items()
    )


def _curve(measured: Measurement) -> tuple[CurveRow, ...]:
    units = {name: value.unit for name, value in measured.quality.metrics.items()}
    return tuple(
        CurveRow(
            epoch=str(point.epoch),
            step=formats.count(point.step),
            train_loss=formats.number(point.train_loss),
            metrics=tuple(formats.metric(point.metrics.get(name), unit) for name, unit in units.items()),
        )
        for point in measured.quality.curve
    )


def _work(measured: Measurement) -> Rows:
    diverged = measured.quality.diverged_at_step
    rows = {
        "Examples trained": f"{measured.trained_examples:,} of {measured.planned_examples:,} planned",
        "Steps": formats.count(measured.steps),
        "First loss": formats.number(measured.first_loss, 6),
        "Resumed at step": ", ".join(map(formats.count, measured.resumed_at_steps)) or None,
        "Diverged at step": None if diverged is None else formats.count(diverged),
        "Test examples evaluated": formats.count(measured.quality.evaluation.examples),
    }
    return tuple((name, value) for name, value in rows.items() if value is not None)


def _speed(throughput: Throughput) -> Rows:
    wait = throughput.input_wait_share
    return (
        ("Examples per second", formats.number(throughput.examples_per_sec)),
        ("Examples per CPU second", formats.number(throughput.examples_per_cpu_sec)),
        ("Step time, median", _milliseconds(throughput.step_ms_p50)),
        ("Step time, 95th percentile", _milliseconds(throughput.step_ms_p95)),
        ("Share of time waiting for input", formats.percent(wait)),
        ("Training, wall", formats.duration(throughput.train_wall_sec)),
        ("Training, CPU", formats.duration(throughput.train_cpu_sec)),
        ("Compilation", formats.duration(throughput.compile_sec)),
        ("Start-up", formats.duration(throughput.startup_sec)),
        ("Evaluation", formats.duration(throughput.eval_sec)),
        ("Extra timed steps", formats.count(throughput.extra_steps)),
        ("Work per example", formats.rate(throughput.flops_per_example, "FLOP")),
        ("Matrix-multiply peak before", formats.rate(throughput.matmul_flops_per_sec_before, "FLOP/s")),
        ("Matrix-multiply peak after", formats.rate(throughput.matmul_flops_per_sec_after, "FLOP/s")),
        ("Share of that peak", formats.percent(throughput.share_of_peak, 1)),
        ("Peak host memory", formats.size(throughput.peak_host_bytes)),
        ("Peak device memory", formats.size(throughput.peak_device_bytes)),
        ("Device busy", formats.percent(throughput.device_utilization)),
    )


def _milliseconds(value: float | None) -> str:
    return formats.NOTHING if value is None else f"{formats.number(value, 3)} ms"


def _data(measured: Measurement) -> Rows:
    data = measured.data
    return (
        ("Data set", data.name),
        ("Training examples", formats.count(data.n_train)),
        ("Test examples", formats.count(data.n_test)),
        ("Test rows found in training", f"{data.shared_rows:,}, {data.shared_rows_expected:,} expected"),
        ("Digest", data.digest),
        ("Training split", data.train_digest),
        ("Test split", data.test_digest),
        ("Test split as evaluated", measured.quality.evaluation.digest),
        ("Batches as fed", measured.batches_digest),
    )


def _weights(measured: Measurement) -> Rows:
    return (
        ("Parameters", formats.count(measured.weights.parameters)),
        ("Before the first step", measured.weights.initial_digest),
        ("After the last step", measured.weights.final_digest),
        ("Recipe hash", measured.recipe_hash),
    )


def _flat(value: Mapping[str, Any] | Any) -> Rows:
    return tuple(row for row in formats.flat(value) if row[0])
