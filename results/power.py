"""What a two-stage band does night after night: false fails of a healthy cell and drops that it finds.

Stage 1 lets a run inside the band pass. Stage 2 trains two fresh seeds and compares their mean, the triggering run left
out, with a prediction bound. Under the normal model a fail on one side has the product of both stages' probabilities.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from trainband.results.statistics import CONFIRM_ALPHA, POWER, SIDES, Side, prediction_factor

FRESH_RUNS = 2
NIGHTS_A_WEEK = 7
_NODES = 121
_FARTHEST_SCORE = 6.0


@dataclass(frozen=True, kw_only=True)
class NormalBand:
    """A calibration as the decision sees it; every number is on the metric's scale (ln for a log metric).

    Attributes:
      sd: the sd that the bounds were drawn with, floors included.
      lower, upper: stage 1's bounds; -inf / inf on a side that cannot fail.
    """

    mean: float
    sd: float
    n: int
    lower: float
    upper: float

    def __post_init__(self) -> None:
        if self.n < 2 or not self.sd > 0:
            raise ValueError(f"band of n = {self.n}, sd = {self.sd}: n must be at least 2 and sd positive")

    def can_fail(self, side: Side) -> bool:
        return math.isfinite(self.lower if side == "lower" else self.upper)

    def confirm_bound(self, side: Side, *, fresh: int = FRESH_RUNS) -> float:
        """Stage 2's bound for the mean of `fresh` runs."""
        width = prediction_factor(self.n, fresh=fresh, alpha=CONFIRM_ALPHA) * self.sd
        return self.mean - width if side == "lower" else self.mean + width


@dataclass(frozen=True, kw_only=True)
class FalseFailRate:
    """Probability that a healthy cell fails on a night, both sides together.

    `mean` is over what the calibration leaves open about the true mean and sd; `low` and `high` are its 10% and 90%
    quantiles.
    """

    mean: float
    low: float
    high: float


def fire_probability(band: NormalBand, side: Side, *, true_mean: Any, true_sd: Any) -> Any:
    """Probability that one night ends in a fail on `side` when runs are normal with these parameters.

    Args:
      true_mean, true_sd: numbers or arrays that broadcast, on the metric's scale.
    """
    from scipy import stats

    if not band.can_fail(side):
        return 0.0 * (true_mean + true_sd)
    tail = stats.norm.cdf if side == "lower" else stats.norm.sf
    edge = band.lower if side == "lower" else band.upper
    trigger = tail((edge - true_mean) / true_sd)
    confirm = tail((band.confirm_bound(side) - true_mean) / (true_sd / math.sqrt(FRESH_RUNS)))
    return trigger * confirm


def _plausible_truths(band: NormalBand) -> tuple[Any, Any, Any]:
    """Grids of true means and sds, and the weight that the calibration leaves each pair (weights sum to 1).

    (mean - true mean) / true sd and sd / true sd are pivots, so an average over these pairs is also the average over
    calibrations. The nodes are even on the normal scale, which puts enough of them into the tails that fire.
    """
    import numpy as np
    from scipy import stats

    scores = np.linspace(-_FARTHEST_SCORE, _FARTHEST_SCORE, _NODES)
    density = stats.norm.pdf(scores)
    weights = np.outer(density, density)
    chi2 = np.where(
        scores < 0.0,
        stats.chi2.ppf(stats.norm.cdf(scores), band.n - 1),
        stats.chi2.isf(stats.norm.sf(scores), band.n - 1),
    )
    true_sd = band.sd * np.sqrt((band.n - 1) / chi2)
    true_mean = band.mean + np.outer(scores, true_sd) / math.sqrt(band.n)
    return true_mean, np.broadcast_to(true_sd, true_mean.shape), weights / weights.sum()


def false_fail_rate(band: NormalBand) -> FalseFailRate:
    """The band's own false fails a night: the average over what the calibration leaves open, and its range."""
    import numpy as np

    means, sds, weights = _plausible_truths(band)
    rates = sum(fire_probability(band, side, true_mean=means, true_sd=sds) for side in SIDES)
    order = np.argsort(rates, axis=None)
    reached = np.cumsum(weights.ravel()[order])
    low, high = np.interp([0.1, 0.9], reached, rates.ravel()[order])
    return FalseFailRate(mean=float(np.sum(weights * rates)), low=float(low), high=float(high))


def find_probability(band: NormalBand, side: Side, *, drop_sd: float, nights: int) -> float:
    """Probability that a shift of `drop_sd` true sd towards `side` fails on at least one of `nights` nights.

    The average over what the calibration leaves open, which is the average over calibrations.
    """
    import numpy as np

    means, sds, weights = _plausible_truths(band)
    shift = -drop_sd * sds if side == "lower" else drop_sd * sds
    one_night = fire_probability(band, side, true_mean=means + shift, true_sd=sds)
    return float(np.sum(weights * (1.0 - (1.0 - one_night) ** nights)))


def detectable_drop(
    band: NormalBand, side: Side, *, sd_upper: float, power: float = POWER, nights: int = NIGHTS_A_WEEK
) -> float | None:
    """The smallest shift towards `side` that fails within `nights` nights with probability `power`.

    Args:
      sd_upper: the sd that fresh runs are taken to have: the upper limit of the calibrated one.

    Returns:
      The shift, positive, on the metric's scale; None where the side cannot fail.
    """
    from scipy import optimize

    if not band.can_fail(side):
        return None
    sign = -1.0 if side == "lower" else 1.0

    def excess(drop: float) -> float:
        one_night = float(fire_probability(band, side, true_mean=band.mean + sign * drop, true_sd=sd_upper))
        return float(-math.expm1(nights * math.log1p(-min(one_night, 1.0 - 1e-15)))) - power

    edge = band.lower if side == "lower" else band.upper
    farthest = max(abs(edge - band.mean), abs(band.confirm_bound(side) - band.mean)) + 10.0 * sd_upper
    if excess(0.0) >= 0.0:
        return 0.0
    return float(optimize.brentq(excess, 0.0, farthest, xtol=1e-12, rtol=1e-10))


def false_diverged_rate(nonconvergent: int, n: int) -> float:
    """Probability that a healthy cell is called diverged on a night: the run and at least one of two fresh ones."""
    rate = nonconvergent / n
    return rate * (1.0 - (1.0 - rate) ** FRESH_RUNS)


def expected_false_fails(rates: Iterable[float]) -> float:
    """Expected false fails from the rates of a sweep's metrics: their sum, never too small where metrics move together."""
    return math.fsum(rates)
