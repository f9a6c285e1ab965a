"""Each metric against scikit-learn's on fixed predictions, or worked by hand where it has none."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as reference

from trainband.benchmarks.metric_values import metric_value
from trainband.models.catalog import load_catalog
from trainband.models.specs import PIXEL_SCALE

RNG = np.random.default_rng(5)
LOGITS = RNG.normal(0, 3, (200, 7)).astype(np.float32)
CLASSES = RNG.integers(0, 7, 200).astype(np.int32)
FLAGS = RNG.integers(0, 2, (200, 7)).astype(np.int32)
PICTURES = RNG.integers(0, 256, (20, 4, 5, 1)).astype(np.uint8)
GUESSES = RNG.random((20, 4, 5, 1)).astype(np.float32)
PROBABILITIES = np.exp(LOGITS.astype(float)) / np.exp(LOGITS.astype(float)).sum(axis=1, keepdims=True)
ODDS = 1 / (1 + np.exp(-LOGITS.astype(float)))

EXPECTED = {
    "accuracy": (LOGITS, CLASSES, reference.accuracy_score(CLASSES, LOGITS.argmax(axis=1))),
    "log_loss": (LOGITS, CLASSES, reference.log_loss(CLASSES, PROBABILITIES, labels=range(7))),
    "binary_log_loss": (LOGITS, FLAGS, np.mean([reference.log_loss(FLAGS[:, i], ODDS[:, i]) for i in range(7)])),
    "macro_f1": (LOGITS, FLAGS, reference.f1_score(FLAGS, LOGITS > 0, average="macro")),
    "mean_squared_error": (
        GUESSES,
        PICTURES,
        reference.mean_squared_error((PICTURES * PIXEL_SCALE).ravel(), GUESSES.ravel()),
    ),
    "mean_absolute_error": (
        GUESSES,
        PICTURES,
        reference.mean_absolute_error((PICTURES * PIXEL_SCALE).ravel(), GUESSES.ravel()),
    ),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_it_is_scikit_learns(name: str) -> None:
    outputs, targets, expected = EXPECTED[name]
    assert metric_value(name, outputs, targets) == pytest.approx(expected, rel=1e-9)


def test_every_metric_of_the_catalog_is_held_to_a_reference() -> None:
    used = {metric.name for model in load_catalog().values() for metric in model.metrics}
    assert used <= {*EXPECTED, "hit_rate_at_10"}


def test_positions_of_a_sequence_count_like_rows() -> None:
    for name in ("accuracy", "log_loss"):
        together = metric_value(name, LOGITS.reshape(50, 4, 7), CLASSES.reshape(50, 4))
        assert together == pytest.approx(metric_value(name, LOGITS, CLASSES), rel=1e-12)


def test_a_label_that_is_never_predicted_or_never_true_has_f1_of_zero() -> None:
    logits = np.array([[1.0, -1.0, -1.0], [1.0, -1.0, 1.0]], np.float32)
    labels = np.array([[1, 1, 0], [1, 0, 0]], np.int32)
    assert metric_value("macro_f1", logits, labels) == pytest.approx(1 / 3)


@pytest.mark.parametrize(("place", "hit"), [(1, 1.0), (10, 1.0), (11, 0.0), (100, 0.0)])
def test_a_user_is_hit_where_the_held_out_item_is_among_the_ten_best(place: int, hit: float) -> None:
    logits = -np.arange(100, dtype=np.float32)[:, None]
    labels = np.zeros((100, 1), np.int32)
    labels[place - 1] = 1
    assert metric_value("hit_rate_at_10", logits, labels) == hit


def test_hits_are_averaged_over_users_and_a_tie_counts_against_the_item() -> None:
    labels = np.zeros((200, 1), np.int32)
    labels[[0, 100]] = 1
    logits = np.zeros((200, 1), np.float32)
    assert metric_value("hit_rate_at_10", logits, labels) == 0.0
    logits[0] = 1.0
    assert metric_value("hit_rate_at_10", logits, labels) == 0.5


def test_candidates_without_exactly_one_held_out_item_are_refused() -> None:
    with pytest.raises(ValueError, match="exactly one"):
        metric_value("hit_rate_at_10", np.zeros((100, 1), np.float32), np.zeros((100, 1), np.int32))


@pytest.mark.parametrize("name", [*EXPECTED, "hit_rate_at_10"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_an_output_that_is_not_finite_gives_nan(name: str, bad: float) -> None:
    outputs, targets, _ = EXPECTED.get(name, (np.zeros((100, 1), np.float32), np.eye(100, 1, dtype=np.int32), 0.0))
    outputs = outputs.copy()
    outputs.flat[3] = bad
    assert np.isnan(metric_value(name, outputs, targets))
