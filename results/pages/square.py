"""A square of the matrix: one cell at a glance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from trainband.results.bands import Band
from trainband.results.history.looking import SeriesState
from trainband.results.metrics import MetricForm
from trainband.results.pages import formats
from trainband.results.pages.content import Current, ReportContent
from trainband.results.pages.gauges import Gauge, gauge
from trainband.results.pages.reasons import metric_units, spoken_reason
from trainband.results.pages.sparkline import Sparkline, sparkline
from trainband.results.pages.words import NOT_JUDGED, NOT_RUN, PLANNED, THROUGHPUT, VERDICTS, Word
from trainband.results.records import Record
from trainband.results.throughput import ThroughputJudgement

_WITH_REASON = frozenset({"skipped", "error", "timeout", "diverged", "undecided", "no_band", "waived"})


@dataclass(frozen=True, kw_only=True)
class Square:
    """Attributes:
    page: of the cell, None where nothing is known of it.
    runs: how many runs the word speaks for, said only where there are several.
    speed_change: against the pinned baseline of its host class, where there is one.
    """

    cell: str
    word: Word
    page: str | None = None
    runs: str | None = None
    metric: str | None = None
    value: str | None = None
    speed: str | None = None
    speed_word: Word | None = None
    speed_change: str | None = None
    gauge: Gauge | None = None
    spark: Sparkline | None = None
    reason: str | None = None


def trigger(current: Current | None, records: Sequence[Record]) -> Record | None:
    """The run that the standing judgement is about; without a judgement, the newest run."""
    if current is None:
        return records[0] if records else None
    wanted = current.judgement.records[:1]
    return next((record for record in records if (record.run_id,) == wanted), None)


def square_of(cell: str, content: ReportContent, stands: Current | None, runs: Sequence[Record]) -> Square:
    """The square of `cell`: `stands` is its standing judgement, `runs` are its runs, newest first."""
    metrics = next((item.metrics for item in content.models if item.name == cell.partition(":")[0]), ())
    record = trigger(stands, runs)
    name, value, unit = _headline(metrics, stands, record)
    speed = record.measurement.throughput.examples_per_sec if record and record.measurement else None
    spoken = content.throughput.get(record.run_id) if record and record.measurement else None
    judgement = stands.judgement if stands else None
    return Square(
        cell=cell,
        word=VERDICTS[judgement.verdict] if judgement else NOT_JUDGED,
        page=formats.cell_page(cell),
        runs=f"worst of {stands.total} runs, {stands.passed} pass" if stands and stands.total > 1 else None,
        metric=name,
        value=None if value is None else formats.metric(value, unit),
        speed=None if speed is None else formats.speed(speed),
        speed_word=_speed_word(spoken),
        speed_change=_speed_change(content, cell, record),
        spark=_spark(content, cell, name, record),
        gauge=_gauge(content.bands.get(cell.partition("@")[0]), name, value),
        reason=spoken_reason(judgement, metric_units(content))
        if judgement and judgement.verdict in _WITH_REASON
        else None,
    )


def unknown_square(cell: str, content: ReportContent) -> Square:
    """The square of a cell of which nothing is known."""
    return Square(cell=cell, word=PLANNED if cell in content.planned_cells else NOT_RUN)


def _headline(
    forms: Sequence[MetricForm], stands: Current | None, record: Record | None
) -> tuple[str | None, float | None, str]:
    """Name, value and unit of the headline metric of `record`, or of the judgement where the record is gone."""
    if record is not None and record.measurement is not None:
        metrics = record.measurement.quality.metrics
        name = forms[0].name if forms else next(iter(metrics), None)
        if name is not None and name in metrics:
            return name, metrics[name].value, metrics[name].unit
    if stands is not None and stands.judgement.metrics:
        found = stands.judgement.metrics[0]
        return found.name, found.value, forms[0].unit if forms else ""
    return None, None, ""


def _speed_word(spoken: ThroughputJudgement | None) -> Word | None:
    return None if spoken is None else THROUGHPUT[spoken.word]


def _gauge(band: Band | None, name: str | None, value: float | None) -> Gauge | None:
    found = next((item for item in band.metrics if item.name == name), None) if band and band.metrics else None
    return None if found is None or value is None else gauge(found, value)


def _state(content: ReportContent, cell: str, quantity: str, record: Record | None) -> SeriesState | None:
    """The series of the quantity on the host class of `record`."""
    history = content.history.cells.get(cell)
    if history is None or record is None:
        return None
    place = (quantity, record.host_class)
    return next((s for s in history.states if (s.series.quantity.name, s.series.host_class) == place), None)


def _speed_change(content: ReportContent, cell: str, record: Record | None) -> str | None:
    """By how much the standing run is faster than its baseline, by CPU seconds where a CPU trains."""
    for quantity in ("examples_per_cpu_sec", "examples_per_sec"):
        state = _state(content, cell, quantity, record)
        baseline = state.series.era.baseline if state is not None else None
        if state is None or baseline is None or state.newest is None or record is None:
            continue
        if state.newest.run_id == record.run_id:
            return f"{formats.signed(100 * math.expm1(state.newest.from_baseline * baseline.sd))}%"
    return None


def _spark(content: ReportContent, cell: str, metric: str | None, record: Record | None) -> Sparkline | None:
    state = _state(content, cell, metric, record) if metric is not None else None
    return None if state is None else sparkline(state)
