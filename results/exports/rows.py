"""The row that every export is made of: one judgement with its triggering run, metrics typed and bands beside them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from trainband.results.judgements import Judgement, MetricJudgement, Verdict
from trainband.results.records import Record, Throughput, mapping_of
from trainband.results.throughput import ThroughputJudgement

ExportWord = Verdict | Literal["planned"]
Result = Literal["passed", "failed", "error", "open", "waived", "skipped"]

# What a verdict comes to for a reader that knows fewer words; the exit status of a sweep says the same.
RESULTS: Mapping[ExportWord, Result] = {
    "pass": "passed",
    "fail_low": "failed",
    "fail_high": "failed",
    "diverged": "failed",
    "error": "error",
    "timeout": "error",
    "no_band": "open",
    "undecided": "open",
    "planned": "open",
    "waived": "waived",
    "skipped": "skipped",
}


class ExportError(ValueError):
    """An export that cannot be made as asked; the message says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class ExportMetric:
    """A number of the triggering run.

    Attributes:
      value: may be NaN or infinite.
      lower, upper: the band's sides; None without a band, and for a side that cannot fail.
      inside: whether `value` lies in the band; None without one.
      fresh_mean: mean of the confirming runs; None where there are none.
    """

    name: str
    kind: Literal["quality", "speed"]
    value: float
    unit: str
    direction: Literal["higher", "lower"]
    lower: float | None = None
    upper: float | None = None
    inside: bool | None = None
    fresh_mean: float | None = None


