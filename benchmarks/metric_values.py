"""Metrics in float64 by NumPy, from a model's outputs on a whole split; equal code for every backend."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from trainband.models.specs import PIXEL_SCALE

Array = np.ndarray
CANDIDATES = 100
BEST = 10


def metric_value(name: str, outputs: Array, targets: Array) -> float:
    """The metric `name`; NaN where an output is not finite.

    Args:
      outputs: float32, of the shape that the model's loss asks for (`ReferenceModel.loss`).
      targets: labels, int32; or the inputs, uint8, for errors of reconstruction.
    """
    if not np.isfinite(outputs).all():
        return float("nan")
    return float(_METRICS[name](outputs.astype(np.float64), targets))


def _accuracy(logits: Array, labels: Array) -> float:
    return float(np.mean(logits.argmax(axis=-1) == labels))


def element_losses(loss: str, outputs: Array, targets: Array) -> Array:
    """float64 [examples, ...]: the loss that a model is trained with, at each place of `outputs`, which are float64."""
    if loss == "reconstruction_error":
        return np.asarray(np.square(outputs - targets * PIXEL_SCALE))
    if loss == "sigmoid_cross_entropy":
        return np.asarray(np.logaddexp(0.0, outputs) - outputs * targets)
    shifted = outputs - outputs.max(axis=-1, keepdims=True)
    chosen = np.take_along_axis(shifted, targets[..., None], axis=-1)[..., 0]
    return np.asarray(np.log(np.exp(shifted).sum(axis=-1)) - chosen)


def _mean_loss(loss: str) -> Callable[[Array, Array], float]:
    return lambda outputs, targets: float(np.mean(element_losses(loss, outputs, targets)))


def _macro_f1(logits: Array, labels: Array) -> float:
    """Logits and labels are [rows, labels]."""
    predicted, actual = logits > 0, labels == 1
    hits = (predicted & actual).sum(axis=0)
    named = predicted.sum(axis=0) + actual.sum(axis=0)
    return float(np.mean(np.where(hits > 0, 2.0 * hits / np.maximum(named, 1), 0.0)))


def _hit_rate_at_10(logits: Array, labels: Array) -> float:
    """Rows come in groups of 100 candidates, of which one is labelled 1; a tie counts against it."""
    scores, chosen = logits.reshape(-1, CANDIDATES), labels.reshape(-1, CANDIDATES) == 1
    if not (chosen.sum(axis=1) == 1).all():
        raise ValueError("hit_rate_at_10: a group of candidates does not hold exactly one positive")
    held_out = scores[chosen][:, None]
    return float(np.mean((scores >= held_out).sum(axis=1) <= BEST))


def _mean_absolute_error(outputs: Array, inputs: Array) -> float:
    return float(np.mean(np.abs(outputs - inputs * PIXEL_SCALE)))


_METRICS: dict[str, Callable[[Array, Array], float]] = {
    "accuracy": _accuracy,
    "log_loss": _mean_loss("softmax_cross_entropy"),
    "binary_log_loss": _mean_loss("sigmoid_cross_entropy"),
    "macro_f1": _macro_f1,
    "hit_rate_at_10": _hit_rate_at_10,
    "mean_squared_error": _mean_loss("reconstruction_error"),
    "mean_absolute_error": _mean_absolute_error,
}
