"""A cell's series over the nights: its points, the band or the baseline's scatter, change points, and what changed around it."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from trainband.results.history.canaries import Mark
from trainband.results.history.environment_marks import EnvironmentMark
from trainband.results.history.looking import Change, SeriesState
from trainband.results.history.series import Era, Points, Quantity, Series
from trainband.results.metric_bands import MetricBand
from trainband.results.pages import formats
from trainband.results.pages.figure_parts import (
    Figure,
    axes_layout,
    axis_title,
    chart_text,
    chart_texts,
    decimals_shown,
    finite_on_axis,
    on_axis,
    padded_span,
    rectangle,
    segment,
)

USUAL_SDS = 3.0
_MARKS_SHARE = 0.06  # of the axis, for the marks below the data
_LONGEST_LINE = 32
_FAINT_LINE_FROM = 120  # points from which on markers are small


def series_figure(
    state: SeriesState,
    *,
    band: MetricBand | None,
    environment: Sequence[EnvironmentMark],
    numerics: Sequence[Mark],
    pages: frozenset[str],
    root: str,
) -> Figure:
    """The chart of one series.

    Args:
      band: of the metric, where the series is of quality; its interval is drawn over the era that it judges.
      environment, numerics: marks on the time axis.
      pages: runs that have a page; a click on their points opens it.
      root: from the chart's page to the report's root.
    """
    series, unit = state.series, state.series.quantity.unit
    edges = _edges(series, series.era, band)
    values = series.points.values
    low, high = padded_span(finite_on_axis([min(values), max(values), *(edges or ())], unit))
    times = series.points.created
    shapes = [*_era_shapes(series, band, (low, high)), *_change_shapes(state)]
    data = [
        _points(series, _those(series.points, planted=False), "run", pages, root),
        *([_planted(series, pages, root)] if any(series.points.faults) else []),
        *_levels(state),
        *_marks(environment, numerics, low - _MARKS_SHARE / 2 * (high - low), times),
    ]
    suffix = "%" if unit == "fraction" else ""
    # Below the data there is room for the marks on the time axis.
    y = {"title": axis_title(*_axis_name(series.quantity)), "range": [low - _MARKS_SHARE * (high - low), high]}
    x: dict[str, Any] = {"type": "date", "nticks": 8, "range": _range(times)}
    layout = axes_layout(x, {**y, "ticksuffix": suffix}, shapes=shapes, annotations=_annotations(state, high))
    return {"data": data, "layout": {**layout, "hovermode": "closest"}}


def _axis_name(quantity: Quantity) -> tuple[str, ...]:
    """As many lines as it takes: a chart cuts off what is longer than its axis."""
    if quantity.kind == "speed":
        return (quantity.unit,)
    if quantity.unit == "fraction":
        return (quantity.name,)
    return tuple(textwrap.wrap(f"{quantity.name} ({quantity.unit})", _LONGEST_LINE))


def _range(times: Sequence[str]) -> list[str] | None:
    """A little more than the series' time; None, plotly's own choice, where it is a moment."""
    first, last = datetime.fromisoformat(times[0]), datetime.fromisoformat(times[-1])
    margin = (last - first) / 40
    return [(first - margin).isoformat(), (last + margin).isoformat()] if margin else None


def _edges(series: Series, era: Era, band: MetricBand | None) -> tuple[float, float] | None:
    """The interval that the era's points should lie in: the band's, else three sds about the baseline."""
    if era.baseline is None:
        return None
    if band is not None:
        return band.lower, band.upper
    width = USUAL_SDS * era.baseline.sd
    return series.quantity.unscaled(era.baseline.mean - width), series.quantity.unscaled(era.baseline.mean + width)


def _era_shapes(series: Series, band: MetricBand | None, span: tuple[float, float]) -> list[Figure]:
    """The shade of each era that has a baseline, its centre, and a line where a new era begins."""
    shapes = []
    unit = series.quantity.unit
    for era in series.eras:
        if not series.points:
            continue
        begin = series.points.created[era.first]
        if era.first:
            shapes.append(segment(("x", "paper"), (begin, 0, begin, 1), "--soft", "dot"))
        edges = _edges(series, era, band)
        if edges is None or era.baseline is None:
            continue
        end = series.points[series.end_of(era) - 1].created
        lower = span[0] if band is not None and band.lower_cannot_fail else on_axis(edges[0], unit)
        upper = span[1] if band is not None and band.upper_cannot_fail else on_axis(edges[1], unit)
        center = on_axis(series.quantity.unscaled(era.baseline.mean), unit)
        shapes.append(rectangle(("x", "y"), (begin, lower, end, upper), "--band-faint"))
        shapes.append(segment(("x", "y"), (begin, center, end, center), "--band-line", "dot"))
        shapes += [segment(("x", "y"), (begin, edge, end, edge), "--band-line", "dash") for edge in (lower, upper)]
    return shapes


def _change_shapes(state: SeriesState) -> list[Figure]:
    return [
        segment(("x", "paper"), (at, 0, at, 1), "--bad" if change.trend == "worse" else "--odd")
        for change in state.levels
        for at in [state.series.points[change.onset].created]
    ]


def _annotations(state: SeriesState, top: float) -> list[Figure]:
    """A word over each change of level and over each new era: none speaks by colour alone."""
    series = state.series
    told = [(change.onset, _change_text(change)) for change in state.levels]
    told += [(era.first, era.because) for era in series.eras if era.first]
    return [
        {
            "x": series.points[place].created,
            "y": top,
            "yanchor": "top",
            # To the side where there is room.
            "xanchor": "right" if _share(series, place) > 0.5 else "left",
            "text": chart_text(text),
            "showarrow": False,
            "font": {"size": 12, "color": "--ink"},
            "bgcolor": "--surface",
        }
        for place, text in told
    ]


def _share(series: Series, place: int) -> float:
    """Where on the time axis a point lies, from 0 to 1."""
    first, at, last = (datetime.fromisoformat(series.points[number].created) for number in (0, place, -1))
    return (at - first) / (last - first) if last > first else 0.0


def _change_text(change: Change) -> str:
    arrow = "▲" if change.side == "upper" else "▼"
    return f"{arrow} {change.trend}, {formats.signed(change.mean_score)} sd"


def _those(points: Points, *, planted: bool) -> Points:
    """The points with planted faults, or those without."""
    return points.at([place for place, faults in enumerate(points.faults) if bool(faults) == planted])


def _points(series: Series, points: Points, name: str, pages: frozenset[str], root: str) -> Figure:
    unit, names = series.quantity.unit, points.run_ids
    size = 4 if len(points) >= _FAINT_LINE_FROM else 7
    return {
        "type": "scatter",
        "mode": "lines+markers" if len(points) > 1 else "markers",
        "name": name,
        "x": list(points.created),
        "y": _drawn(points.values, unit),
        "text": chart_texts(names),
        "customdata": [f"{root}{formats.run_page(name)}" if name in pages else None for name in names],
        "line": {"color": "--faint", "width": 1},
        "marker": {"color": "--series", "size": size},
        "hovertemplate": f"%{{x|%Y-%m-%d %H:%M}}: %{{y:.5~g}}{'%' if unit == 'fraction' else ''}<br>%{{text}}<extra></extra>",
    }


def _drawn(values: Sequence[float], unit: str) -> list[float]:
    """`values`, which are finite, as an axis shows them: to some digits of the largest, which is finer than a screen."""
    import numpy as np

    shown = np.asarray(values, dtype=float) * (100.0 if unit == "fraction" else 1.0)
    rounded: list[float] = np.round(shown, decimals_shown(shown)).tolist()
    return rounded


def _planted(series: Series, pages: frozenset[str], root: str) -> Figure:
    trace = _points(series, _those(series.points, planted=True), "planted fault", pages, root)
    return {**trace, "mode": "markers", "marker": {"color": "--bad", "size": 9, "symbol": "x"}}


def _levels(state: SeriesState) -> list[Figure]:
    """The mean level from each change's onset to its alarm."""
    series, unit = state.series, state.series.quantity.unit
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "name": "level found",
            "showlegend": number == 0,
            "x": [series.points[change.onset].created, series.points[change.alarm].created],
            "y": [on_axis(change.after, unit)] * 2,
            "line": {"color": "--bad" if change.trend == "worse" else "--odd", "width": 3},
            "hovertemplate": f"{_change_text(change)}: %{{y:.5~g}}<extra></extra>",
        }
        for number, change in enumerate(state.levels)
    ]


def _marks(
    environment: Sequence[EnvironmentMark], numerics: Sequence[Mark], bottom: float, times: Sequence[str]
) -> list[Figure]:
    """Triangles where the environment changed, diamonds where the canary's bits did, on the time axis."""
    within = [mark for mark in environment if times[0] <= mark.created <= times[-1]]
    found = []
    if within:
        texts = [chart_text(", ".join(mark.changes)) for mark in within]
        found.append(_mark("environment changed", [mark.created for mark in within], texts, bottom, "triangle-up"))
    if numerics:
        texts = [chart_text(mark.says) for mark in numerics]
        found.append(_mark("numerics changed", [mark.at for mark in numerics], texts, bottom, "diamond"))
    return found


def _mark(name: str, times: Sequence[str], texts: Sequence[str], bottom: float, symbol: str) -> Figure:
    color = "--open" if symbol == "diamond" else "--odd"
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": list(times),
        "y": [bottom] * len(times),
        "text": list(texts),
        "cliponaxis": False,
        "marker": {"symbol": symbol, "size": 11, "color": color, "line": {"color": "--surface", "width": 1}},
        "hovertemplate": f"%{{x|%Y-%m-%d}} {name}: %{{text}}<extra></extra>",
    }
