from __future__ import annotations

import math

import numpy as np
import pytest

from trainband.benchmarks import evaluate as module
from trainband.benchmarks.data.cache import split_digests
from trainband.benchmarks.data.stored import StoredRows
from trainband.benchmarks.digests import array_digest
from trainband.benchmarks.evaluate import evaluate
from trainband.models.metrics import ACCURACY, LOG_LOSS

METRICS = (ACCURACY, LOG_LOSS)


def one_hot_logits(inputs: np.ndarray) -> np.ndarray:
    """Logits that prefer the class that the input's first number names."""
    return (np.eye(3, dtype=np.float32)[inputs[:, 0]]) * 2


INPUTS = np.array([[0], [1], [2], [0], [1]], np.uint8)
LABELS = np.array([0, 1, 2, 1, 1], np.int32)


def test_metrics_of_a_hand_worked_split() -> None:
    result = evaluate(one_hot_logits, StoredRows(INPUTS), LABELS, METRICS, with_digest=False)
    right = math.log(math.exp(2) + 2) - 2
    wrong = math.log(math.exp(2) + 2)
    assert result.metrics["accuracy"] == 0.8
    assert result.metrics["log_loss"] == pytest.approx((4 * right + wrong) / 5, rel=1e-7)
    assert (result.examples, result.digest) == (5, "")


@pytest.mark.parametrize("size", [1, 2, 3, 5, 500])
def test_padding_reaches_no_metric_and_no_digest(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    whole = evaluate(one_hot_logits, StoredRows(INPUTS), LABELS, METRICS, with_digest=True)
    monkeypatch.setattr(module, "MAX_EVAL_BATCH", size)
    sizes = []

    def eval_step(inputs: np.ndarray) -> np.ndarray:
        sizes.append(len(inputs))
        assert inputs.flags.c_contiguous
        return one_hot_logits(inputs)

    assert evaluate(eval_step, StoredRows(INPUTS), LABELS, METRICS, with_digest=True) == whole
    assert set(sizes) == {min(size, 5)}


def test_the_digest_is_the_one_of_the_split_in_the_cache() -> None:
    rng = np.random.default_rng(0)
    inputs = rng.integers(0, 3, (1203, 2, 2, 1)).astype(np.uint8)
    labels = rng.integers(0, 3, 1203).astype(np.int32)
    result = evaluate(
        lambda x: one_hot_logits(x.reshape(len(x), -1)), StoredRows(inputs), labels, METRICS, with_digest=True
    )
    expected = split_digests({"test_inputs": array_digest(inputs), "test_labels": array_digest(labels)})
    assert result.digest == expected["test"]


def test_a_changed_row_label_or_order_changes_the_digest() -> None:
    def digest(inputs: np.ndarray, labels: np.ndarray) -> str:
        return evaluate(one_hot_logits, StoredRows(inputs), labels, METRICS, with_digest=True).digest

    changed = INPUTS.copy()
    changed[4] = 2
    others = [digest(changed, LABELS), digest(INPUTS, LABELS[::-1]), digest(INPUTS[::-1], LABELS)]
    assert len({digest(INPUTS, LABELS), *others}) == 4


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_one_logit_that_is_not_finite_makes_every_metric_nan(bad: float) -> None:
    def eval_step(inputs: np.ndarray) -> np.ndarray:
        logits = one_hot_logits(inputs)
        logits[-1, 0] = bad
        return logits

    metrics = evaluate(eval_step, StoredRows(INPUTS), LABELS, METRICS, with_digest=False).metrics
    assert all(math.isnan(metrics[metric.name]) for metric in METRICS)


def test_huge_logits_do_not_overflow() -> None:
    result = evaluate(lambda x: one_hot_logits(x) * 1e30, StoredRows(INPUTS), LABELS, METRICS, with_digest=False)
    assert result.metrics["log_loss"] == pytest.approx(2e30 / 5, rel=1e-6)


def test_a_tie_counts_for_the_first_class() -> None:
    result = evaluate(
        lambda x: np.zeros((len(x), 3), np.float32), StoredRows(INPUTS), LABELS, METRICS, with_digest=False
    )
    assert result.metrics == {"accuracy": 0.2, "log_loss": pytest.approx(math.log(3))}
