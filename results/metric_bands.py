"""The band of one metric: mean, sd with its floors, bounds, margin and what the bounds can find."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, stdev
from typing import Any, Literal

from trainband.results.margins import Margin, margin_of
from trainband.results.metrics import (
    MetricSpec,
    distance_from_scale,
    distance_to_scale,
    error_rate,
    from_scale,
    metric_form,
    to_scale,
    worse_side,
)
from trainband.results.power import FalseFailRate, NormalBand, detectable_drop, false_fail_rate
from trainband.results.statistics import (
    CONFIDENCE,
    COVERAGE,
    SD_CONFIDENCE,
    fresh_seeds_for_margin,
    sd_upper_factor,
    tolerance_factor,
)

METHOD = "two-sided normal tolerance interval (Howe 1969): mean +- factor x sd"
METHOD_LOG = METHOD + ", on the natural logarithm of the metric"


class NoSpread(ValueError):
    """The values of a metric have no usable spread, so no interval can be drawn."""


@dataclass(frozen=True, kw_only=True)
class MetricBand:
    """One metric's closed interval [lower, upper] and everything that it was made from.

    Attributes:
      n: converged seeds behind mean and sd.
      center: the mean in the metric's unit (the geometric mean on a log scale).
      mean, sample_sd, sd, sd_upper: on the metric's scale: its unit, or natural logarithms on a log scale.
      floors: what the sd was not taken below; `sd` is the largest of these and `sample_sd`.
      sd_upper: upper 90% limit of the sd, at least the floors; fresh runs are taken to scatter so.
      lower_cannot_fail, upper_cannot_fail: the bound lies at the end of the metric's range.
      margin, detectable_drop: losses in the metric's unit, or ratios minus one on a log scale. `detectable_drop` is
        found with 80% power within a week of nights; None where the worse side cannot fail.
      fresh_seeds_for_margin: runs whose mean tells a loss of one margin; None where 100 do not.
    """

    name: str
    unit: str
    direction: Literal["higher", "lower"]
    scale: Literal["linear", "log"]
    minimum: float
    maximum: float
    proportion: bool
    n: int
    center: float
    mean: float
    sample_sd: float
    floors: Mapping[str, float]
    sd: float
    sd_upper: float
    method: str
    coverage: float
    confidence: float
    factor: float
    lower: float
    upper: float
    lower_cannot_fail: bool
    upper_cannot_fail: bool
    margin: Margin
    detectable_drop: float | None
    false_fail_rate: FalseFailRate
    fresh_seeds_for_margin: int | None


def metric_band(metric: MetricSpec, values: Sequence[float], *, n_test: int, smallest_drop: float | None) -> MetricBand:
    """The band of `metric` from the values of the converged seeds, at least two.

    Raises:
      NoSpread: all values are equal and nothing floors their sd, or a value has no logarithm on a log scale.
    """
    scaled = [to_scale(metric, value) for value in values]
    if not all(map(math.isfinite, scaled)):
        raise NoSpread(f"{metric.name}: a value of 0 or below has no place on a log scale")
    mean, sample_sd = fmean(scaled), stdev(scaled)
    floors = _floors(metric, mean, n_test)
    sd = max(sample_sd, *floors.values()) if floors else sample_sd
    if sd <= 0.0:
        raise NoSpread(f"{metric.name}: all {len(values)} values are {values[0]}; no sd, so no interval")
    normal = _clipped(metric, mean=mean, sd=sd, n=len(values))
    sd_upper = max(sample_sd * sd_upper_factor(len(values), confidence=SD_CONFIDENCE), sd)
    margin = margin_of(metric, mean=mean, sd=sd, n_test=n_test, declared=smallest_drop)
    drop = detectable_drop(normal, worse_side(metric), sd_upper=sd_upper)
    return MetricBand(
        **asdict(metric_form(metric)),
        **_interval(metric, normal),
        n=len(values),
        center=from_scale(metric, mean),
        mean=mean,
        sample_sd=sample_sd,
        floors=floors,
        sd=sd,
        sd_upper=sd_upper,
        margin=margin,
        detectable_drop=None if drop is None else distance_from_scale(metric, drop),
        false_fail_rate=false_fail_rate(normal),
        fresh_seeds_for_margin=fresh_seeds_for_margin(distance_to_scale(metric, margin.value), sd_upper, len(values)),
    )


def _interval(metric: MetricSpec, normal: NormalBand) -> dict[str, Any]:
    """How the interval was drawn, and its bounds in the metric's unit."""
    return {
        "method": METHOD_LOG if metric.scale == "log" else METHOD,
        "coverage": COVERAGE,
        "confidence": CONFIDENCE,
        "factor": tolerance_factor(normal.n),
        "lower": from_scale(metric, normal.lower) if normal.can_fail("lower") else float(metric.minimum),
        "upper": from_scale(metric, normal.upper) if normal.can_fail("upper") else float(metric.maximum),
        "lower_cannot_fail": not normal.can_fail("lower"),
        "upper_cannot_fail": not normal.can_fail("upper"),
    }


def _floors(metric: MetricSpec, mean: float, n_test: int) -> dict[str, float]:
    """Seed noise of a share of `n_test` rows is not below sqrt(err / 2 n_test), nor below half a row."""
    if not metric.proportion:
        return {}
    return {
        "sqrt(error rate / (2 n_test))": math.sqrt(max(0.0, error_rate(metric, mean)) / (2.0 * n_test)),
        "half a test example": 0.5 / n_test,
    }


def _clipped(metric: MetricSpec, *, mean: float, sd: float, n: int) -> NormalBand:
    width = tolerance_factor(n) * sd
    lower, upper = mean - width, mean + width
    return NormalBand(
        mean=mean,
        sd=sd,
        n=n,
        lower=lower if lower > to_scale(metric, metric.minimum) else -math.inf,
        upper=upper if upper < to_scale(metric, metric.maximum) else math.inf,
    )


def normal_band(band: MetricBand) -> NormalBand:
    """`band` on its scale, as power and stage 2 use it."""
    return NormalBand(
        mean=band.mean,
        sd=band.sd,
        n=band.n,
        lower=-math.inf if band.lower_cannot_fail else to_scale(band, band.lower),
        upper=math.inf if band.upper_cannot_fail else to_scale(band, band.upper),
    )


def inside(band: MetricBand, value: float) -> bool:
    """Whether `value` is in the closed interval; NaN never is."""
    return band.lower <= value <= band.upper
