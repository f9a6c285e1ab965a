"""Tokens to vectors and back, and where in a sequence they stand."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np


def value_of(variable: Any) -> Any:
    """The tensor that a layer computes with: a property in Keras 3, a method in Keras 2."""
    value = variable.value
    return value() if callable(value) else value


class TokenEmbedding(keras.layers.Layer):
    """One table for both ends of a language model.

    `embedding(tokens)` looks up integer [batch, time] as [batch, time, width]; `embedding(x, reverse=True)` gives the
    logits of [batch, time, width], float32 [batch, time, vocabulary]: products with every row of the table, in the
    compute dtype, and with `output_bias` one number a token beside them.
    """

    def __init__(
        self, functions: Any, *, vocabulary: int, width: int, initializer: Any, output_bias: bool, name: str
    ) -> None:
        super().__init__(name=name)
        self._functions = functions
        self.vocabulary = vocabulary
        self.width = width
        self.output_bias = output_bias
        self.embeddings_initializer = keras.initializers.get(initializer)
        self.bias_initializer = keras.initializers.get("zeros")
        self.multiply_adds = 0

    def build(self, input_shape: Any) -> None:
        self.embeddings = self.add_weight(
            name="embeddings", shape=(self.vocabulary, self.width), initializer=self.embeddings_initializer
        )
        if self.output_bias:
            self.bias = self.add_weight(name="bias", shape=(self.vocabulary,), initializer=self.bias_initializer)
        self.built = True

    def call(self, inputs: Any, reverse: bool = False) -> Any:
        if not reverse:
            return self._functions.embed(value_of(self.embeddings), inputs)
        self.multiply_adds = math.prod(inputs.shape[1:]) * self.vocabulary
        bias = value_of(self.bias) if self.output_bias else None
        return self._functions.tied_logits(inputs, value_of(self.embeddings), bias)


class Positions(keras.layers.Layer):
    """Adds a trained vector a place to [batch, time, width]; `length` is the longest sequence there is a vector for."""

    multiply_adds = 0

    def __init__(self, *, length: int, initializer: Any, name: str) -> None:
        super().__init__(name=name)
        self.length = length
        self.positions_initializer = keras.initializers.get(initializer)

    def build(self, input_shape: Any) -> None:
        _, time, width = input_shape
        if time > self.length:
            raise ValueError(f"layer {self.name}: {time} places, and vectors for {self.length}")
        self.positions = self.add_weight(
            name="positions", shape=(self.length, width), initializer=self.positions_initializer
        )
        self.built = True

    def call(self, inputs: Any) -> Any:
        return inputs + value_of(self.positions)[: inputs.shape[1]]

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape


class Sinusoids(keras.layers.Layer):
    """`inputs * sqrt(width)` plus Vaswani et al. 2017's sines and cosines of the place: [batch, time, width]."""

    def __init__(self, functions: Any, *, name: str) -> None:
        super().__init__(name=name)
        self._functions = functions

    def call(self, inputs: Any) -> Any:
        _, time, width = inputs.shape
        return self._functions.add_constant(inputs * math.sqrt(width), sinusoids(time, width))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape


def sinusoids(time: int, width: int) -> np.ndarray:
    """float32 [time, width]: sin(t / 10000**(2i / width)) in column 2i, the cosine of the same in column 2i + 1."""
    angles = np.arange(time)[:, None] / 10000.0 ** (np.arange(0, width, 2) / width)
    return np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(time, width).astype(np.float32)


class ClassToken(keras.layers.Layer):
    """Puts one trained vector before the others: [batch, time, width] to [batch, 1 + time, width]."""

    def __init__(self, functions: Any, *, initializer: Any, name: str) -> None:
        super().__init__(name=name)
        self._functions = functions
        self.token_initializer = keras.initializers.get(initializer)

    def build(self, input_shape: Any) -> None:
        self.token = self.add_weight(name="token", shape=(input_shape[-1],), initializer=self.token_initializer)
        self.built = True

    def call(self, inputs: Any) -> Any:
        return self._functions.prepend(value_of(self.token), inputs)


class Pick(keras.layers.Layer):
    """One place of the second axis: [batch, n, ...] to [batch, ...]."""

    def __init__(self, place: int, *, name: str) -> None:
        super().__init__(name=name)
        self.place = place

    def call(self, inputs: Any) -> Any:
        return inputs[:, self.place]
