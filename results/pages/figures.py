"""Charts as plain plotly figures. A colour is the name of a variable of the style sheet; `report.js` puts it in."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from typing import Any

from trainband.results.metric_bands import MetricBand
from trainband.results.metrics import distance_to_scale, from_scale, worse_side
from trainband.results.pages.dots import stacked
from trainband.results.pages.gauges import scale_edges
from trainband.results.records import CurvePoint, Record, Throughput

Figure = dict[str, Any]

_PAD = 0.08
_EPOCHS_TICKED = 12
_SEEDS, _RUNS, _MARGIN, _FOUND, _PUBLISHED = 0.0, 1.35, 2.0, 2.5, 3.0


def _shown(value: float | None, unit: str) -> float | None:
    if value is None or not math.isfinite(value):
        return None
    return 100.0 * value if unit == "fraction" else value


def _layout(x: Figure, y: Figure, **fields: Any) -> Figure:
    axis = {
        "gridcolor": "--grid",
        "linecolor": "--line",
        "zeroline": False,
        "ticks": "outside",
        "tickcolor": "--line",
        "fixedrange": True,
        "automargin": True,
    }
    return {
        "font": {"color": "--ink", "size": 13, "family": "system-ui, sans-serif"},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 8, "r": 12, "t": 8, "b": 8},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "bgcolor": "rgba(0,0,0,0)"},
        "hoverlabel": {"bgcolor": "--surface", "bordercolor": "--line", "font": {"color": "--ink"}},
        "dragmode": False,
        "xaxis": {**axis, **x},
        "yaxis": {**axis, **y},
        **fields,
    }


def _title(text: str) -> Figure:
    return {"text": html.escape(text), "standoff": 8}


def _rectangle(axes: tuple[str, str], box: tuple[Any, Any, Any, Any], color: str) -> Figure:
    x0, y0, x1, y1 = box
    return {
        "type": "rect",
        "xref": axes[0],
        "yref": axes[1],
        "x0": x0,
        "y0": y0,
        "x1": x1,
        "y1": y1,
        "fillcolor": color,
        "line": {"width": 0},
        "layer": "below",
    }


def _segment(axes: tuple[str, str], box: tuple[Any, Any, Any, Any], color: str, dash: str = "solid") -> Figure:
    x0, y0, x1, y1 = box
    line = {"color": color, "width": 1.5, "dash": dash}
    return {
        "type": "line",
        "xref": axes[0],
        "yref": axes[1],
        "x0": x0,
        "y0": y0,
        "x1": x1,
        "y1": y1,
        "line": line,
        "layer": "below",
    }


# Learning curves


def learning_curve(name: str, unit: str, runs: Sequence[Record], band: MetricBand | None) -> Figure | None:
    """The metric after each evaluation: the first of `runs` in full, the others faint, the band at the end.

    The axis leaves out the untrained model, beside which no band could be seen.
    """
    curves = [(run.run_id, run.measurement.quality.curve) for run in runs if run.measurement is not None]
    curves = [(run_id, curve) for run_id, curve in curves if any(name in point.metrics for point in curve)]
    if not curves:
        return None
    by_epoch = all(len({p.epoch for p in curve}) == len(curve) for _, curve in curves)
    traces = [
        trace for trace in (_faint(name, unit, curves[1:], by_epoch), _newest(name, unit, curves[0], by_epoch)) if trace
    ]
    last = max(_x(curve[-1], by_epoch) for _, curve in curves)
    edges = _band_edges(band, unit)
    trained = [
        value
        for _, curve in curves
        for point in curve
        if point.step > 0 and (value := _shown(point.metrics.get(name), unit)) is not None
    ]
    bottom, top = _span([*trained, *edges])
    if band is not None and band.lower_cannot_fail:
        bottom = min(bottom, edges[0])
    y = {"title": _title(name), "range": [bottom, top], "ticksuffix": "%" if unit == "fraction" else ""}
    x = {"title": _title("epoch" if by_epoch else "step"), "range": [-0.02 * last, 1.07 * last or 1], "nticks": 8}
    if by_epoch and last <= _EPOCHS_TICKED:
        x["dtick"] = 1
    return {"data": traces, "layout": _layout(x, y, shapes=_band_shapes(band, edges, last, (bottom, top)))}


def _x(point: CurvePoint, by_epoch: bool) -> int:
    return point.epoch if by_epoch else point.step


def _newest(name: str, unit: str, run: tuple[str, Sequence[CurvePoint]], by_epoch: bool) -> Figure:
    points = [point for point in run[1] if name in point.metrics]
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": "this run",
        "x": [_x(point, by_epoch) for point in points],
        "y": [_shown(point.metrics[name], unit) for point in points],
        "line": {"color": "--series", "width": 2.5},
        "marker": {"color": "--series", "size": 7},
        "hovertemplate": f"%{{x}}: %{{y:.5~g}}{'%' if unit == 'fraction' else ''}<extra></extra>",
    }


def _faint(name: str, unit: str, runs: Sequence[tuple[str, Sequence[CurvePoint]]], by_epoch: bool) -> Figure | None:
    x: list[int | None] = []
    y: list[float | None] = []
    for _, curve in runs:
        points = [point for point in curve if name in point.metrics]
        x += [*(_x(point, by_epoch) for point in points), None]
        y += [*(_shown(point.metrics[name], unit) for point in points), None]
    if not x:
        return None
    label = f"{len(runs)} other run" + ("s" if len(runs) > 1 else "")
    line = {"color": "--faint", "width": 1}
    return {"type": "scatter", "mode": "lines", "name": label, "x": x, "y": y, "line": line, "hoverinfo": "skip"}


def _band_edges(band: MetricBand | None, unit: str) -> list[float]:
    if band is None:
        return []
    return [value for edge in scale_edges(band) if (value := _shown(from_scale(band, edge), unit)) is not None]


def _span(values: Sequence[float]) -> tuple[float, float]:
    if not values:
        return 0.0, 1.0
    low, high = min(values), max(values)
    pad = _PAD * (high - low) or max(abs(high) * _PAD, 1e-6)
    return low - pad, high + pad


def _band_shapes(
    band: MetricBand | None, edges: Sequence[float], last: float, span: tuple[float, float]
) -> list[Figure]:
    if band is None or len(edges) < 2:
        return []
    lower = span[0] if band.lower_cannot_fail else edges[0]
    upper = span[1] if band.upper_cannot_fail else edges[1]
    axes = ("paper", "y")
    shapes = [_rectangle(axes, (0, lower, 1, upper), "--band-faint")]
    shapes.append(_rectangle(("x", "y"), (0.97 * last, lower, 1.07 * last, upper), "--band"))
    for edge, open_end in ((lower, band.lower_cannot_fail), (upper, band.upper_cannot_fail)):
        if not open_end:
            shapes.append(_segment(axes, (0, edge, 1, edge), "--band-line", "dash"))
    return shapes


# Calibration seeds


def distribution(band: MetricBand, seeds: Sequence[float], runs: Sequence[float], published: Sequence[float]) -> Figure:
    """Calibration seeds as stacked dots over the band, this cell's runs (newest first) and the losses above them."""
    unit = band.unit
    edges = _band_edges(band, unit)
    losses = [(_MARGIN, "margin", band.margin.value), (_FOUND, "found loss", band.detectable_drop)]
    drops = [(y, label, _shown(_worse_by(band, loss), unit)) for y, label, loss in losses if loss is not None]
    center = _shown(band.center, unit)
    low, high = _span(
        [*edges, *_finite(seeds, unit), *_finite(runs, unit), *_finite(published, unit), *(d for *_, d in drops if d)]
    )
    lower = low if band.lower_cannot_fail else edges[0]
    upper = high if band.upper_cannot_fail else edges[1]
    axes = ("x", "paper")
    shapes = [_rectangle(axes, (lower, 0, upper, 1), "--band-faint")]
    for edge, open_end in ((lower, band.lower_cannot_fail), (upper, band.upper_cannot_fail)):
        if not open_end:
            shapes.append(_segment(axes, (edge, 0, edge, 1), "--band-line", "dash"))
    shapes.append(_segment(axes, (center, 0, center, 1), "--line", "dot"))
    rows = [(_SEEDS + 0.3, "seeds"), (_RUNS, "runs"), *((y, label) for y, label, _ in drops)]
    rows += [(_PUBLISHED, "published")] if published else []
    traces = [_seed_dots(_finite(seeds, unit)), *_run_dots(_finite(runs, unit))]
    traces += [_loss_line(y, label, [center, drop]) for y, label, drop in drops]
    traces += [_marks(_finite(published, unit), _PUBLISHED, "published", "star", "--odd", 11)] if published else []
    x = {"title": _title(band.name), "range": [low, high], "ticksuffix": "%" if unit == "fraction" else "", "nticks": 6}
    y = {
        "tickvals": [place for place, _ in rows],
        "ticktext": [label for _, label in rows],
        "range": [-0.25, (_PUBLISHED if published else _FOUND) + 0.4],
        "showgrid": False,
        "ticks": "",
    }
    return {"data": traces, "layout": _layout(x, y, shapes=shapes, showlegend=False)}


