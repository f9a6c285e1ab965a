"""Learning curves as a plotly figure."""

from __future__ import annotations

from collections.abc import Sequence

from trainband.results.metric_bands import MetricBand
from trainband.results.pages.fan import Fan
from trainband.results.pages.figure_parts import (
    Figure,
    axes_layout,
    axis_title,
    band_edges,
    on_axis,
    padded_span,
    rectangle,
    segment,
)
from trainband.results.records import CurvePoint, Record

_EPOCHS_TICKED = 12


def learning_curve(
    name: str, unit: str, runs: Sequence[Record], band: MetricBand | None, fan: Fan | None = None
) -> Figure | None:
    """The metric after each evaluation: the first of `runs` in full, the others faint, the band at the end, the fan behind.

    The axis leaves out the untrained model, beside which no band could be seen.
    """
    curves = [(run.run_id, run.measurement.quality.curve) for run in runs if run.measurement is not None]
    curves = [(run_id, curve) for run_id, curve in curves if any(name in point.metrics for point in curve)]
    if not curves:
        return None
    by_epoch = all(len({p.epoch for p in curve}) == len(curve) for _, curve in curves)
    traces = [
        *(_fan(fan, unit, by_epoch) if fan is not None else ()),
        *_faint(name, unit, curves[1:], by_epoch),
        _newest(name, unit, curves[0], by_epoch),
        *(_left(name, unit, fan.left, by_epoch) if fan is not None and fan.left is not None else ()),
    ]
    last = max(_x(curve[-1], by_epoch) for _, curve in curves)
    edges = band_edges(band, unit)
    trained = [
        value
        for _, curve in curves
        for point in curve
        if point.step > 0 and (value := on_axis(point.metrics.get(name), unit)) is not None
    ]
    bottom, top = padded_span([*trained, *edges])
    if band is not None and band.lower_cannot_fail:
        bottom = min(bottom, edges[0])
    y = {"title": axis_title(name), "range": [bottom, top], "ticksuffix": "%" if unit == "fraction" else ""}
    x = {"title": axis_title("epoch" if by_epoch else "step"), "range": [-0.02 * last, 1.07 * last or 1], "nticks": 8}
    if by_epoch and last <= _EPOCHS_TICKED:
        x["dtick"] = 1
    return {"data": traces, "layout": axes_layout(x, y, shapes=_band_shapes(band, edges, last, (bottom, top)))}


def _x(point: CurvePoint, by_epoch: bool) -> int:
    return point.epoch if by_epoch else point.step


def _newest(name: str, unit: str, run: tuple[str, Sequence[CurvePoint]], by_epoch: bool) -> Figure:
    points = [point for point in run[1] if name in point.metrics]
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": "this run",
        "x": [_x(point, by_epoch) for point in points],
        "y": [on_axis(point.metrics[name], unit) for point in points],
        "line": {"color": "--series", "width": 2.5},
        "marker": {"color": "--series", "size": 7},
        "hovertemplate": f"%{{x}}: %{{y:.5~g}}{'%' if unit == 'fraction' else ''}<extra></extra>",
    }


def _faint(name: str, unit: str, runs: Sequence[tuple[str, Sequence[CurvePoint]]], by_epoch: bool) -> list[Figure]:
    x: list[int | None] = []
    y: list[float | None] = []
    for _, curve in runs:
        points = [point for point in curve if name in point.metrics]
        x += [*(_x(point, by_epoch) for point in points), None]
        y += [*(on_axis(point.metrics[name], unit) for point in points), None]
    if not x:
        return []
    label = f"{len(runs)} other run" + ("s" if len(runs) > 1 else "")
    line = {"color": "--faint", "width": 1}
    return [{"type": "scatter", "mode": "lines", "name": label, "x": x, "y": y, "line": line, "hoverinfo": "skip"}]


def _fan(fan: Fan, unit: str, by_epoch: bool) -> list[Figure]:
    """The fan as one filled outline: up along its lower edge, back along its upper one."""
    places = [point.epoch if by_epoch else point.step for point in fan.points]
    lower = [on_axis(point.lower, unit) for point in fan.points]
    upper = [on_axis(point.upper, unit) for point in fan.points]
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "name": f"fan of {fan.curves} seeds",
            "x": [*places, *reversed(places)],
            "y": [*lower, *reversed(upper)],
            "fill": "toself",
            "fillcolor": "--fan",
            "line": {"color": "--faint", "width": 1, "dash": "dot"},
            "hoverinfo": "skip",
        }
    ]


def _left(name: str, unit: str, point: CurvePoint, by_epoch: bool) -> list[Figure]:
    """Where the run left the fan."""
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "name": f"leaves the fan at step {point.step:,}",
            "x": [_x(point, by_epoch)],
            "y": [on_axis(point.metrics[name], unit)],
            "marker": {"symbol": "circle-open", "color": "--bad", "size": 16, "line": {"width": 3}},
            "hoverinfo": "skip",
        }
    ]


def _band_shapes(
    band: MetricBand | None, edges: Sequence[float], last: float, span: tuple[float, float]
) -> list[Figure]:
    if band is None or len(edges) < 2:
        return []
    lower = span[0] if band.lower_cannot_fail else edges[0]
    upper = span[1] if band.upper_cannot_fail else edges[1]
    axes = ("paper", "y")
    shapes = [rectangle(axes, (0, lower, 1, upper), "--band-faint")]
    shapes.append(rectangle(("x", "y"), (0.97 * last, lower, 1.07 * last, upper), "--band"))
    for edge, open_end in ((lower, band.lower_cannot_fail), (upper, band.upper_cannot_fail)):
        if not open_end:
            shapes.append(segment(axes, (0, edge, 1, edge), "--band-line", "dash"))
    return shapes
