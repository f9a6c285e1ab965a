"""The kit's layer normalisation and Gaussian error linear unit on the backend in force, against NumPy in float64."""

from __future__ import annotations

import importlib
from typing import Any

import keras
import numpy as np
from scipy.special import erf
from sequence_layers import Arrays, _with_gradients


def _functions(compiled: bool) -> Any:
    """What has our `layer_norm` and `gelu`."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        from trainband.benchmarks.backends.tensorflow_fused import Pointwise

        return Pointwise(compiled=compiled)
    return importlib.import_module(f"trainband.benchmarks.backends.{backend}_layers")


def _held(values: np.ndarray, dtype: str) -> np.ndarray:
    """`values` as `dtype` holds them."""
    tensor = keras.ops.cast(keras.ops.convert_to_tensor(values.astype(np.float32)), dtype)
    return np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(tensor, "float32")), np.float64)


def _errors(names: tuple[str, ...], found: Arrays, expected: Arrays) -> dict[str, float]:
    pairs = zip(names, found, expected, strict=True)
    return {name: float(np.abs(a - b).max() / np.abs(b).max()) for name, a, b in pairs}


def gelu(approximate: bool, compiled: bool, dtype: str) -> dict[str, float]:
    """The largest error of outputs and gradient, beside the largest value."""
    x = _held(np.linspace(-7, 7, 6 * 35).reshape(6, 35), dtype)
    slopes = np.random.default_rng(1).standard_normal(x.shape)
    if approximate:
        root, cube = np.sqrt(2 / np.pi), 0.044715
        tanh = np.tanh(root * (x + cube * x**3))
        share, slope = 0.5 * (1 + tanh), 0.5 * (1 - tanh**2) * root * (1 + 3 * cube * x**2)
    else:
        share, slope = 0.5 * (1 + erf(x / np.sqrt(2))), np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
    found = _with_gradients(lambda values: _functions(compiled).gelu(values, approximate), [x], slopes, dtype)
    return _errors(("outputs", "d_inputs"), found, [x * share, slopes * (share + x * slope)])


def layer_norm(shift: float, center: bool, compiled: bool, dtype: str) -> dict[str, float]:
    """The largest error of outputs and gradients, beside the largest value."""
    rng = np.random.default_rng(2)
    width, epsilon = 24, 1e-5
    x = _held(rng.standard_normal((4, 5, width)) + shift, dtype)
    gamma, beta = (_held(rng.standard_normal(width), dtype) for _ in range(2))
    slopes = rng.standard_normal(x.shape)
    inverse = 1 / np.sqrt(x.var(axis=-1, keepdims=True) + epsilon)
    normal = (x - x.mean(axis=-1, keepdims=True)) * inverse
    scaled = slopes * gamma
    along = (scaled * normal).mean(axis=-1, keepdims=True)
    d_inputs = inverse * (scaled - scaled.mean(axis=-1, keepdims=True) - normal * along)
    expected = [normal * gamma + beta * center, d_inputs, (slopes * normal).sum((0, 1)), slopes.sum((0, 1))]
    apply = _functions(compiled).layer_norm
    if center:
        found = _with_gradients(lambda *given: apply(*given, epsilon), [x, gamma, beta], slopes, dtype)
    else:
        found = _with_gradients(lambda *given: apply(*given, None, epsilon), [x, gamma], slopes, dtype)
    names = ("outputs", "d_inputs", "d_gamma", "d_beta")
    return _errors(names[: len(found)], found, expected[: len(found)])
