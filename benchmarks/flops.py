"""Floating-point operations of a model, counted from its layers' shapes."""

from __future__ import annotations

import math
from typing import Any

_DENSE_AND_CONVOLUTIONS = (
    "Dense",
    "Conv1D",
    "Conv2D",
    "Conv3D",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "SeparableConv1D",
    "SeparableConv2D",
)
_RECURRENT = ("LSTM", "GRU", "SimpleRNN")
_KERNELS = ("kernel", "depthwise_kernel", "pointwise_kernel")
TRAINING_FACTOR = 3.0  # backward costs two products for each one forward


def training_flops_per_example(model: Any) -> float | None:
    """Operations of matrix products and convolutions for one example's forward and backward pass.

    A multiply-add counts as 2; the backward pass as twice the forward one; element-wise work and look-ups are left
    out. Attention counts all places, also those that a mask hides. None where a layer with a matrix among its weights
    is of a kind that is not known here and does not count its own `multiply_adds`.
    """
    total = 0.0
    for layer in model.layers:
        multiply_adds = _multiply_adds(layer)
        if multiply_adds is None:
            return None
        total += 2.0 * multiply_adds
    return TRAINING_FACTOR * total


def _multiply_adds(layer: Any) -> int | None:
    """Forward multiply-adds of one example in one layer; None where that is not known."""
    own: int | None = getattr(layer, "multiply_adds", None)
    if own is not None:
        return own
    kind = type(layer).__name__
    if kind in _RECURRENT:
        matrices = (layer.cell.kernel, layer.cell.recurrent_kernel)
        return int(layer.input.shape[1]) * sum(math.prod(int(size) for size in matrix.shape) for matrix in matrices)
    if kind not in _DENSE_AND_CONVOLUTIONS:
        has_matrix = any(len(weight.shape) >= 2 for weight in layer.weights)
        return None if has_matrix and kind != "Embedding" else 0
    positions = math.prod(int(size) for size in layer.output.shape[1:-1])
    kernels = [kernel for name in _KERNELS if (kernel := getattr(layer, name, None)) is not None]
    # Each number of a kernel is used once a place, in a depthwise and in a grouped convolution too.
    return positions * sum(math.prod(int(size) for size in kernel.shape) for kernel in kernels)
