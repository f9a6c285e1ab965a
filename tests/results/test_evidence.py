"""Evidence grows seed by seed, refuses what does not belong, and says which seeds converged."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from trainband.results.evidence import Evidence, add_sample, classify, start_evidence
from trainband.results.metrics import MetricForm
from trainband.results.records import Record

Metrics = tuple[MetricForm, MetricForm]


def test_samples_stand_by_seed_whatever_order_they_came_in(make_run: Callable[..., Record]) -> None:
    records = [make_run(f"r{seed}", seed=1_000_000 + seed) for seed in (2, 0, 1)]
    evidence = start_evidence(records[0])
    for record, release in zip(records, ("3.15.1", "3.15.1", "3.9.0"), strict=True):
        evidence = add_sample(evidence, record, versions={"keras": release}, host={"cores": 2})
    assert [sample.seed for sample in evidence.samples] == [1_000_000, 1_000_001, 1_000_002]
    assert evidence.versions == {"keras": ("3.15.1", "3.9.0")}
    assert evidence.hosts == {"host": {"cores": 2}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 999_999}, "calibration seeds are 1000000 and up"),
        ({"seed": 1_000_000}, "in the evidence already"),
        ({"outcome": "error"}, "no values to calibrate with"),
        ({"profile": "cpu_jax"}, "profile is 'cpu_jax', the evidence has 'cpu'"),
        ({"recipe_hash": "0" * 64}, "recipe_hash"),
        ({"data": {"digest": "other"}}, "data.digest"),
        ({"faults": ("label_noise",)}, "planted faults label_noise"),
        ({"data": {"shared_rows": 3}}, "shared_rows = 3"),
        ({"measurement": {"trained_examples": 1}}, "trained_examples = 1"),
    ],
)
def test_what_does_not_belong_is_refused(
    make_run: Callable[..., Record], make_evidence: Callable[..., Evidence], changes: dict[str, Any], message: str
) -> None:
    record = make_run("new", **{"seed": 1_000_100, **changes})
    with pytest.raises(ValueError, match=message):
        add_sample(make_evidence(3), record, versions={}, host={})


def test_half_way_is_drawn_from_the_upper_cluster_not_from_failed_runs(
    make_run: Callable[..., Record], metrics: Metrics
) -> None:
    # Untrained 0.1; trained 0.9 three times and 0.1 once: mean 0.7, half-way 0.4, cluster mean 0.9, threshold 0.5.
    evidence = _of(make_run, [0.9, 0.9, 0.9, 0.1])
    samples, threshold = classify(evidence.samples, metrics)
    assert threshold == pytest.approx(0.5)
    assert [sample.converged for sample in samples] == [True, True, True, False]


@pytest.mark.parametrize(("value", "converged"), [(0.49, False), (0.51, True)])
def test_the_threshold_itself_decides(
    make_run: Callable[..., Record], metrics: Metrics, value: float, converged: bool
) -> None:
    # Untrained 0.1 and 400 runs at 0.9 or 0.901 put half-way at 0.50025; the last run moves it by less than 0.002.
    samples, _ = classify(_of(make_run, [0.9 + 1e-3 * (i % 2) for i in range(400)] + [value]).samples, metrics)
    assert samples[-1].converged is converged


def test_a_run_that_met_nan_never_converged_even_with_finite_metrics(
    make_evidence: Callable[..., Evidence], metrics: Metrics
) -> None:
    evidence = make_evidence(5, changes={1: {"log_loss": math.nan}, 3: {"quality": {"diverged_at_step": 7}}})
    samples, threshold = classify(evidence.samples, metrics)
    assert [sample.converged for sample in samples] == [True, False, True, False, True]
    assert threshold == pytest.approx((0.1 + 0.95) / 2, abs=0.01)


def test_without_any_learning_there_is_no_threshold(make_run: Callable[..., Record], metrics: Metrics) -> None:
    samples, threshold = classify(_of(make_run, [0.05, 0.06, 0.05]).samples, metrics)
    assert threshold is None
    assert all(sample.converged for sample in samples)


def test_dates_are_the_first_and_the_last(make_evidence: Callable[..., Evidence]) -> None:
    assert make_evidence(3).dates == ("2026-03-01T04:00:00+00:00", "2026-03-01T04:02:00+00:00")


def _of(make_run: Callable[..., Record], accuracies: list[float]) -> Evidence:
    records = [make_run(f"r{i}", seed=1_000_000 + i, accuracy=value) for i, value in enumerate(accuracies)]
    evidence = start_evidence(records[0])
    for record in records:
        evidence = add_sample(evidence, record, versions={}, host={})
    return evidence