@dataclass(frozen=True, kw_only=True)
class ExportRow:
    """A judgement, or a run that a sweep planned and did not come to (`planned`).

    Attributes:
      judgement: None where nothing was judged.
      required: the sweep asked for this profile, so that skipping it is a failure of the infrastructure.
      record: the triggering run; None where there is none, or where it cannot be read (a note says so then).
      throughput: the word on the run's speed beside earlier runs.
      notes: the judgement's, and what was found while exporting.
    """

    cell: str
    verdict: ExportWord
    reason: str
    sweep_id: str | None = None
    judgement: Judgement | None = None
    required: bool = False
    record: Record | None = None
    throughput: ThroughputJudgement | None = None
    metrics: tuple[ExportMetric, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def model(self) -> str:
        return self.cell.partition(":")[0]

    @property
    def tier(self) -> str:
        return self.cell.partition(":")[2].partition("@")[0]

    @property
    def profile(self) -> str:
        return self.cell.partition("@")[2]

    @property
    def run_id(self) -> str | None:
        """The triggering run's id, also where its record cannot be read."""
        return self.judgement.records[0] if self.judgement is not None and self.judgement.records else None

    @property
    def name(self) -> str:
        """A text that no other row has."""
        return self.run_id or (self.judgement.judgement_id if self.judgement is not None else self.cell)

    @property
    def result(self) -> Result:
        """What the verdict comes to; a pass that confirms nothing is open, a required profile skipped an error."""
        if self.verdict == "pass" and self.judgement is not None and self.judgement.in_sample:
            return "open"
        if self.verdict == "skipped" and self.required:
            return "error"
        return RESULTS[self.verdict]

    @property
    def quality(self) -> tuple[ExportMetric, ...]:
        """Metrics of the trained model, the headline one first."""
        return tuple(metric for metric in self.metrics if metric.kind == "quality")

    @property
    def contended(self) -> bool:
        """Whether something else took the host, so that the speed does not count."""
        measured = self.record.measurement if self.record is not None else None
        return measured is not None and bool(measured.throughput.contended)

    @property
    def story(self) -> str:
        """The reason, with the waiver that stands before it and the notes, one a line."""
        waived = self.judgement.waived if self.judgement is not None else None
        said = [self.reason]
        if waived is not None:
            said = [f"{waived.verdict}, waived by {waived.owner} until {waived.until} ({waived.reason}): {self.reason}"]
        return "\n".join([*said, *self.notes])


def judged_row(
    judgement: Judgement,
    record: Record | None,
    *,
    throughput: ThroughputJudgement | None = None,
    required: bool = False,
    notes: Sequence[str] = (),
) -> ExportRow:
    """The row of a judgement and its triggering run."""
    return ExportRow(
        cell=judgement.cell,
        verdict=judgement.verdict,
        reason=judgement.reason,
        sweep_id=judgement.sweep_id,
        judgement=judgement,
        required=required,
        record=record,
        throughput=throughput,
        metrics=tuple(_metrics(judgement, record)),
        notes=(*judgement.notes, *notes),
    )


def planned_row(cell: str, *, sweep_id: str, status: str, required: bool) -> ExportRow:
    """The row of a run that a sweep of this status has not come to."""
    reason = f"asked for and not judged: the sweep is {status}"
    return ExportRow(cell=cell, verdict="planned", reason=reason, sweep_id=sweep_id, required=required)


def _metrics(judgement: Judgement, record: Record | None) -> Iterator[ExportMetric]:
    measured = record.measurement if record is not None else None
    if measured is None:
        return
    bands = {found.name: found for found in judgement.metrics}
    values = measured.quality.metrics
    for name in (*bands, *(name for name in values if name not in bands)):
        if name in values:
            metric = values[name]
            band = _band(bands.get(name))
            yield ExportMetric(
                name=name, kind="quality", value=metric.value, unit=metric.unit, direction=metric.direction, **band
            )
    yield from _speed(measured.throughput)


def _band(found: MetricJudgement | None) -> dict[str, Any]:
    if found is None:
        return {}
    return {
        "lower": None if found.lower_cannot_fail else found.lower,
        "upper": None if found.upper_cannot_fail else found.upper,
        "inside": found.inside,
        "fresh_mean": found.fresh_mean,
    }


def _speed(throughput: Throughput) -> Iterator[ExportMetric]:
    """What was measured of the run's cost, in the units of the record; what it lacks is left out."""
    for name, unit, direction, value in (
        ("examples_per_sec", "examples/s", "higher", throughput.examples_per_sec),
        ("examples_per_cpu_sec", "examples/CPU s", "higher", throughput.examples_per_cpu_sec),
        ("step_ms_p50", "ms", "lower", throughput.step_ms_p50),
        ("step_ms_p95", "ms", "lower", throughput.step_ms_p95),
        ("compile_sec", "s", "lower", throughput.compile_sec),
        ("startup_sec", "s", "lower", throughput.startup_sec),
        ("peak_host_bytes", "bytes", "lower", throughput.peak_host_bytes),
        ("peak_device_bytes", "bytes", "lower", throughput.peak_device_bytes),
    ):
        if value is not None:
            better: Literal["higher", "lower"] = "higher" if direction == "higher" else "lower"
            yield ExportMetric(name=name, kind="speed", value=float(value), unit=unit, direction=better)


def was_trained(row: ExportRow) -> bool:
    """Whether the row has a run; formats that describe runs have a place for no other."""
    return row.record is not None


def record_of(row: ExportRow) -> Record:
    """The run of a row that has one. Raises ValueError for any other."""
    if row.record is None:
        raise ValueError(f"{row.cell}: {row.verdict}, no run to describe")
    return row.record


def environment(record: Record) -> dict[str, str]:
    """Package -> version of the interpreter and the framework that trained, as far as the run told."""
    python, framework = (mapping_of(record.fingerprint.get(key)) for key in ("python", "framework"))
    versions = {"python": python.get("version"), **mapping_of(framework.get("versions"))}
    return {name: str(version) for name, version in versions.items() if version is not None}


def described(row: ExportRow) -> dict[str, str]:
    """What a reader of numbers should know besides them, for formats that hold free texts."""
    texts = {"verdict": row.verdict, "result": row.result, "reason": row.story}
    if row.throughput is not None:
        texts["throughput"] = row.throughput.word
    if row.record is not None:
        run = {"run_id": row.record.run_id, "seed": str(row.record.seed), "host_class": row.record.host_class}
        texts |= {**run, **environment(row.record)}
    return texts


def fact(record: Record, *path: str) -> Any:
    """A value of the run's fingerprint; None where it has none at that path."""
    found: Any = record.fingerprint
    for key in path:
        found = mapping_of(found).get(key)
    return found


def started(record: Record) -> datetime:
    """When the run began."""
    return datetime.fromisoformat(record.created)


def ended(record: Record) -> datetime:
    """When its process was gone."""
    return started(record) + timedelta(seconds=record.wall_sec)


def finite(metric: ExportMetric) -> bool:
    """Whether the value is a number that every format can hold."""
    return math.isfinite(metric.value)
