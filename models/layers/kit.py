"""What an architecture may ask of its backend beside Keras's built-in layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import keras

from trainband.models.layers.draws import current_draws


class LayerKit(Protocol):
    """Layers whose fastest or reproducible form depends on the backend and the profile."""

    def batch_norm(self, *, name: str, momentum: float = 0.99, epsilon: float = 1e-3) -> Any:
        """Batch normalisation over the last axis, with Keras's mathematics exactly."""

    def dropout(self, rate: float, *, name: str) -> Any:
        """Dropout whose mask is a function of (seed, step, layer) on every backend."""

    def rescale(self, *, name: str, scale: float, offset: float = 0.0) -> Any:
        """Raw uint8 input to `x * scale + offset` in the compute dtype."""


class Rescale(keras.layers.Layer):
    """Raw input to floating point: `x * scale + offset`."""

    def __init__(self, apply: Callable[..., Any], *, scale: float, offset: float, name: str) -> None:
        super().__init__(name=name)
        self._apply = apply
        self._scale = scale
        self._offset = offset

    def call(self, inputs: Any) -> Any:
        return self._apply(inputs, self._scale, self._offset, self.compute_dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape


class SeededDropout(keras.layers.Layer):
    """Dropout with the mask of `draws.reference_keep_mask`; `index` is its place among the model's random layers."""

    def __init__(self, apply: Callable[..., Any], rate: float, *, index: int, name: str) -> None:
        super().__init__(name=name)
        self._apply = apply
        self._index = index
        self.rate = rate

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        if not training or self.rate == 0.0:
            return inputs
        draws = current_draws()
        return self._apply(inputs, draws.keys[self._index], draws.row_offset, self.rate)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape
