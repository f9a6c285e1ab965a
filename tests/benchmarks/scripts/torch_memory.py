"""Layers over images and sequences on PyTorch, with Keras's copies and without."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import torch
from keras.src.backend.torch import nn

from trainband.benchmarks.backends.torch_memory import channels_first, set_copies

IMAGES, SEQUENCES = (4, 9, 11, 6), (4, 13, 6)
LAYERS = {
    "convolution": (lambda: keras.layers.Conv2D(8, 3, padding="same"), IMAGES),
    "strided convolution": (lambda: keras.layers.Conv2D(8, 3, strides=2, padding="same"), IMAGES),
    "valid convolution": (lambda: keras.layers.Conv2D(8, 5, dilation_rate=2), IMAGES),
    "depthwise convolution": (lambda: keras.layers.DepthwiseConv2D(3, padding="same"), IMAGES),
    "transposed convolution": (lambda: keras.layers.Conv2DTranspose(5, 3, strides=2, padding="same"), IMAGES),
    "largest of a pool": (lambda: keras.layers.MaxPooling2D(3, strides=2, padding="same"), IMAGES),
    "mean of a pool": (lambda: keras.layers.AveragePooling2D(2), IMAGES),
    "convolution over time": (lambda: keras.layers.Conv1D(8, 3, padding="causal"), SEQUENCES),
    "pool over time": (lambda: keras.layers.MaxPooling1D(2), SEQUENCES),
}


def differences() -> dict[str, float]:
    """Layer -> largest difference of outputs and gradients without the copies, over the largest value with them."""
    return {name: _difference(make(), shape) for name, (make, shape) in LAYERS.items()}


def _difference(layer: Any, shape: tuple[int, ...]) -> float:
    inputs = torch.tensor(np.random.default_rng(1).standard_normal(shape), dtype=torch.float32, requires_grad=True)
    layer(inputs)
    set_copies(True)
    copied = _outputs_and_gradients(layer, inputs)
    set_copies(False)
    kept = _outputs_and_gradients(layer, inputs)
    set_copies(True)
    return max(float((a - b).abs().max() / a.abs().max().clamp_min(1e-30)) for a, b in zip(copied, kept, strict=True))


def _outputs_and_gradients(layer: Any, inputs: Any) -> list[Any]:
    outputs = layer(inputs)
    slopes = torch.linspace(-1.0, 1.0, outputs.numel()).reshape(outputs.shape)
    sources = [inputs, *(variable.value for variable in layer.trainable_variables)]
    return [outputs.detach(), *torch.autograd.grad((outputs * slopes).sum(), sources)]


def memory() -> dict[str, bool]:
    """What lies where: images as they were, sequences copied, and Keras's own function once more where it is wanted."""
    images, sequences = torch.zeros(IMAGES), torch.zeros(SEQUENCES)
    own = nn._transpose_spatial_inputs
    set_copies(False)
    found = {
        "keras has it": nn._transpose_spatial_inputs is channels_first,
        "images stay": channels_first(images).data_ptr() == images.data_ptr(),
        "channels-last memory": channels_first(images).is_contiguous(memory_format=torch.channels_last),
        "sequences are copied": channels_first(sequences).is_contiguous(),
    }
    set_copies(True)
    return {**found, "and back": nn._transpose_spatial_inputs is own}
