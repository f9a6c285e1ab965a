"""Factors, limits and bounds of the normal model that bands and verdicts are drawn with.

Every quantile comes from scipy or statsmodels, imported where it is used: listing cells must not pay for them. What the pages
of a store ask for comes from `scipy.special`, of which `scipy.stats` has it: that alone loads in a fifth of the time.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any, Literal

Side = Literal["lower", "upper"]
SIDES: tuple[Side, Side] = ("lower", "upper")

COVERAGE = 0.95
CONFIDENCE = 0.95
SD_CONFIDENCE = 0.90
CONFIRM_ALPHA = 0.01
POWER = 0.80
MOST_FRESH_SEEDS = 100


def _at_least(n: int, least: int, what: str) -> None:
    if n < least:
        raise ValueError(f"{what} = {n}: at least {least} needed")


@functools.cache
def tolerance_factor(n: int, *, coverage: float = COVERAGE, confidence: float = CONFIDENCE, sides: int = 2) -> float:
    """k such that mean +- k sd of `n` normal values holds the share `coverage` of the population with `confidence`.

    Two-sided by Howe's approximation (Howe 1969; within 0.4% of the exact factor at 95% coverage), one-sided exact.

    Args:
      n: calibration values behind mean and sd (ddof 1).
      sides: 2 for an interval, 1 for a single bound.
    """
    from scipy import special

    _at_least(n, 2, "n")
    if sides == 1:
        from scipy import stats

        z = special.ndtri(coverage)
        return float(stats.nct.ppf(confidence, n - 1, z * math.sqrt(n)) / math.sqrt(n))
    if sides != 2:
        raise ValueError(f"sides = {sides}: 1 or 2")
    z = special.ndtri((1.0 + coverage) / 2.0)
    chi_square = 2.0 * special.gammaincinv((n - 1) / 2.0, 1.0 - confidence)
    return float(z * math.sqrt((n - 1) * (1.0 + 1.0 / n) / chi_square))


@functools.cache
def t_quantile(share: float, freedom: int) -> float:
    """The value below which the `share` of Student's t with so many degrees of freedom lies."""
    from scipy import special

    return float(special.stdtrit(freedom, share))


def prediction_factor(n: int, *, fresh: int, alpha: float = CONFIRM_ALPHA) -> float:
    """t such that the mean of `fresh` new runs lies beyond mean +- t sd, on one given side, with probability `alpha`.

    Args:
      n: calibration values behind mean and sd.
    """
    from scipy import stats

    _at_least(n, 2, "n")
    _at_least(fresh, 1, "fresh")
    return float(stats.t.isf(alpha, n - 1) * math.sqrt(1.0 / fresh + 1.0 / n))


@functools.cache
def repeat_limit(sd: float, n: int, *, metrics: int, confidence: float = CONFIDENCE) -> float:
    """What two new runs differ by at most, in all of `metrics` at once, with probability `confidence`.

    Args:
      sd: of `n` calibration values of one of the metrics, on its scale.
    """
    _at_least(n, 2, "n")
    _at_least(metrics, 1, "metrics")
    return -t_quantile((1.0 - confidence) / (2 * metrics), n - 1) * sd * math.sqrt(2.0)


def sd_upper_factor(n: int, *, confidence: float = SD_CONFIDENCE) -> float:
    """Factor from the sd of `n` values to the one-sided upper limit of the population's sd (chi-square)."""
    from scipy import stats

    _at_least(n, 2, "n")
    return math.sqrt((n - 1) / float(stats.chi2.ppf(1.0 - confidence, n - 1)))


def sd_limits(sd: float, n: int, *, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Two-sided limits of the population's sd (chi-square): 24% below and 46% above for n = 20 at 95%."""
    from scipy import stats

    _at_least(n, 2, "n")
    tail = (1.0 - confidence) / 2.0
    upper, lower = (float(stats.chi2.ppf(share, n - 1)) for share in (tail, 1.0 - tail))
    return sd * math.sqrt((n - 1) / lower), sd * math.sqrt((n - 1) / upper)


def rate_upper_limit(count: int, n: int, *, confidence: float = CONFIDENCE) -> float:
    """One-sided Clopper-Pearson upper limit of a rate seen `count` times in `n`: 0 of 20 gives 0.139."""
    return rate_limits(count, n, confidence=2.0 * confidence - 1.0)[1]


def rate_limits(count: int, n: int, *, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Two-sided Clopper-Pearson limits of a rate seen `count` times in `n`: 0 of 20 gives 0 and 0.168."""
    from statsmodels.stats.proportion import proportion_confint

    _at_least(n, 1, "n")
    if not 0 <= count <= n:
        raise ValueError(f"count = {count}: outside 0 to n = {n}")
    lower, upper = proportion_confint(count, n, alpha=1.0 - confidence, method="beta")
    return float(lower), float(upper)


def fresh_seeds_for_margin(
    margin: float, sd: float, n: int, *, power: float = POWER, alpha: float = CONFIRM_ALPHA
) -> int | None:
    """Fresh seeds whose mean tells a loss of `margin` from the `n` calibration values (one-sided t test).

    Args:
      margin, sd: both on the metric's scale.

    Returns:
      The least number with `power` at level `alpha`; None where 100 seeds do not suffice.
    """
    from statsmodels.stats.power import TTestIndPower

    _at_least(n, 2, "n")
    if not (margin > 0 and sd > 0):
        raise ValueError(f"margin = {margin}, sd = {sd}: both must be positive")
    test = TTestIndPower()
    for fresh in range(1, MOST_FRESH_SEEDS + 1):
        if test.power(margin / sd, fresh, alpha, ratio=n / fresh, alternative="larger") >= power:
            return fresh
    return None


@functools.cache
def _pairs(n: int) -> tuple[Any, Any]:
    """The places of all pairs of `n` values, each pair once."""
    import numpy as np

    return np.triu_indices(n, k=1)


def theil_sen(x: Sequence[float], y: Sequence[float], *, confidence: float = CONFIDENCE) -> tuple[float, float, float]:
    """The median slope of all pairs of points, with its limits by Sen (1968): as `scipy.stats.theilslopes`, to the digit.

    Args:
      x: at least two different values.
    """
    import numpy as np
    from scipy import special

    _at_least(len(set(x)), 2, "different x")
    places, values = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    first, second = _pairs(len(places))
    steps = places[second] - places[first]
    apart = steps != 0.0
    slopes = (values[second] - values[first])[apart] / steps[apart]
    ties = [np.unique(each, return_counts=True)[1] for each in (places, values)]
    n = len(values)
    variance = (n * (n - 1) * (2 * n + 5) - sum(int(np.sum(k * (k - 1) * (2 * k + 5))) for k in ties)) / 18.0
    half_width = -special.ndtri((1.0 - confidence) / 2.0) * math.sqrt(variance)
    lower = max(round((len(slopes) - half_width) / 2.0) - 1, 0)
    upper = min(round((len(slopes) + half_width) / 2.0), len(slopes) - 1)
    middle = ((len(slopes) - 1) // 2, len(slopes) // 2)
    placed = np.partition(slopes, sorted({lower, upper, *middle}))
    return float(placed[list(middle)].mean()), float(placed[lower]), float(placed[upper])
