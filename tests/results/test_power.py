"""What the two stages promise, by hand, by the model and by simulate_bands."""

from __future__ import annotations

import math

import numpy as np
import pytest
import simulate_bands
from scipy import stats

from trainband.results.power import (
    NormalBand,
    detectable_drop,
    expected_false_fails,
    false_diverged_rate,
    false_fail_rate,
    find_probability,
    fire_probability,
)
from trainband.results.statistics import tolerance_factor

K = tolerance_factor(20)
BAND = NormalBand(mean=0.0, sd=1.0, n=20, lower=-K, upper=K)
CLIPPED = NormalBand(mean=0.0, sd=1.0, n=20, lower=-K, upper=math.inf)


def test_one_night_fires_with_the_product_of_both_stages() -> None:
    # A drop of 3 sd: the run must be below -2.752, the mean of two fresh ones (sd 0.7071) below -1.883.
    by_hand = stats.norm.cdf(-2.752 + 3.0) * stats.norm.cdf((-1.8833 + 3.0) / math.sqrt(0.5))
    assert fire_probability(BAND, "lower", true_mean=-3.0, true_sd=1.0) == pytest.approx(by_hand, rel=1e-3)


def test_a_side_that_cannot_fail_never_fires_and_finds_no_drop() -> None:
    assert fire_probability(CLIPPED, "upper", true_mean=9.0, true_sd=1.0) == 0.0
    assert detectable_drop(CLIPPED, "upper", sd_upper=1.28) is None
    assert false_fail_rate(CLIPPED).mean == pytest.approx(false_fail_rate(BAND).mean / 2.0)


def test_twenty_seeds_keep_the_promise_for_400_checks_and_a_3_sd_drop() -> None:
    assert expected_false_fails([false_fail_rate(BAND).mean] * 400) == pytest.approx(0.2, abs=0.01)
    found = [find_probability(BAND, "lower", drop_sd=3.0, nights=nights) for nights in (1, 3, 7)]
    assert found == pytest.approx([0.57, 0.87, 0.97], abs=0.005)


def test_the_range_of_false_fails_holds_what_is_likely_and_not_the_mean_alone() -> None:
    rate = false_fail_rate(BAND)
    assert 0.0 < rate.low < rate.mean < rate.high < 0.01


@pytest.mark.parametrize(("nights", "drop_sd"), [(1, 3.0), (3, 3.0), (7, 3.0), (7, 2.0)])
def test_simulated_drops_are_found_as_often_as_computed(nights: int, drop_sd: float) -> None:
    share = simulate_bands.fired_share(n=20, drop_sd=drop_sd, nights=nights, calibrations=20_000, seed=nights)
    computed = find_probability(BAND, "lower", drop_sd=drop_sd, nights=nights)
    assert abs(share.value - computed) < 4.0 * share.error


def test_simulated_false_fails_are_as_rare_as_computed() -> None:
    share = simulate_bands.fired_share(n=20, drop_sd=0.0, nights=1, calibrations=200_000, seed=7, both_sides=True)
    assert abs(share.value - false_fail_rate(BAND).mean) < 4.0 * share.error
    assert 400 * share.value < 0.35


def test_mean_plus_minus_three_sd_of_five_runs_would_fire_far_more_often() -> None:
    rng = np.random.default_rng(5)
    values, run = rng.standard_normal((100_000, 5)), rng.standard_normal(100_000)
    outside = np.abs(run - values.mean(axis=1)) > 3.0 * values.std(axis=1, ddof=1)
    assert outside.mean() == pytest.approx(0.052, abs=0.003)


@pytest.mark.parametrize("sd_upper", [1.0, 1.28])
def test_the_detectable_drop_is_found_with_80_percent_in_seven_nights(sd_upper: float) -> None:
    drop = detectable_drop(BAND, "lower", sd_upper=sd_upper)
    assert drop is not None
    night = fire_probability(BAND, "lower", true_mean=-drop, true_sd=sd_upper)
    assert 1.0 - (1.0 - night) ** 7 == pytest.approx(0.8, abs=1e-6)
    assert detectable_drop(BAND, "upper", sd_upper=sd_upper) == pytest.approx(drop)


def test_non_convergence_at_its_calibrated_rate_is_seldom_called_diverged() -> None:
    # 1 of 20: the run and at least one of two fresh ones: 0.05 x (1 - 0.95^2)
    assert false_diverged_rate(1, 20) == pytest.approx(0.05 * (1 - 0.95**2))
    assert false_diverged_rate(0, 20) == 0.0


def test_a_band_without_spread_is_refused() -> None:
    with pytest.raises(ValueError, match="sd"):
        NormalBand(mean=0.0, sd=0.0, n=20, lower=0.0, upper=0.0)