def _worse_by(band: MetricBand, loss: float) -> float:
    distance = distance_to_scale(band, loss)
    return from_scale(band, band.mean - distance if worse_side(band) == "lower" else band.mean + distance)


def _finite(values: Sequence[float], unit: str) -> list[float]:
    return [shown for value in values if (shown := _shown(value, unit)) is not None]


def _marks(values: Sequence[float], y: float, name: str, symbol: str, color: str, size: int) -> Figure:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": list(values),
        "y": [y] * len(values),
        "marker": {"symbol": symbol, "color": color, "size": size, "line": {"color": "--surface", "width": 1}},
        "hovertemplate": f"{name}: %{{x:.5~g}}<extra></extra>",
    }


def _seed_dots(values: Sequence[float]) -> Figure:
    return {**_marks(values, _SEEDS, "seed", "circle", "--seed", 8), "y": stacked(values, height=0.85)}


def _run_dots(values: Sequence[float]) -> list[Figure]:
    earlier = _marks(values[1:], _RUNS, "earlier run", "circle-open", "--series", 8)
    return [earlier, _marks(values[:1], _RUNS, "newest run", "diamond", "--series", 13)] if values else []


def _loss_line(y: float, name: str, ends: Sequence[float | None]) -> Figure:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "x": list(ends),
        "y": [y, y],
        "line": {"color": "--bad", "width": 2},
        "marker": {"symbol": ["line-ns-open", "arrow"], "size": [10, 11], "color": "--bad", "angleref": "previous"},
        "hovertemplate": f"{name}: %{{x:.5~g}}<extra></extra>",
    }


