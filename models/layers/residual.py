"""What deep residual networks put on a branch before it is added."""

from __future__ import annotations

from typing import Any

import keras

from trainband.models.layers.draws import current_draws
from trainband.models.layers.tokens import value_of


class DropPath(keras.layers.Layer):
    """Stochastic depth: drops a whole example, and divides those that are kept by their share (Huang et al. 2016).

    The mask is `draws.reference_keep_mask` of shape [batch]; `index` is the layer's place among the random ones.
    """

    def __init__(self, functions: Any, rate: float, *, index: int, name: str) -> None:
        super().__init__(name=name)
        self._functions = functions
        self._index = index
        self.rate = rate

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        if not training or self.rate == 0.0:
            return inputs
        draws = current_draws()
        return self._functions.drop_path(inputs, draws.keys[self._index], draws.row_offset, self.rate)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape


class LayerScale(keras.layers.Layer):
    """A trained factor a channel, `initial` at the start (Touvron et al. 2021)."""

    def __init__(self, *, initial: float, name: str) -> None:
        super().__init__(name=name)
        self.scale_initializer = keras.initializers.Constant(initial)

    def build(self, input_shape: Any) -> None:
        self.scale = self.add_weight(name="scale", shape=(input_shape[-1],), initializer=self.scale_initializer)
        self.built = True

    def call(self, inputs: Any) -> Any:
        return inputs * value_of(self.scale)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape
