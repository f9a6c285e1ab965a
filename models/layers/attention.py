"""Attention without weights of its own: the projections around it are plain dense layers."""

from __future__ import annotations

from functools import partial
from typing import Any

import keras

from trainband.models.layers.draws import current_draws


class Attention(keras.layers.Layer):
    """Scaled dot-product attention, softmax in float32.

    It is called with [query, key, value] or [query, key, value, keep]: float [batch, time, width], and keep bool
    [batch, time of the keys], True where a key may be seen. Each example needs one such key at least: what a query
    gets that sees nothing differs between backends.
    """

    def __init__(self, functions: Any, *, heads: int, causal: bool, dropout: float, index: int, name: str) -> None:
        """`dropout` is the rate at which weights are dropped; `index` the layer's place among the random ones."""
        super().__init__(name=name)
        self._functions = functions
        self._index = index
        self.heads = heads
        self.causal = causal
        self.dropout = dropout
        self.multiply_adds = 0

    def build(self, input_shape: Any) -> None:
        query, key, *_ = input_shape
        if query[-1] % self.heads:
            raise ValueError(f"layer {self.name}: width {query[-1]} is no multiple of {self.heads} heads")
        self.multiply_adds = 2 * query[1] * key[1] * query[2]
        self.built = True

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        query, key, value, *keep = inputs
        drop = None
        if training and self.dropout:
            draws = current_draws()
            drop = partial(
                self._functions.dropout, key=draws.keys[self._index], row_offset=draws.row_offset, rate=self.dropout
            )
        keep = keep[0] if keep else None
        return self._functions.attention(query, key, value, keep, heads=self.heads, causal=self.causal, drop=drop)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape[0]


class KeepMask(keras.layers.Layer):
    """True where a token is not padding: integer [batch, time] to bool [batch, time]."""

    def __init__(self, *, padding: int, name: str) -> None:
        super().__init__(name=name)
        self.padding = padding

    def call(self, inputs: Any) -> Any:
        return inputs != self.padding