# Throughput


def windows(throughput: Throughput, batch_size: object) -> Figure | None:
    """Speed of each window in the order of training; warm-up windows are pale."""
    known = isinstance(batch_size, int) and batch_size > 0
    factor, unit = (int(str(batch_size)), "examples per second") if known else (1, "steps per second")
    speeds = [factor * window.steps / window.wall_sec if window.wall_sec > 0 else None for window in throughput.windows]
    if not speeds:
        return None
    colors = ["--faint" if index < throughput.warmup_windows else "--series" for index in range(len(speeds))]
    shapes = []
    if known and throughput.examples_per_sec is not None and math.isfinite(throughput.examples_per_sec):
        median = throughput.examples_per_sec
        shapes.append(_segment(("paper", "y"), (0, median, 1, median), "--ink", "dash"))
    bars = {
        "type": "bar",
        "x": list(range(1, len(speeds) + 1)),
        "y": speeds,
        "marker": {"color": colors, "line": {"width": 0}},
        "hovertemplate": f"window %{{x}}: %{{y:,.0f}} {unit}<extra></extra>",
    }
    layout = _layout({"title": _title("window")}, {"title": _title(unit), "rangemode": "tozero"}, shapes=shapes)
    return {"data": [bars], "layout": {**layout, "bargap": 0.25, "showlegend": False}}
