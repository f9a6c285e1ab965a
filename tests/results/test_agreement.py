"""What two runs may differ by: a hand-worked limit, its rate by simulation, and both scales."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from trainband.results.agreement import agreement
from trainband.results.band_files import read_band
from trainband.results.records import Measurement, MetricValue, Record
from trainband.results.statistics import repeat_limit

BAND = Path(__file__).resolve().parents[2] / "results" / "reference" / "mlp_digits" / "smoke.json"


def measured(make_record: Callable[..., Record], **values: float) -> Measurement:
    measurement = make_record("run").measurement
    assert measurement is not None
    metrics = {
        name: MetricValue(value=value, unit="", direction="higher", aggregation="") for name, value in values.items()
    }
    return replace(measurement, quality=replace(measurement.quality, metrics=metrics))


def test_the_limit_of_a_hand_worked_sd() -> None:
    assert repeat_limit(0.01, 20, metrics=1) == pytest.approx(0.01 * 2.0930 * math.sqrt(2), rel=1e-4)
    assert repeat_limit(0.01, 20, metrics=2) == pytest.approx(0.01 * 2.4334 * math.sqrt(2), rel=1e-4)


def test_healthy_pairs_keep_all_limits_in_95_of_100_cases() -> None:
    rng = np.random.default_rng(0)
    cases, n, metrics = 20_000, 20, 2
    sds = rng.normal(size=(cases, n, metrics)).std(axis=1, ddof=1)
    pairs = np.abs(np.diff(rng.normal(size=(cases, 2, metrics)), axis=1))[:, 0]
    kept = (pairs <= sds * repeat_limit(1.0, n, metrics=metrics)).all(axis=1).mean()
    assert kept == pytest.approx(0.95, abs=0.006)


def test_each_metric_is_compared_on_its_own_scale(make_record: Callable[..., Record]) -> None:
    band = read_band(BAND)
    limits = {m.name: repeat_limit(m.sd, m.n, metrics=2) for m in band.metrics}
    a = measured(make_record, accuracy=0.96, log_loss=0.25)
    b = measured(
        make_record, accuracy=0.96 + 0.99 * limits["accuracy"], log_loss=0.25 * math.exp(1.01 * limits["log_loss"])
    )
    accuracy, log_loss = agreement(a, b, band)
    assert (accuracy.name, accuracy.scale, accuracy.within) == ("accuracy", "linear", True)
    assert (log_loss.name, log_loss.scale, log_loss.within) == ("log_loss", "log", False)
    assert accuracy.difference == pytest.approx(0.99 * limits["accuracy"])
    assert log_loss.difference == pytest.approx(1.01 * limits["log_loss"])
    assert accuracy.values == (0.96, b.quality.metrics["accuracy"].value)


def test_a_run_that_diverged_agrees_with_nothing(make_record: Callable[..., Record]) -> None:
    nan = measured(make_record, accuracy=0.96, log_loss=math.nan)
    assert [metric.within for metric in agreement(nan, nan, read_band(BAND))] == [True, False]
