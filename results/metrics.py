"""Arithmetic on a metric's own axis: its scale, its better end, and what is inside its range."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

from trainband.results.statistics import Side


class MetricSpec(Protocol):
    """What results need to know of a metric; the catalog's metrics have this form."""

    @property
    def name(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def direction(self) -> Literal["higher", "lower"]: ...
    @property
    def scale(self) -> Literal["linear", "log"]: ...
    @property
    def minimum(self) -> float: ...
    @property
    def maximum(self) -> float: ...
    @property
    def proportion(self) -> bool: ...


@dataclass(frozen=True, kw_only=True)
class MetricForm:
    """A `MetricSpec` as it is stored in a band file."""

    name: str
    unit: str
    direction: Literal["higher", "lower"]
    scale: Literal["linear", "log"]
    minimum: float
    maximum: float
    proportion: bool


def metric_form(metric: MetricSpec) -> MetricForm:
    """The stored form of `metric`."""
    return MetricForm(
        name=metric.name,
        unit=metric.unit,
        direction=metric.direction,
        scale=metric.scale,
        minimum=float(metric.minimum),
        maximum=float(metric.maximum),
        proportion=metric.proportion,
    )


def to_scale(metric: MetricSpec, value: float) -> float:
    """`value` on the metric's scale; the logarithm of 0 is -inf, of a negative number NaN."""
    if metric.scale == "linear" or not math.isfinite(value):
        return value
    if value > 0.0:
        return math.log(value)
    return -math.inf if value == 0.0 else math.nan


def from_scale(metric: MetricSpec, value: float) -> float:
    """The inverse of `to_scale`."""
    return math.exp(value) if metric.scale == "log" else value


def distance_from_scale(metric: MetricSpec, distance: float) -> float:
    """A distance on the scale as recipes state losses: in the unit, or as a ratio minus one on a log scale."""
    return math.expm1(distance) if metric.scale == "log" else distance


def distance_to_scale(metric: MetricSpec, distance: float) -> float:
    """The inverse of `distance_from_scale`."""
    return math.log1p(distance) if metric.scale == "log" else distance


def worse_side(metric: MetricSpec) -> Side:
    """The side of the band on which a worse run lies."""
    return "lower" if metric.direction == "higher" else "upper"


def better(metric: MetricSpec, value: float, than: float) -> bool:
    """Whether `value` is strictly better than `than`."""
    return value > than if metric.direction == "higher" else value < than


def error_rate(metric: MetricSpec, mean: float) -> float:
    """The share of failures of a proportion whose mean is `mean`."""
    return metric.maximum - mean if metric.direction == "higher" else mean - metric.minimum


def in_range(metric: MetricSpec, value: float) -> bool:
    """Whether a finite `value` is one that the metric can take at all."""
    return metric.minimum <= value <= metric.maximum


def names(metrics: Iterable[MetricSpec]) -> tuple[str, ...]:
    """The metrics' names, in order."""
    return tuple(metric.name for metric in metrics)
