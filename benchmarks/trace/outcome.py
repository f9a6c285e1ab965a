"""What a trained model says of each test example: its first choice and its loss, 16 bits each."""

from __future__ import annotations

import numpy as np

from trainband.benchmarks.metric_values import element_losses


def top_classes(outputs: np.ndarray, loss: str) -> np.ndarray:
    """uint16 [examples, ...]: the class of the largest logit; empty for a model that does not choose one of several."""
    if loss != "softmax_cross_entropy":
        return np.zeros(0, np.uint16)
    return np.asarray(outputs.argmax(axis=-1), np.uint16)


def example_losses(outputs: np.ndarray, targets: np.ndarray, loss: str) -> np.ndarray:
    """float16 [examples]: the loss that the model is trained with, averaged over an example's positions."""
    each = element_losses(loss, outputs.astype(np.float64), targets)
    with np.errstate(over="ignore"):
        return np.asarray(each.reshape(len(each), -1).mean(axis=1), np.float16)
