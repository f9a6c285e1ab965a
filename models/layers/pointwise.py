"""Layer normalisation and the Gaussian error linear unit: a handful of passes over memory that backends fuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras


class LayerNorm(keras.layers.LayerNormalization):
    """Keras's layer normalisation over the last axis by a backend's function; mean and variance in float32."""

    kind = "LayerNormalization"

    def __init__(self, apply: Callable[..., Any], *, epsilon: float, center: bool, name: str) -> None:
        super().__init__(epsilon=epsilon, center=center, name=name)
        self._apply = apply

    def call(self, inputs: Any) -> Any:
        return self._apply(inputs, self.gamma, self.beta, self.epsilon)


class Gelu(keras.layers.Layer):
    """x times the normal distribution function of x (Hendrycks and Gimpel 2016), or its approximation by tanh."""

    def __init__(self, apply: Callable[..., Any], *, approximate: bool, name: str) -> None:
        super().__init__(name=name)
        self._apply = apply
        self.approximate = approximate

    def call(self, inputs: Any) -> Any:
        return self._apply(inputs, self.approximate)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape
