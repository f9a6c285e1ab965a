"""What the page of a cell says of its nights: a chart a quantity and class of hosts, and the changes in it."""

from __future__ import annotations

from dataclasses import dataclass

from trainband.results.bands import Band
from trainband.results.history.canaries import Mark
from trainband.results.history.looking import Change, Drift, SeriesState, drift
from trainband.results.history.series import Quantity
from trainband.results.pages import formats
from trainband.results.pages.charts import Chart
from trainband.results.pages.content import ReportContent
from trainband.results.pages.series_figure import USUAL_SDS, series_figure
from trainband.results.pages.words import TRENDS, Word


@dataclass(frozen=True, kw_only=True)
class ChangeLine:
    """A change of level, each text ready to show.

    Attributes:
      environment: what changed in the environment since the last run before, where anything did.
    """

    word: Word
    since: str
    raised: str
    before: str
    after: str
    shift: str
    environment: str


@dataclass(frozen=True, kw_only=True)
class SeriesView:
    """Attributes:
    facts: label and text of the lines below the chart.
    """

    name: str
    host_class: str
    chart: Chart
    facts: tuple[tuple[str, str], ...]
    changes: tuple[ChangeLine, ...]


def series_views(cell: str, content: ReportContent, band: Band | None) -> tuple[SeriesView, ...]:
    """One view a series of `cell`, those that a newer run goes on with first."""
    history = content.history.cells.get(cell)
    if history is None:
        return ()
    states = [state for state in history.states if state.series.points]
    states.sort(key=lambda state: state.series.points[-1].created, reverse=True)
    pages = frozenset([*(run.run_id for run in content.records), *(run.run_id for run in content.kept_runs)])
    return tuple(_view(number, state, content, band, pages) for number, state in enumerate(states))


def value_text(quantity: Quantity, value: float) -> str:
    """A value of the quantity with its unit."""
    if quantity.unit == "fraction":
        return formats.percent(value)
    return f"{formats.number(value)} {quantity.unit}".strip()


def _view(
    number: int, state: SeriesState, content: ReportContent, band: Band | None, pages: frozenset[str]
) -> SeriesView:
    series = state.series
    metric = next((each for each in band.metrics if each.name == series.quantity.name), None) if band else None
    environment = [
        mark for mark in content.history.cells[series.cell].environment if mark.host_class == series.host_class
    ]
    figure = series_figure(
        state,
        band=metric,
        environment=environment,
        numerics=_numerics(state, content),
        pages=pages,
        root="../",
    )
    marked = {mark.run_id: ", ".join(mark.changes) for mark in environment}
    return SeriesView(
        name=series.quantity.name,
        host_class=series.host_class,
        chart=Chart(id=f"series-{number}", caption=_caption(state, quality=metric is not None), figure=figure),
        facts=_facts(state),
        changes=tuple(_change(state, change, marked) for change in state.levels),
    )


def _numerics(state: SeriesState, content: ReportContent) -> list[Mark]:
    place = (state.series.cell, state.series.host_class)
    of_cell = (canary for canary in content.history.canaries if (canary.cell, canary.host_class) == place)
    return sorted((mark for canary in of_cell for mark in canary.marks), key=lambda mark: mark.at)


def _caption(state: SeriesState, *, quality: bool) -> str:
    quantity, points = state.series.quantity, len(state.series.points)
    runs = f"{points} run" + ("s" if points != 1 else "")
    text = f"{quantity.name} of {runs} with fresh seeds on {state.series.host_class}; {quantity.direction} is better."
    if state.series.era.baseline is None:
        return f"{text} Nothing is held against them yet: {state.series.era.why_not}."
    shade = "the band" if quality else f"{USUAL_SDS:g} sds about the baseline"
    return f"{text} Shaded: {shade}; upright lines: changes of level and new eras."


def _facts(state: SeriesState) -> tuple[tuple[str, str], ...]:
    series, newest, slope = state.series, state.newest, drift(state.series)
    baseline = series.era.baseline
    facts = [("Era", f"since {series.points[series.era.first].created[:10]}: {series.era.because}")]
    if baseline is None:
        facts.append(("Baseline", f"none: {series.era.why_not}"))
    else:
        center = value_text(series.quantity, series.quantity.unscaled(baseline.mean))
        facts.append(("Baseline", f"{center}, {baseline.of}"))
    if newest is not None:
        facts.append(("Newest run, from the baseline", _sds(newest.from_baseline)))
        if newest.from_run_before is not None:
            usual = f"two runs differ by up to {formats.number(newest.usual_difference, 2)} sd"
            facts.append(("Newest run, from the one before", f"{_sds(newest.from_run_before)} ({usual})"))
    if slope is not None:
        facts.append(("Drift", _drift(slope)))
    return tuple(facts)


def _drift(slope: Drift) -> str:
    word = "none that is certain" if slope.lower <= 0.0 <= slope.upper else "certain"
    return f"{_sds(slope.sd_a_month)} a month, 95% limits {_sds(slope.lower)} to {_sds(slope.upper)}: {word}"


def _sds(value: float) -> str:
    return f"{formats.signed(value)} sd"


def _change(state: SeriesState, change: Change, marked: dict[str, str]) -> ChangeLine:
    series = state.series
    onset, alarm = series.points[change.onset], series.points[change.alarm]
    return ChangeLine(
        word=TRENDS[change.trend],
        since=onset.created[:10],
        raised=alarm.created[:10],
        before=formats.metric(change.before, series.quantity.unit),
        after=formats.metric(change.after, series.quantity.unit),
        shift=_sds(change.mean_score),
        environment=marked.get(onset.run_id, "nothing that is recorded"),
    )
