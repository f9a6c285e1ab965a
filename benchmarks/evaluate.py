"""Evaluation on a whole split: logits from the device, metrics in float64 by NumPy, equal code on every backend."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from trainband.benchmarks.data.stored import Rows
from trainband.benchmarks.digests import array_digest, combine
from trainband.benchmarks.metric_values import metric_value
from trainband.models.metrics import Metric

MAX_EVAL_BATCH = 500


@dataclass(frozen=True, kw_only=True)
class EvalResult:
    """Metrics by name, the identity of what was fed, and what the model made of it.

    Attributes:
      outputs: float32 [examples, ...].
      targets: what they are measured by: labels, or the inputs.
    """

    metrics: dict[str, float]
    digest: str
    examples: int
    outputs: np.ndarray = field(compare=False)
    targets: np.ndarray = field(compare=False)


def evaluate(
    eval_step: Callable[[np.ndarray], np.ndarray],
    rows: Rows,
    labels: np.ndarray,
    metrics: tuple[Metric, ...],
    *,
    targets_are_inputs: bool = False,
    with_digest: bool,
) -> EvalResult:
    """Run `eval_step` over every row of a split.

    Args:
      eval_step: takes inputs [batch, ...] of one fixed batch size, gives outputs float32 [batch, ...].
      rows: the split's inputs; the last batch is padded with its first row, and the padding is cut off again.
      labels: int32 [rows, ...].
      targets_are_inputs: measure the outputs by the inputs, not by the labels.
      with_digest: take the digest of the rows as they were fed (the final evaluation does).
    """
    size = min(MAX_EVAL_BATCH, len(rows))
    parts, fed, kept = [], [], []
    for batch, identity in rows.evaluated(size):
        if with_digest:
            fed.append(identity)
        if targets_are_inputs:
            kept.append(batch)
        missing = size - len(batch)
        whole = np.concatenate([batch, np.repeat(batch[:1], missing, axis=0)]) if missing else batch
        parts.append(eval_step(np.ascontiguousarray(whole))[: len(batch)])
    outputs = np.concatenate(parts)
    targets = np.concatenate(kept) if targets_are_inputs else labels
    digest = combine({"inputs": array_digest(np.concatenate(fed)), "labels": array_digest(labels)}) if fed else ""
    return EvalResult(
        metrics={metric.name: metric_value(metric.name, outputs, targets) for metric in metrics},
        digest=digest,
        examples=len(outputs),
        outputs=outputs,
        targets=targets,
    )
