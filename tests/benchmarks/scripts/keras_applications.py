"""Our architectures beside Keras's own models of the same name, with equal weights."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from trainband.benchmarks.backends.base import load_architecture
from trainband.benchmarks.backends.common import KerasKit

ROWS = 2


def compare(architecture: str, application: str, image_size: int) -> dict[str, float]:
    """The largest difference of the logits in inference mode, beside the largest logit's distance from their mean."""
    kit = KerasKit(importlib.import_module(f"trainband.benchmarks.backends.{keras.backend.backend()}_layers"))
    ours = load_architecture(architecture)(kit, image_size=image_size)
    options = {"include_preprocessing": False} if application == "ConvNeXtTiny" else {}
    theirs = getattr(keras.applications, application)(
        weights=None, input_shape=(image_size, image_size, 3), classifier_activation=None, **options
    )
    rng = np.random.default_rng(9)
    pairs = list(zip(_layers(ours), _layers(theirs), strict=True))
    for our_layer, their_layer in pairs:
        _fill(our_layer, their_layer, rng)
    images = rng.integers(0, 256, (ROWS, image_size, image_size, 3)).astype(np.uint8)
    rescaled = keras.ops.convert_to_numpy(ours.get_layer("rescale")(keras.ops.convert_to_tensor(images)))
    # EfficientNet divides by 255 inside.
    rescaled = rescaled * (255.0 if application == "EfficientNetB0" else 1.0)
    found, expected = (
        keras.ops.convert_to_numpy(model(keras.ops.convert_to_tensor(values), training=False)).astype(np.float64)
        for model, values in ((ours, images), (theirs, rescaled))
    )
    return {
        "error": float(np.abs(found - expected).max()),
        "largest": float(np.abs(expected - expected.mean()).max()),
    }


def trainable_parameters_without_convolutions_biases(application: str) -> int:
    """Keras's own count, less the biases that a normalisation takes out again."""
    model = getattr(keras.applications, application)(weights=None)
    biases = [layer.bias for layer in model.layers if isinstance(layer, keras.layers.Conv2D) and layer.use_bias]
    return sum(int(np.prod(v.shape)) for v in model.trainable_weights) - sum(int(b.shape[0]) for b in biases)


def _layers(model: Any) -> Iterator[Any]:
    """Layers with weights, those inside a Sequential included; Normalization's are no trained ones."""
    for layer in model.layers:
        if isinstance(layer, keras.Sequential):
            yield from _layers(layer)
        elif layer.weights and not isinstance(layer, keras.layers.Normalization):
            yield layer


def _fill(ours: Any, theirs: Any, rng: np.random.Generator) -> None:
    """Equal numbers in both: their kernels, and about 1 or 0 for all that starts as a constant."""
    ours.set_weights([np.ones(variable.shape) for variable in ours.weights])
    # From the end: Keras's Inception-v3 has no gamma, the first of a normalisation's variables.
    for our_variable, variable in zip(reversed(ours.weights), reversed(theirs.weights), strict=False):
        value = keras.ops.convert_to_numpy(variable)
        if value.ndim < 2:
            start = 0.0 if variable.name in ("bias", "beta", "moving_mean") else 1.0
            value = (start + 0.1 * rng.standard_normal(value.shape)).astype(np.float32)
        variable.assign(value)
        # Keras's ConvNeXt has a grouped convolution, whose kernel's last two axes are the other way round.
        grouped = isinstance(ours, keras.layers.DepthwiseConv2D) and value.shape[2:3] == (1,)
        our_variable.assign(value.swapaxes(2, 3) if grouped else value)
