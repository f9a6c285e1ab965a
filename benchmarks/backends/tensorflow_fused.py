"""Functions of a few passes over memory, which TensorFlow makes one by one: XLA makes one pass of each direction.

Only these are compiled. XLA's matrix products and convolutions on a CPU are slower than TensorFlow's own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import tensorflow as tf

from trainband.benchmarks.backends.tensorflow_layers import widened

_ROOT_HALF = 0.5**0.5
_DENSITY_AT_0 = 0.3989422804014327  # of the standard normal distribution
_TANH_FACTOR, _TANH_CUBE = 0.7978845608028654, 0.044715  # Hendrycks and Gimpel 2016, section 2


@dataclass(frozen=True, kw_only=True)
class Pointwise:
    """The functions of `models.layers.pointwise`'s layers, `compiled` by XLA or operation by operation."""

    compiled: bool

    def gelu(self, inputs: Any, approximate: bool) -> Any:
        """See `models.layers.pointwise.Gelu`; computed in float32, or in float64 as it comes."""
        forward, backward = _gelu_pair(approximate, self.compiled)

        @tf.custom_gradient
        def apply(x: Any) -> Any:
            return forward(x), lambda slopes: backward(x, slopes)

        return apply(inputs)

    def layer_norm(self, inputs: Any, gamma: Any, beta: Any, epsilon: float) -> Any:
        """See `models.layers.pointwise.LayerNorm`; the backward pass takes mean and variance anew."""
        forward, backward = _layer_norm_pair(epsilon, self.compiled)

        @tf.custom_gradient
        def apply(x: Any, scale: Any, offset: Any) -> Any:
            return forward(x, scale, offset), lambda slopes: backward(x, scale, slopes)

        scale = tf.convert_to_tensor(gamma)
        return apply(inputs, scale, tf.zeros_like(scale) if beta is None else tf.convert_to_tensor(beta))


def _pair(forward: Callable[..., Any], backward: Callable[..., Any], compiled: bool) -> tuple[Any, Any]:
    if not compiled:
        return forward, backward
    return (
        tf.function(forward, jit_compile=True, autograph=False),
        tf.function(backward, jit_compile=True, autograph=False),
    )


@cache
def _gelu_pair(approximate: bool, compiled: bool) -> tuple[Any, Any]:
    def share(x: Any) -> tuple[Any, Any]:
        """The factor of x, and its own slope."""
        if approximate:
            tanh = tf.tanh(_TANH_FACTOR * (x + _TANH_CUBE * x * x * x))
            inner = _TANH_FACTOR * (1.0 + 3.0 * _TANH_CUBE * x * x)
            return 0.5 * (1.0 + tanh), 0.5 * (1.0 - tanh * tanh) * inner
        return 0.5 + 0.5 * tf.math.erf(x * _ROOT_HALF), _DENSITY_AT_0 * tf.exp(-0.5 * x * x)

    def forward(x: Any) -> Any:
        wide = widened(x)
        return tf.cast(wide * share(wide)[0], x.dtype)

    def backward(x: Any, slopes: Any) -> Any:
        wide = widened(x)
        factor, slope = share(wide)
        return tf.cast(widened(slopes) * (factor + wide * slope), x.dtype)

    return _pair(forward, backward, compiled)


@cache
def _layer_norm_pair(epsilon: float, compiled: bool) -> tuple[Any, Any]:
    def normal(x: Any) -> tuple[Any, Any]:
        wide = widened(x)
        centred = wide - tf.reduce_mean(wide, -1, keepdims=True)
        inverse = tf.math.rsqrt(tf.reduce_mean(centred * centred, -1, keepdims=True) + epsilon)
        return centred * inverse, inverse

    def forward(x: Any, scale: Any, offset: Any) -> Any:
        outputs = normal(x)[0] * widened(scale) + widened(offset)
        return tf.cast(outputs, x.dtype)

    def backward(x: Any, scale: Any, slopes: Any) -> tuple[Any, Any, Any]:
        outputs, inverse = normal(x)
        wide = widened(slopes)
        scaled = wide * widened(scale)
        along = tf.reduce_mean(scaled * outputs, -1, keepdims=True)
        inner = inverse * (scaled - tf.reduce_mean(scaled, -1, keepdims=True) - outputs * along)
        rows = list(range(len(x.shape) - 1))
        by_scale, by_offset = tf.reduce_sum(wide * outputs, rows), tf.reduce_sum(wide, rows)
        return tf.cast(inner, x.dtype), tf.cast(by_scale, scale.dtype), tf.cast(by_offset, scale.dtype)

    return _pair(forward, backward, compiled)
