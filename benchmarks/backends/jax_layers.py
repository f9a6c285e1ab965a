"""Tensor functions of the JAX adapter."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from trainband.models.layers import draws


def rescale(inputs: Any, scale: float, offset: float, dtype: str) -> Any:
    """`inputs * scale + offset` in `dtype`."""
    outputs = jnp.asarray(inputs, dtype) * jnp.asarray(scale, dtype)
    return outputs + jnp.asarray(offset, dtype) if offset else outputs


def dropout(inputs: Any, key: Any, row_offset: Any, rate: float) -> Any:
    """`inputs` with the elements of `draws.reference_keep_mask` kept and scaled; uint32 arithmetic."""
    size = inputs.size
    first = jnp.uint32(row_offset) * jnp.uint32(size // inputs.shape[0])
    word = (jax.lax.iota(jnp.uint32, size) + first) * jnp.uint32(draws.STRIDE) + key.astype(jnp.uint32)
    for shift, multiplier in zip(draws.SHIFTS, draws.MULTIPLIERS, strict=False):
        word = (word ^ (word >> jnp.uint32(shift))) * jnp.uint32(multiplier)
    word ^= word >> jnp.uint32(draws.SHIFTS[2])
    keep = (word >= jnp.uint32(draws.drop_threshold(rate))).reshape(inputs.shape)
    return inputs * keep.astype(inputs.dtype) * jnp.asarray(1.0 / (1.0 - rate), inputs.dtype)
