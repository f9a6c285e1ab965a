"""The margin: the largest of four losses, rounded up, with its reason."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from trainband.results.margins import margin_of, round_up
from trainband.results.metrics import MetricForm


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.002, 0.002), (0.00201, 0.0021), (0.1, 0.1), (0.123, 0.13), (0.0999, 0.1), (7.0 * 0.01, 0.07), (1.0 - 0.9, 0.1)],
)
def test_rounding_goes_up_to_two_digits_and_ignores_float_noise(value: float, expected: float) -> None:
    assert round_up(value) == expected


def test_ten_percent_of_the_error_rate(metrics: tuple[MetricForm, MetricForm]) -> None:
    margin = margin_of(metrics[0], mean=0.81, sd=0.001, n_test=10_000, declared=None)
    assert margin.value == 0.019
    assert margin.reason.startswith("10% of the error rate (0.019) is the largest")


def test_seed_noise_when_it_is_large(metrics: tuple[MetricForm, MetricForm]) -> None:
    margin = margin_of(metrics[0], mean=0.99, sd=0.002, n_test=10_000, declared=0.001)
    assert margin.value == 0.003
    assert margin.reason.startswith("1.5 seed sd")


def test_two_examples_of_a_small_test_split(metrics: tuple[MetricForm, MetricForm]) -> None:
    margin = margin_of(metrics[0], mean=0.99, sd=0.002, n_test=360, declared=0.001)
    assert margin.value == 0.0056
    assert margin.reason.startswith("2 test examples (0.00556)")


def test_the_declared_loss_is_kept_to_the_digit(metrics: tuple[MetricForm, MetricForm]) -> None:
    margin = margin_of(metrics[0], mean=0.99, sd=0.002, n_test=360, declared=0.0125)
    assert margin.value == 0.0125
    assert margin.reason.startswith("declared smallest_drop (0.0125)")


def test_on_a_log_scale_losses_are_ratios_minus_one(metrics: tuple[MetricForm, MetricForm]) -> None:
    assert margin_of(metrics[1], mean=math.log(0.25), sd=0.02, n_test=360, declared=None).value == 0.1
    noisy = margin_of(metrics[1], mean=math.log(0.25), sd=0.2, n_test=360, declared=None)
    assert noisy.terms["1.5 seed sd"] == pytest.approx(math.exp(0.3) - 1.0)
    assert noisy.value == 0.35


def test_a_linear_loss_has_ten_percent_of_itself(metrics: tuple[MetricForm, MetricForm]) -> None:
    error = replace(metrics[1], name="mse", scale="linear")
    assert margin_of(error, mean=2.0, sd=0.01, n_test=360, declared=None).value == 0.2
