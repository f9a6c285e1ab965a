"""Differences point the same way for every metric, and pairs that are no evidence are refused."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from trainband.results.gate.evidence import CellEvidence
from trainband.results.gate.pairs import GateMetric, Pair, difference, gate_metric
from trainband.results.metrics import MetricForm


def test_a_difference_is_positive_where_the_candidate_is_better(metrics: tuple[MetricForm, MetricForm]) -> None:
    accuracy, log_loss = metrics
    assert difference(accuracy, baseline=0.90, candidate=0.92) == pytest.approx(0.02)
    assert difference(log_loss, baseline=0.20, candidate=0.22) == pytest.approx(-math.log(1.1))
    assert not math.isfinite(difference(log_loss, baseline=0.0, candidate=0.1))


def test_margin_and_floor_are_on_the_metrics_scale(gate_metrics: tuple[GateMetric, GateMetric]) -> None:
    accuracy, log_loss = gate_metrics
    assert (accuracy.margin, accuracy.floor) == (0.03, 0.5 / 360)
    assert (log_loss.margin, log_loss.floor) == (pytest.approx(math.log(1.1)), None)


@pytest.mark.parametrize("margin", [0.0, -0.1, math.nan, math.inf])
def test_a_margin_that_is_none_is_refused(metrics: tuple[MetricForm, MetricForm], margin: float) -> None:
    with pytest.raises(ValueError, match="accuracy: margin = "):
        gate_metric(metrics[0], margin=margin, n_test=360)


def test_a_pair_without_a_finite_difference_did_not_converge() -> None:
    with pytest.raises(ValueError, match=r"pair 3: differences\['log_loss'\] = nan"):
        Pair(index=3, seed=1, bit_equal=False, differences={"log_loss": math.nan})
    assert not Pair(
        index=3, seed=1, bit_equal=False, differences={"log_loss": math.nan}, candidate_converged=False
    ).converged


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"index": 0}, "an index and a seed may stand in one pair only"),
        ({"seed": 1000}, "an index and a seed may stand in one pair only"),
        ({"differences": {"accuracy": 0.0}}, "pair 1: differences has no 'log_loss'"),
    ],
)
def test_pairs_that_would_count_twice_or_half_are_refused(
    make_pairs: Callable[..., tuple[Pair, ...]],
    make_cell: Callable[..., CellEvidence],
    changes: dict[str, Any],
    message: str,
) -> None:
    (first,) = make_pairs([0.0], [0.0])
    second = {"index": 1, "seed": 1001, "bit_equal": False, "differences": dict(first.differences), **changes}
    with pytest.raises(ValueError, match=message):
        make_cell(pairs=(first, Pair(**second)))
