"""What a plain Keras user would put where the architectures ask their kit: Keras's own layers and `keras.ops`."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


class StockKit:
    """`models.layers.kit.LayerKit` of Keras's own layers, and of thin ones over `keras.ops` where it has none."""

    output_dtype = "float32"

    def batch_norm(self, *, name: str, momentum: float = 0.99, epsilon: float = 1e-3) -> Any:
        return keras.layers.BatchNormalization(name=name, momentum=momentum, epsilon=epsilon)

    def layer_norm(self, *, name: str, epsilon: float, center: bool = True) -> Any:
        return keras.layers.LayerNormalization(epsilon=epsilon, center=center, name=name)

    def gelu(self, *, name: str, approximate: bool = False) -> Any:
        return keras.layers.Activation(lambda x: keras.activations.gelu(x, approximate=approximate), name=name)

    def dropout(self, rate: float, *, name: str) -> Any:
        return keras.layers.Dropout(rate, name=name)

    def drop_path(self, rate: float, *, name: str) -> Any:
        return keras.layers.Dropout(rate, noise_shape=(None, 1, 1, 1), name=name)

    def layer_scale(self, *, name: str, initial: float) -> Any:
        return _Scale(initial, name=name)

    def rescale(self, *, name: str, scale: Any, offset: Any = 0.0) -> Any:
        return keras.layers.Rescaling(scale, offset, name=name)

    def attention(self, *, name: str, heads: int, causal: bool = False, dropout: float = 0.0) -> Any:
        return _Attention(heads, causal=causal, name=name)

    def keep_mask(self, *, name: str, padding: int = 0) -> Any:
        return keras.layers.Lambda(lambda tokens: tokens != padding, name=name)

    def token_embedding(
        self, *, name: str, vocabulary: int, width: int, initializer: Any, output_bias: bool = False
    ) -> Any:
        return keras.layers.ReversibleEmbedding(vocabulary, width, embeddings_initializer=initializer, name=name)

    def positions(self, *, name: str, length: int, initializer: Any) -> Any:
        return _Positions(length, initializer, name=name)

    def class_token(self, *, name: str, initializer: Any = "zeros") -> Any:
        return _ClassToken(initializer, name=name)

    def pick(self, place: int, *, name: str) -> Any:
        return keras.layers.Lambda(lambda x: x[:, place], name=name)


class _Attention(keras.layers.Layer):  # type: ignore[misc]
    """`keras.ops.dot_product_attention` over heads; without dropout of its weights, which favours it."""

    def __init__(self, heads: int, *, causal: bool, name: str) -> None:
        super().__init__(name=name)
        self._heads, self._causal = heads, causal

    def call(self, inputs: Any) -> Any:
        query, key, value, *keep = inputs
        _, _, width = query.shape

        def split(x: Any) -> Any:
            return ops.reshape(x, (-1, x.shape[1], self._heads, width // self._heads))

        mask = ops.reshape(keep[0], (-1, 1, 1, key.shape[1])) if keep else None
        found = ops.dot_product_attention(split(query), split(key), split(value), mask=mask, is_causal=self._causal)
        return ops.reshape(found, (-1, query.shape[1], width))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape[0]


class _Positions(keras.layers.Layer):  # type: ignore[misc]
    def __init__(self, length: int, initializer: Any, *, name: str) -> None:
        super().__init__(name=name)
        self._length, self._initializer = length, initializer

    def build(self, input_shape: Any) -> None:
        self.table = self.add_weight(shape=(self._length, input_shape[-1]), initializer=self._initializer)

    def call(self, inputs: Any) -> Any:
        return inputs + self.table[: inputs.shape[1]]


class _ClassToken(keras.layers.Layer):  # type: ignore[misc]
    def __init__(self, initializer: Any, *, name: str) -> None:
        super().__init__(name=name)
        self._initializer = initializer

    def build(self, input_shape: Any) -> None:
        self.token = self.add_weight(shape=(1, 1, input_shape[-1]), initializer=self._initializer)

    def call(self, inputs: Any) -> Any:
        first = ops.broadcast_to(self.token, (ops.shape(inputs)[0], 1, inputs.shape[-1]))
        return ops.concatenate([first, inputs], axis=1)


class _Scale(keras.layers.Layer):  # type: ignore[misc]
    def __init__(self, initial: float, *, name: str) -> None:
        super().__init__(name=name)
        self._initial = initial

    def build(self, input_shape: Any) -> None:
        start = keras.initializers.Constant(self._initial)
        self.scale = self.add_weight(shape=(input_shape[-1],), initializer=start)

    def call(self, inputs: Any) -> Any:
        return inputs * self.scale
