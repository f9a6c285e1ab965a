"""Factors and limits against published tables and hand-worked numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from trainband.results.statistics import (
    fresh_seeds_for_margin,
    prediction_factor,
    rate_upper_limit,
    sd_limits,
    sd_upper_factor,
    t_quantile,
    theil_sen,
    tolerance_factor,
)

# n: two-sided Howe 95%, two-sided exact 95% and 99%, one-sided 95% and 99%; 95% confidence throughout.
TABLE = {
    5: (5.09, 5.08, 6.60, 4.20, 5.74),
    10: (3.38, 3.39, 4.44, 2.91, 3.98),
    20: (2.75, 2.76, 3.62, 2.40, 3.30),
    30: (2.55, 2.55, 3.35, 2.22, 3.06),
}


@pytest.mark.parametrize("n", TABLE)
def test_tolerance_factors_are_those_of_the_tables(n: int) -> None:
    howe, exact_95, exact_99, one_95, one_99 = TABLE[n]
    assert tolerance_factor(n) == pytest.approx(howe, abs=0.005)
    assert tolerance_factor(n) == pytest.approx(exact_95, rel=0.005)
    assert tolerance_factor(n, coverage=0.99) == pytest.approx(exact_99, rel=0.015)
    assert tolerance_factor(n, sides=1) == pytest.approx(one_95, abs=0.005)
    assert tolerance_factor(n, coverage=0.99, sides=1) == pytest.approx(one_99, abs=0.005)


def test_howes_factor_holds_its_confidence_by_direct_integration() -> None:
    n, k = 20, tolerance_factor(20)

    def confidence_given(z: float) -> float:
        shift = z / math.sqrt(n)
        need = optimize.brentq(lambda r: stats.norm.cdf(shift + r) - stats.norm.cdf(shift - r) - 0.95, 0.0, 10.0)
        return float(stats.norm.pdf(z) * stats.chi2.sf((n - 1) * (need / k) ** 2, n - 1))

    held = 2.0 * integrate.quad(confidence_given, 0.0, 6.0, epsabs=1e-6)[0]
    assert held == pytest.approx(0.95, abs=0.002)


def test_prediction_factor_is_t_times_the_spread_of_a_difference_of_means() -> None:
    # t(19, 1%) = 2.5395; sqrt(1/2 + 1/20) = 0.74162
    assert prediction_factor(20, fresh=2) == pytest.approx(2.5395 * 0.74162, abs=2e-4)


def test_upper_90_percent_limit_of_the_sd_of_20_is_28_percent_up() -> None:
    # chi2(19, 10%) = 11.651
    assert sd_upper_factor(20) == pytest.approx(math.sqrt(19 / 11.651), abs=1e-4)
    assert sd_upper_factor(20) == pytest.approx(1.28, abs=0.005)


def test_no_failure_in_20_shows_a_rate_under_14_percent() -> None:
    assert rate_upper_limit(0, 20) == pytest.approx(1.0 - 0.05 ** (1 / 20))
    assert 0.138 < rate_upper_limit(0, 20) < 0.14
    assert rate_upper_limit(1, 20) == pytest.approx(0.2161, abs=1e-4)
    assert rate_upper_limit(20, 20) == 1.0


def test_an_sd_of_20_values_is_known_within_a_quarter_below_and_a_half_above() -> None:
    assert sd_limits(2.0, 20) == (pytest.approx(2 * 0.7605, abs=1e-3), pytest.approx(2 * 1.4606, abs=1e-3))
    rng = np.random.default_rng(1)
    held = [
        low <= 1.0 <= high for low, high in (sd_limits(sd, 6) for sd in rng.standard_normal((4000, 6)).std(1, ddof=1))
    ]
    assert 0.94 < sum(held) / 4000 < 0.96


def test_seeds_for_a_margin_fall_as_the_margin_grows() -> None:
    assert fresh_seeds_for_margin(3.0, 1.0, 20) == 2
    assert [fresh_seeds_for_margin(d, 1.0, 20) for d in (10.0, 2.0, 1.5)] == [1, 4, 7]
    assert fresh_seeds_for_margin(0.5, 1.0, 20) is None


@pytest.mark.parametrize("n", [2, 17, 90])
@pytest.mark.parametrize("ties", [False, True])
def test_the_slope_of_theil_and_sen_is_that_of_scipy(n: int, ties: bool) -> None:
    rng = np.random.default_rng(n)
    x, y = rng.random(n), rng.standard_normal(n)
    if ties:
        x, y = np.append(x, x[0]), np.append(np.round(y), 0.0)
    expected = stats.theilslopes(y, x, alpha=0.95)
    assert theil_sen(list(x), list(y)) == (expected.slope, expected.low_slope, expected.high_slope)


def test_quantiles_of_t_are_those_of_its_distribution() -> None:
    for share in (0.01, 0.5, 0.999):
        assert t_quantile(share, 19) == stats.t.ppf(share, 19)


@pytest.mark.parametrize(
    "call",
    [
        lambda: theil_sen([1.0, 1.0], [0.0, 1.0]),
        lambda: tolerance_factor(1),
        lambda: tolerance_factor(20, sides=3),
        lambda: prediction_factor(20, fresh=0),
        lambda: rate_upper_limit(3, 2),
        lambda: sd_limits(1.0, 1),
        lambda: fresh_seeds_for_margin(0.0, 1.0, 20),
    ],
)
def test_senseless_arguments_are_refused(call: object) -> None:
    with pytest.raises(ValueError):
        call()  # type: ignore[operator]
