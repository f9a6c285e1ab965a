"""The fan of learning curves: where fresh seeds of a recipe lie after each evaluation, and where a run leaves it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from trainband.results.metric_bands import MetricBand
from trainband.results.pages.shown_runs import Curve, ShownRun
from trainband.results.statistics import t_quantile

LEAST_CURVES = 5
_ERROR = 0.05


@dataclass(frozen=True, kw_only=True)
class FanPoint:
    """After the evaluation at `step`, a further seed lies between `lower` and `upper`, in the metric's unit."""

    epoch: int
    step: int
    lower: float
    upper: float


@dataclass(frozen=True, kw_only=True)
class Leaving:
    """The first evaluation at which a run lies outside, and its value there."""

    epoch: int
    step: int
    value: float


@dataclass(frozen=True, kw_only=True)
class Fan:
    """Attributes:
    curves: runs behind it.
    left: None where the run never leaves it.
    """

    points: tuple[FanPoint, ...]
    curves: int
    left: Leaving | None


def fan_of(name: str, run: ShownRun, others: Sequence[ShownRun], band: MetricBand | None) -> Fan | None:
    """The fan of the healthy runs among `others` that were evaluated where `run` was; None where there are fewer than 5.

    A run like the others lies inside at every evaluation in 95% of cases: prediction intervals, shared out over them.
    """
    wanted = _trained(name, run)
    if not wanted.steps:
        return None
    alike = (_trained(name, other) for other in others if _alike(run, other))
    curves = [curve.values for curve in alike if curve.steps == wanted.steps]
    limits = _limits(curves, band) if len(curves) >= LEAST_CURVES else None
    if limits is None:
        return None
    points = [
        FanPoint(epoch=epoch, step=step, lower=lower, upper=upper)
        for epoch, step, lower, upper in zip(wanted.epochs, wanted.steps, *limits, strict=True)
    ]
    outside = (
        Leaving(epoch=point.epoch, step=point.step, value=value)
        for value, point in zip(wanted.values, points, strict=True)
        if not point.lower <= value <= point.upper
    )
    return Fan(points=tuple(points), curves=len(curves), left=next(outside, None))


def _alike(run: ShownRun, other: ShownRun) -> bool:
    """Whether `other` is another healthy seed of the same recipe."""
    if other.recipe_hash is None or other.run_id == run.run_id or other.faults:
        return False
    return other.seed != run.seed and other.recipe_hash == run.recipe_hash


def _trained(name: str, run: ShownRun) -> Curve:
    """The run's curve without the untrained model."""
    curve = run.curves.get(name, Curve(epochs=[], steps=[], values=[]))
    first = next((place for place, step in enumerate(curve.steps) if step > 0), len(curve))
    return Curve(epochs=curve.epochs[first:], steps=curve.steps[first:], values=curve.values[first:])


def _limits(curves: Sequence[Sequence[float]], band: MetricBand | None) -> tuple[list[float], list[float]] | None:
    """The lower and the upper limit at each evaluation; None where a value has no place on the scale."""
    import numpy as np

    values = np.array(curves, dtype=float)
    log = band is not None and band.scale == "log"
    if not np.isfinite(values).all() or (log and (values <= 0.0).any()):
        return None
    scaled = np.log(values) if log else values
    n, evaluations = scaled.shape
    width = t_quantile(1.0 - _ERROR / 2 / evaluations, n - 1) * math.sqrt(1.0 + 1.0 / n) * scaled.std(axis=0, ddof=1)
    limits = (scaled.mean(axis=0) - width, scaled.mean(axis=0) + width)
    lower, upper = ((np.exp(limit) if log else limit).tolist() for limit in limits)
    return lower, upper
