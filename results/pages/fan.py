"""The fan of learning curves: where fresh seeds of a recipe lie after each evaluation, and where a run leaves it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from trainband.results.metric_bands import MetricBand
from trainband.results.records import CurvePoint, Record
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
class Fan:
    """Attributes:
    curves: runs behind it.
    left: the first evaluation at which the run lies outside; None where it never does.
    """

    points: tuple[FanPoint, ...]
    curves: int
    left: CurvePoint | None


def fan_of(name: str, run: Record, others: Sequence[Record], band: MetricBand | None) -> Fan | None:
    """The fan of the healthy runs among `others` that were evaluated where `run` was; None where there are fewer than 5.

    A run like the others lies inside at every evaluation in 95% of cases: prediction intervals, shared out over them.
    """
    wanted = _curve(name, run)
    curves = [
        curve for other in others if _alike(run, other) and _steps(curve := _curve(name, other)) == _steps(wanted)
    ]
    if len(curves) < LEAST_CURVES or not wanted:
        return None
    limits = _limits([[point.metrics[name] for point in curve] for curve in curves], band)
    if limits is None:
        return None
    points = [
        FanPoint(epoch=point.epoch, step=point.step, lower=lower, upper=upper)
        for point, lower, upper in zip(wanted, *limits, strict=True)
    ]
    outside = (
        point
        for point, fan_point in zip(wanted, points, strict=True)
        if not fan_point.lower <= point.metrics[name] <= fan_point.upper
    )
    return Fan(points=tuple(points), curves=len(curves), left=next(outside, None))


def _alike(run: Record, other: Record) -> bool:
    """Whether `other` is another healthy seed of the same recipe."""
    if run.measurement is None or other.measurement is None or other.run_id == run.run_id or other.faults:
        return False
    return other.seed != run.seed and other.measurement.recipe_hash == run.measurement.recipe_hash


def _curve(name: str, run: Record) -> list[CurvePoint]:
    curve = run.measurement.quality.curve if run.measurement is not None else ()
    return [point for point in curve if point.step > 0 and name in point.metrics]


def _steps(curve: Sequence[CurvePoint]) -> list[int]:
    return [point.step for point in curve]


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
