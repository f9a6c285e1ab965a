"""Floating-point operations of a model, counted from its layers' shapes."""

from __future__ import annotations

import math
from typing import Any

_PRODUCTS = ("Dense", "Conv1D", "Conv2D", "Conv3D")
TRAINING_FACTOR = 3.0  # backward costs two products for each one forward


def training_flops_per_example(model: Any) -> float | None:
    """Operations of matrix products and convolutions for one example's forward and backward pass.

    A multiply-add counts as 2; the backward pass as twice the forward one; element-wise work and look-ups are left
    out. None where a layer with a matrix among its weights is of a kind that is not known here.
    """
    total = 0.0
    for layer in model.layers:
        kind = type(layer).__name__
        if kind not in _PRODUCTS:
            if kind != "Embedding" and any(len(weight.shape) >= 2 for weight in layer.weights):
                return None
            continue
        shape = [int(size) for size in layer.kernel.shape]
        output = layer.output.shape
        positions = math.prod(int(size) for size in output[1:-1])
        total += 2.0 * math.prod(shape) * positions
    return TRAINING_FACTOR * total
