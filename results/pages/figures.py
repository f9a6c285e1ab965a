"""Charts as plain plotly figures. A colour is the name of a variable of the style sheet; `report.js` puts it in."""

from __future__ import annotations

import math
from collections.abc import Sequence

from trainband.results.metric_bands import MetricBand
from trainband.results.metrics import distance_to_scale, from_scale, worse_side
from trainband.results.pages.dots import stacked
from trainband.results.pages.figure_parts import (
    Figure,
    axes_layout,
    axis_title,
    band_edges,
    finite_on_axis,
    on_axis,
    padded_span,
    rectangle,
    segment,
)
from trainband.results.pages.run_extras import TraceFacts
from trainband.results.records import Throughput

_SEEDS, _RUNS, _MARGIN, _FOUND, _PUBLISHED = 0.0, 1.35, 2.0, 2.5, 3.0


# Calibration seeds


def distribution(band: MetricBand, seeds: Sequence[float], runs: Sequence[float], published: Sequence[float]) -> Figure:
    """Calibration seeds as stacked dots over the band, this cell's runs (newest first) and the losses above them."""
    unit = band.unit
    edges = band_edges(band, unit)
    losses = [(_MARGIN, "margin", band.margin.value), (_FOUND, "found loss", band.detectable_drop)]
    drops = [(y, label, on_axis(_worse_by(band, loss), unit)) for y, label, loss in losses if loss is not None]
    center = on_axis(band.center, unit)
    low, high = padded_span(
        [
            *edges,
            *finite_on_axis(seeds, unit),
            *finite_on_axis(runs, unit),
            *finite_on_axis(published, unit),
            *(d for *_, d in drops if d),
        ]
    )
    lower = low if band.lower_cannot_fail else edges[0]
    upper = high if band.upper_cannot_fail else edges[1]
    axes = ("x", "paper")
    shapes = [rectangle(axes, (lower, 0, upper, 1), "--band-faint")]
    for edge, open_end in ((lower, band.lower_cannot_fail), (upper, band.upper_cannot_fail)):
        if not open_end:
            shapes.append(segment(axes, (edge, 0, edge, 1), "--band-line", "dash"))
    shapes.append(segment(axes, (center, 0, center, 1), "--line", "dot"))
    rows = [(_SEEDS + 0.3, "seeds"), (_RUNS, "runs"), *((y, label) for y, label, _ in drops)]
    rows += [(_PUBLISHED, "published")] if published else []
    traces = [_seed_dots(finite_on_axis(seeds, unit)), *_run_dots(finite_on_axis(runs, unit))]
    traces += [_loss_line(y, label, [center, drop]) for y, label, drop in drops]
    traces += (
        [_marks(finite_on_axis(published, unit), _PUBLISHED, "published", "star", "--odd", 11)] if published else []
    )
    x = {
        "title": axis_title(band.name),
        "range": [low, high],
        "ticksuffix": "%" if unit == "fraction" else "",
        "nticks": 6,
    }
    y = {
        "tickvals": [place for place, _ in rows],
        "ticktext": [label for _, label in rows],
        "range": [-0.25, (_PUBLISHED if published else _FOUND) + 0.4],
        "showgrid": False,
        "ticks": "",
    }
    return {"data": traces, "layout": axes_layout(x, y, shapes=shapes, showlegend=False)}


def _worse_by(band: MetricBand, loss: float) -> float:
    distance = distance_to_scale(band, loss)
    return from_scale(band, band.mean - distance if worse_side(band) == "lower" else band.mean + distance)


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
        shapes.append(segment(("paper", "y"), (0, median, 1, median), "--ink", "dash"))
    bars = {
        "type": "bar",
        "x": list(range(1, len(speeds) + 1)),
        "y": speeds,
        "marker": {"color": colors, "line": {"width": 0}},
        "hovertemplate": f"window %{{x}}: %{{y:,.0f}} {unit}<extra></extra>",
    }
    layout = axes_layout(
        {"title": axis_title("window")}, {"title": axis_title(unit), "rangemode": "tozero"}, shapes=shapes
    )
    return {"data": [bars], "layout": {**layout, "bargap": 0.25, "showlegend": False}}


# Trace


def trace(facts: TraceFacts) -> Figure | None:
    """Loss and gradient norm of the steps, each on an axis of its own."""
    if not facts.steps:
        return None
    y2 = {"title": axis_title("gradient norm"), "overlaying": "y", "side": "right", "showgrid": False}
    layout = axes_layout({"title": axis_title("step")}, {"title": axis_title("training loss")})
    base = {"zeroline": False, "fixedrange": True, "automargin": True, "linecolor": "--line", "tickcolor": "--line"}
    lines = [
        _steps_line("training loss", facts.steps, facts.losses, "--series", "y"),
        _steps_line("gradient norm", facts.steps, facts.gradient_norms, "--seed", "y2"),
    ]
    return {"data": lines, "layout": {**layout, "yaxis2": {**base, **y2}}}


def _steps_line(name: str, steps: Sequence[int], values: Sequence[float | None], color: str, axis: str) -> Figure:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": list(steps),
        "y": list(values),
        "yaxis": axis,
        "line": {"color": color, "width": 1.5, "dash": "solid" if axis == "y" else "dot"},
        "hovertemplate": f"step %{{x}}: %{{y:.5~g}}<extra>{name}</extra>",
    }
