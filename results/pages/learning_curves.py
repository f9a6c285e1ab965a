"""Learning curves as a plotly figure."""

from __future__ import annotations

from collections.abc import Sequence

from trainband.results.metric_bands import MetricBand
from trainband.results.pages.fan import Fan, Leaving
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
from trainband.results.pages.shown_runs import Curve, ShownRun

_EPOCHS_TICKED = 12


def learning_curve(
    name: str, unit: str, runs: Sequence[ShownRun], band: MetricBand | None, fan: Fan | None = None
) -> Figure | None:
    """The metric after each evaluation: the first of `runs` in full, the others faint, the band at the end, the fan behind.

    The axis leaves out the untrained model, beside which no band could be seen.
    """
    curves = [run.curves[name] for run in runs if name in run.curves]
    if not curves:
        return None
    by_epoch = all(len(set(curve.epochs)) == len(curve) for curve in curves)
    traces = [
        *(_fan(fan, unit, by_epoch) if fan is not None else ()),
        *_faint(unit, curves[1:], by_epoch),
        _newest(unit, curves[0], by_epoch),
        *(_left(unit, fan.left, by_epoch) if fan is not None and fan.left is not None else ()),
    ]
    last = max(_x(curve, by_epoch)[-1] for curve in curves)
    edges = band_edges(band, unit)
    trained = [
        value
        for curve in curves
        for step, measured in zip(curve.steps, curve.values, strict=True)
        if step > 0 and (value := on_axis(measured, unit)) is not None
    ]
    bottom, top = padded_span([*trained, *edges])
    if band is not None and band.lower_cannot_fail:
        bottom = min(bottom, edges[0])
    y = {"title": axis_title(name), "range": [bottom, top], "ticksuffix": "%" if unit == "fraction" else ""}
    x = {"title": axis_title("epoch" if by_epoch else "step"), "range": [-0.02 * last, 1.07 * last or 1], "nticks": 8}
    if by_epoch and last <= _EPOCHS_TICKED:
        x["dtick"] = 1
    return {"data": traces, "layout": axes_layout(x, y, shapes=_band_shapes(band, edges, last, (bottom, top)))}


def _x(curve: Curve, by_epoch: bool) -> Sequence[int]:
    return curve.epochs if by_epoch else curve.steps


def _newest(unit: str, curve: Curve, by_epoch: bool) -> Figure:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": "this run",
        "x": list(_x(curve, by_epoch)),
        "y": [on_axis(value, unit) for value in curve.values],
        "line": {"color": "--series", "width": 2.5},
        "marker": {"color": "--series", "size": 7},
        "hovertemplate": f"%{{x}}: %{{y:.5~g}}{'%' if unit == 'fraction' else ''}<extra></extra>",
    }


def _faint(unit: str, curves: Sequence[Curve], by_epoch: bool) -> list[Figure]:
    x: list[int | None] = []
    y: list[float | None] = []
    for curve in curves:
        x += [*_x(curve, by_epoch), None]
        y += [*(on_axis(value, unit) for value in curve.values), None]
    if not x:
        return []
    label = f"{len(curves)} other run" + ("s" if len(curves) > 1 else "")
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


def _left(unit: str, point: Leaving, by_epoch: bool) -> list[Figure]:
    """Where the run left the fan."""
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "name": f"leaves the fan at step {point.step:,}",
            "x": [point.epoch if by_epoch else point.step],
            "y": [on_axis(point.value, unit)],
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
