"""What an architecture may ask of its backend beside Keras's built-in layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import keras

from trainband.models.layers.draws import current_draws

Factor = float | tuple[float, ...]


class LayerKit(Protocol):
    """Layers whose fastest or reproducible form depends on the backend and the profile.

    Attributes:
      output_dtype: dtype of a model's last layer: float32 where the others compute in less, float64 where they do.
    """

    output_dtype: str

    def batch_norm(self, *, name: str, momentum: float = 0.99, epsilon: float = 1e-3) -> Any:
        """Batch normalisation over the last axis, with Keras's mathematics exactly."""

    def layer_norm(self, *, name: str, epsilon: float, center: bool = True) -> Any:
        """Layer normalisation over the last axis; without an offset where it does not centre."""

    def gelu(self, *, name: str, approximate: bool = False) -> Any:
        """The Gaussian error linear unit, or its approximation by tanh."""

    def dropout(self, rate: float, *, name: str) -> Any:
        """Dropout whose mask is a function of (seed, step, layer) on every backend."""

    def drop_path(self, rate: float, *, name: str) -> Any:
        """Stochastic depth, whole examples at once, with a mask of the same kind."""

    def layer_scale(self, *, name: str, initial: float) -> Any:
        """A trained factor a channel."""

    def rescale(self, *, name: str, scale: Factor, offset: Factor = 0.0) -> Any:
        """Raw uint8 input to `x * scale + offset` in the compute dtype; one number, or one a channel."""

    def attention(self, *, name: str, heads: int, causal: bool = False, dropout: float = 0.0) -> Any:
        """Attention of [query, key, value] or [query, key, value, keep], without weights; see `Attention`."""

    def keep_mask(self, *, name: str, padding: int = 0) -> Any:
        """Tokens to True where they are not padding."""

    def token_embedding(
        self, *, name: str, vocabulary: int, width: int, initializer: Any, output_bias: bool = False
    ) -> Any:
        """A table that is called with tokens, and with `reverse=True` for their logits; see `TokenEmbedding`."""

    def positions(self, *, name: str, length: int, initializer: Any) -> Any:
        """Adds a trained vector a place."""

    def sinusoids(self, *, name: str) -> Any:
        """Scales embeddings by the root of their width and adds sines and cosines of the place."""

    def class_token(self, *, name: str, initializer: Any = "zeros") -> Any:
        """Puts one trained vector before a sequence."""

    def pick(self, place: int, *, name: str) -> Any:
        """One place of the second axis."""


class Rescale(keras.layers.Layer):
    """Raw input to floating point: `x * scale + offset`."""

    def __init__(self, apply: Callable[..., Any], *, scale: Factor, offset: Factor, name: str) -> None:
        super().__init__(name=name)
        self._apply = apply
        self.scale = scale
        self.offset = offset

    def call(self, inputs: Any) -> Any:
        return self._apply(inputs, self.scale, self.offset, self.compute_dtype)

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
