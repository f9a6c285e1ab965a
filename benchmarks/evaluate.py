"""Evaluation on a whole split: logits from the device, metrics in float64 by NumPy, equal code on every backend."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from trainband.benchmarks.digests import array_digest, combine
from trainband.models.specs import Metric

MAX_EVAL_BATCH = 500


@dataclass(frozen=True, kw_only=True)
class EvalResult:
    """Metrics by name, and the identity of what was fed."""

    metrics: dict[str, float]
    digest: str
    examples: int


def evaluate(
    eval_step: Callable[[np.ndarray], np.ndarray],
    inputs: np.ndarray,
    labels: np.ndarray,
    metrics: tuple[Metric, ...],
    *,
    with_digest: bool,
) -> EvalResult:
    """Run `eval_step` over every row of a split.

    Args:
      eval_step: takes inputs [batch, ...] of one fixed batch size, gives logits float32 [batch, classes].
      inputs: [rows, ...]; the last batch is padded with its first row, and the padding is cut off again.
      labels: int32 [rows].
      with_digest: take the digest of the rows as they were fed (the final evaluation does).
    """
    size = min(MAX_EVAL_BATCH, len(inputs))
    parts, fed = [], []
    for first in range(0, len(inputs), size):
        batch = inputs[first : first + size]
        if with_digest:
            fed.append(batch)
        rows = len(batch)
        if rows < size:
            batch = np.concatenate([batch, np.repeat(batch[:1], size - rows, axis=0)])
        parts.append(eval_step(np.ascontiguousarray(batch))[:rows])
    logits = np.concatenate(parts).astype(np.float64)
    digest = combine({"inputs": array_digest(np.concatenate(fed)), "labels": array_digest(labels)}) if fed else ""
    return EvalResult(
        metrics={metric.name: _METRICS[metric.name](logits, labels) for metric in metrics},
        digest=digest,
        examples=len(logits),
    )


def _accuracy(logits: np.ndarray, labels: np.ndarray) -> float:
    if not np.isfinite(logits).all():
        return float("nan")
    return float(np.mean(logits.argmax(axis=1) == labels))


def _log_loss(logits: np.ndarray, labels: np.ndarray) -> float:
    if not np.isfinite(logits).all():
        return float("nan")
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return float(-log_probabilities[np.arange(len(labels)), labels].mean())


_METRICS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {"accuracy": _accuracy, "log_loss": _log_loss}
