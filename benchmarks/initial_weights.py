"""Initial weights drawn by NumPy from (seed, place in the model), equal on every backend and framework version."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

_STREAM = 0x57E1  # keeps this stream apart from the batches' and the augmentation's
_TRUNCATION_SD = 0.87962566103423978  # sd of a unit normal cut at two sd; frameworks divide by it


def initial_value(initializer: Any, shape: tuple[int, ...], *, seed: int, position: int) -> np.ndarray:
    """The starting value of one variable.

    Args:
      initializer: a Keras initializer (2 or 3); its class name and attributes say what to draw, its generator is unused.
      shape: the variable's shape.
      seed: the run's seed.
      position: the variable's place among all variables of the model, from 0.

    Returns:
      float32 array of `shape`.

    Raises:
      ValueError: an initializer that is not known here.
    """
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, _STREAM, position])))
    name = type(initializer).__name__
    if name == "Zeros":
        return np.zeros(shape, np.float32)
    if name == "Ones":
        return np.ones(shape, np.float32)
    if name == "Constant":
        return np.full(shape, initializer.value, np.float32)
    if name in ("RandomNormal", "TruncatedNormal"):
        draw = _truncated_normal if name == "TruncatedNormal" else _normal
        return (float(initializer.mean) + float(initializer.stddev) * draw(rng, shape)).astype(np.float32)
    if name == "RandomUniform":
        return rng.uniform(float(initializer.minval), float(initializer.maxval), shape).astype(np.float32)
    if name == "Orthogonal" or name == "OrthogonalInitializer":
        return _orthogonal(rng, shape, initializer.gain)
    if hasattr(initializer, "scale") and hasattr(initializer, "distribution"):
        return _variance_scaling(rng, shape, initializer)
    raise ValueError(
        f"initializer {name!r} is not known; use a zeros, ones, constant, normal, uniform, orthogonal or variance-scaling one"
    )


def _variance_scaling(rng: np.random.Generator, shape: tuple[int, ...], initializer: Any) -> np.ndarray:
    fan_in, fan_out = _fans(shape)
    fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[initializer.mode]
    scale = initializer.scale / max(1.0, fan)
    if initializer.distribution == "uniform":
        limit = math.sqrt(3.0 * scale)
        return rng.uniform(-limit, limit, shape).astype(np.float32)
    if initializer.distribution == "untruncated_normal":
        return (math.sqrt(scale) * _normal(rng, shape)).astype(np.float32)
    return (math.sqrt(scale) / _TRUNCATION_SD * _truncated_normal(rng, shape)).astype(np.float32)


def _fans(shape: tuple[int, ...]) -> tuple[float, float]:
    if len(shape) < 2:
        size = float(shape[0]) if shape else 1.0
        return size, size
    receptive_field = math.prod(shape[:-2])
    return float(receptive_field * shape[-2]), float(receptive_field * shape[-1])


def _normal(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return rng.standard_normal(shape)


def _truncated_normal(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    values = rng.standard_normal(math.prod(shape))
    outside = np.flatnonzero(np.abs(values) > 2.0)
    while outside.size:
        values[outside] = rng.standard_normal(outside.size)
        outside = outside[np.abs(values[outside]) > 2.0]
    return values.reshape(shape)


def _orthogonal(rng: np.random.Generator, shape: tuple[int, ...], gain: float) -> np.ndarray:
    rows, columns = math.prod(shape[:-1]), shape[-1]
    flat = rng.standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(flat)
    q *= np.sign(np.diag(r))
    return (gain * (q if rows >= columns else q.T)).reshape(shape).astype(np.float32)
