"""What the page of a cell says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from trainband.results.bands import Band, recalibrate_command
from trainband.results.judgements import Judgement, MetricJudgement
from trainband.results.metric_bands import MetricBand
from trainband.results.pages import figures, formats
from trainband.results.pages.band_facts import BandFacts, band_facts
from trainband.results.pages.charts import Chart, with_shared_lists
from trainband.results.pages.content import Current, ReportContent
from trainband.results.pages.fan import Fan, fan_of
from trainband.results.pages.gauges import Gauge, gauge
from trainband.results.pages.learning_curves import learning_curve
from trainband.results.pages.reasons import metric_units, spoken_reason
from trainband.results.pages.regressions_view import RegressionView, regression_view
from trainband.results.pages.runs_table import RunLine, run_line
from trainband.results.pages.series_view import SeriesView, series_views
from trainband.results.pages.shown_runs import ShownRun
from trainband.results.pages.square import trigger
from trainband.results.pages.words import NOT_JUDGED, THROUGHPUT, VERDICTS, Word
from trainband.results.records import Record

LEAST_SEEDS = 20


@dataclass(frozen=True, kw_only=True)
class MetricLine:
    """One metric of the standing run beside its band."""

    name: str
    unit: str
    value: str
    lower: str
    upper: str
    word: Word | None
    gauge: Gauge | None


@dataclass(frozen=True, kw_only=True)
class CellView:
    """Attributes:
    run: the run that the verdict is about, or the newest one where there is no verdict.
    series: what history knows of each quantity, on each class of hosts; its charts name `lists`.
    reproduce, recalibrate: commands.
    """

    cell: str
    model: str
    tier: str
    profile: str
    title: str
    profile_title: str
    word: Word
    judgement: Judgement | None
    reason: str
    runs_judged: str | None
    run: RunLine | None
    throughput_word: Word | None
    throughput_reason: str
    metrics: tuple[MetricLine, ...]
    curves: tuple[Chart, ...]
    distributions: tuple[Chart, ...]
    series: tuple[SeriesView, ...]
    lists: list[list[Any]]
    regressions: tuple[RegressionView, ...]
    band: BandFacts | None
    band_path: str | None
    band_changed: bool
    runs: tuple[RunLine, ...]
    metric_names: tuple[tuple[str, str], ...]
    left_out: int
    reproduce: str | None
    recalibrate: str


def build_cell(
    cell: str, content: ReportContent, current: Current | None, records: Sequence[Record], runs: Sequence[ShownRun]
) -> CellView:
    """The page of `cell`.

    Args:
      records: newest first; the newest one, and those that the standing judgement names, are among them.
      runs: all that are shown, newest first.
    """
    model, _, rest = cell.partition(":")
    tier, _, profile = rest.partition("@")
    band = content.bands.get(f"{model}:{tier}")
    record = trigger(current, records)
    judgement = current.judgement if current else None
    spoken = content.throughput.get(record.run_id) if record and record.measurement else None
    newest = record or (records[0] if records else None)
    series, lists = _series(cell, content, band)
    return CellView(
        cell=cell,
        model=model,
        tier=tier,
        profile=profile,
        title=next((item.title for item in content.models if item.name == model), model),
        profile_title=next((item.title for item in content.profiles if item.name == profile), ""),
        word=VERDICTS[judgement.verdict] if judgement else NOT_JUDGED,
        judgement=judgement,
        reason=spoken_reason(judgement, metric_units(content))
        if judgement
        else "No judgement names a run of this cell.",
        runs_judged=f"{current.passed} of {current.total} runs of this sweep pass; this is the worst"
        if current and current.total > 1
        else None,
        run=run_line(record, content, current=True) if record else None,
        throughput_word=THROUGHPUT[spoken.word] if spoken else None,
        throughput_reason=spoken.reason if spoken else "",
        metrics=_metric_lines(record, judgement, band),
        curves=_curves(record, runs, band),
        distributions=_distributions(record, runs, band),
        series=series,
        lists=lists,
        regressions=tuple(regression_view(each, content) for each in content.history.regressions if each.cell == cell),
        band=band_facts(band) if band else None,
        band_path=judgement.band_path if judgement else None,
        band_changed=bool(judgement and band and judgement.band_digest and judgement.band_digest != band.digest),
        runs=tuple(_marked(run.line, record) for run in runs),
        metric_names=tuple(
            {name: formats.unit_label(unit) for run in runs for name, (_, unit) in run.metrics.items()}.items()
        ),
        left_out=content.left_out.get(cell, 0),
        reproduce=newest.command if newest else None,
        recalibrate=recalibrate_command(band) if band else f"trainband calibrate {cell} --seeds={LEAST_SEEDS}",
    )


def _marked(line: RunLine, record: Record | None) -> RunLine:
    """`line`, marked where it is that of `record`, which the verdict is about."""
    return replace(line, current=True) if record is not None and record.run_id == line.run_id else line


def _series(cell: str, content: ReportContent, band: Band | None) -> tuple[tuple[SeriesView, ...], list[list[Any]]]:
    views = series_views(cell, content, band)
    charts, lists = with_shared_lists([view.chart for view in views])
    return tuple(replace(view, chart=chart) for view, chart in zip(views, charts, strict=True)), lists


def _metric_lines(record: Record | None, judgement: Judgement | None, band: Band | None) -> tuple[MetricLine, ...]:
    judged = {item.name: item for item in judgement.metrics} if judgement else {}
    bands = {item.name: item for item in band.metrics} if band else {}
    measured = record.measurement.quality.metrics if record and record.measurement else {}
    lines = []
    for name in dict.fromkeys((*measured, *judged)):
        unit = measured[name].unit if name in measured else bands[name].unit if name in bands else ""
        value = measured[name].value if name in measured else judged[name].value
        found = judged.get(name)
        lower, upper = _bounds(found, bands.get(name), unit)
        lines.append(
            MetricLine(
                name=name,
                unit=formats.unit_label(unit),
                value=formats.metric(value, unit),
                lower=lower,
                upper=upper,
                word=_metric_word(found),
                gauge=gauge(bands[name], value) if name in bands else None,
            )
        )
    return tuple(lines)


def _bounds(found: MetricJudgement | None, band: MetricBand | None, unit: str) -> tuple[str, str]:
    """The bounds that the run was judged by; without a judgement, those of the band as it is now."""
    stated = found or band
    if stated is None:
        return formats.NOTHING, formats.NOTHING
    lower = "cannot fail" if stated.lower_cannot_fail else formats.metric(stated.lower, unit)
    upper = "cannot fail" if stated.upper_cannot_fail else formats.metric(stated.upper, unit)
    return lower, upper


def _metric_word(found: MetricJudgement | None) -> Word | None:
    if found is None:
        return None
    if found.inside:
        return Word(text="inside", icon="check", tone="good", meaning="in the closed interval")
    side = "below" if found.value < found.lower else "above"
    tone = "bad" if found.confirmed else "open"
    return Word(text=side, icon="down" if side == "below" else "up", tone=tone, meaning=f"{side} the interval")


def _first(record: Record | None, runs: Sequence[ShownRun]) -> tuple[ShownRun | None, list[ShownRun]]:
    """The run of `record`, and all of `runs`, that one first."""
    first = next((run for run in runs if record is not None and run.run_id == record.run_id), None)
    return first, [*([first] if first else []), *(run for run in runs if run is not first)]


def _curves(record: Record | None, runs: Sequence[ShownRun], band: Band | None) -> tuple[Chart, ...]:
    first, ordered = _first(record if record is not None and record.measurement is not None else None, runs)
    measured = next((run for run in ordered if run.recipe_hash is not None), None)
    if measured is None:
        return ()
    bands = {item.name: item for item in band.metrics} if band else {}
    charts = []
    for index, (name, (_, unit)) in enumerate(measured.metrics.items()):
        fan = fan_of(name, first, runs, bands.get(name)) if first is not None else None
        figure = learning_curve(name, unit, ordered, bands.get(name), fan)
        if figure is not None:
            untrained = measured.untrained.get(name)
            start = f" Untrained: {formats.metric(untrained, unit)}, not on the axis." if untrained is not None else ""
            shade = " Shaded: the band, dashed where a bound can fail." if name in bands else " There is no band yet."
            caption = f"{name} on the test split after each evaluation.{shade}{start}{_fan_text(fan)}"
            charts.append(Chart(id=f"curve-{index}", caption=caption, figure=figure))
    return tuple(charts)


def _fan_text(fan: Fan | None) -> str:
    if fan is None:
        return ""
    text = f" Dotted: where a further seed lies at every evaluation with 95%, by {fan.curves} others."
    if fan.left is None:
        return f"{text} The run stays inside."
    return f"{text} The run leaves it at step {fan.left.step:,} (epoch {fan.left.epoch})."


def _distributions(record: Record | None, runs: Sequence[ShownRun], band: Band | None) -> tuple[Chart, ...]:
    if band is None:
        return ()
    evidence = {sample.run_id for sample in band.evidence.samples}
    own = [run for run in _first(record, runs)[1] if run.run_id not in evidence]
    charts = []
    for index, metric in enumerate(band.metrics):
        seeds = [s.metrics[metric.name] for s in band.evidence.samples if s.converged and metric.name in s.metrics]
        values = [run.metrics[metric.name][0] for run in own if metric.name in run.metrics]
        prior = [item.value for item in band.evidence.published if item.metric == metric.name]
        charts.append(
            Chart(
                id=f"seeds-{index}",
                caption=_distribution_caption(metric, len(seeds), len(values)),
                figure=figures.distribution(metric, seeds, values, prior),
            )
        )
    return tuple(charts)


def _distribution_caption(metric: MetricBand, seeds: int, runs: int) -> str:
    text = f"{metric.name}: {seeds} calibration seeds, dotted line: their center; shaded: the band."
    for side, cannot in (("lower", metric.lower_cannot_fail), ("upper", metric.upper_cannot_fail)):
        if cannot:
            text += f" The {side} side cannot fail: its bound lies at the end of the metric's range."
    if runs:
        text += f" The diamond is the newest of {runs} own runs." if runs > 1 else " The diamond is the one own run."
    return text + " Arrows: the margin, and the smallest loss found with 80% power within a week."
