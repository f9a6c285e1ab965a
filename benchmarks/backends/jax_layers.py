"""Tensor functions of the JAX adapter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trainband.benchmarks.backends import logits_digest as digest
from trainband.models.layers import draws


def widened(tensor: Any) -> Any:
    """`tensor` in float32, or as it is in float64: sums and logarithms are never taken in less."""
    return tensor if tensor.dtype == jnp.float64 else tensor.astype(jnp.float32)


def rescale(inputs: Any, scale: Any, offset: Any, dtype: str) -> Any:
    """`inputs * scale + offset` in `dtype`; each one number, or one a channel."""
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


def drop_path(inputs: Any, key: Any, row_offset: Any, rate: float) -> Any:
    """`inputs` with whole examples dropped by `draws.reference_keep_mask` of shape [batch], and the others scaled."""
    ones = jnp.ones((inputs.shape[0], *[1] * (inputs.ndim - 1)), inputs.dtype)
    return inputs * dropout(ones, key, row_offset, rate)


def layer_norm(inputs: Any, gamma: Any, beta: Any, epsilon: float) -> Any:
    """See `models.layers.pointwise.LayerNorm`."""
    wide = widened(inputs)
    centred = wide - wide.mean(axis=-1, keepdims=True)
    outputs = centred * jax.lax.rsqrt((centred * centred).mean(axis=-1, keepdims=True) + epsilon)
    outputs = outputs * jnp.asarray(gamma, wide.dtype)
    return (outputs if beta is None else outputs + jnp.asarray(beta, wide.dtype)).astype(inputs.dtype)


def gelu(inputs: Any, approximate: bool) -> Any:
    """See `models.layers.pointwise.Gelu`; computed in float32, or in float64 as it comes."""
    return jax.nn.gelu(widened(inputs), approximate=approximate).astype(inputs.dtype)


def attention(
    query: Any, key: Any, value: Any, keep: Any, *, heads: int, causal: bool, drop: Callable[[Any], Any] | None
) -> Any:
    """See `models.layers.attention.Attention`; `drop` is applied to the weights [batch, heads, time, time of the keys].

    `jax.nn.dot_product_attention` has no dropout of the weights.
    """
    batch, time, width = query.shape
    query = query * jnp.asarray((width // heads) ** -0.5, query.dtype)
    query, key, value = (part.reshape(batch, -1, heads, width // heads) for part in (query, key, value))
    wide = jnp.promote_types(query.dtype, jnp.float32)
    scores = jnp.einsum("bthd,bshd->bhts", query, key, preferred_element_type=wide)
    lowest = jnp.finfo(wide).min
    if causal:
        scores = jnp.where(np.tri(time, key.shape[1], dtype=bool), scores, lowest)
    if keep is not None:
        scores = jnp.where(keep[:, None, None, :], scores, lowest)
    weights = jax.nn.softmax(scores).astype(value.dtype)
    outputs = jnp.einsum("bhts,bshd->bthd", drop(weights) if drop else weights, value)
    return outputs.reshape(batch, time, width)


def embed(table: Any, tokens: Any) -> Any:
    """Rows of `table` [vocabulary, width]."""
    return jnp.take(table, tokens, axis=0, mode="clip")


def tied_logits(inputs: Any, table: Any, bias: Any) -> Any:
    """Products with every row of `table` in the compute dtype, plus `bias` where there is one: float32 or wider."""
    logits = widened(jnp.einsum("...w,vw->...v", inputs, table))
    return logits if bias is None else logits + bias.astype(logits.dtype)


def add_constant(inputs: Any, constant: np.ndarray) -> Any:
    return inputs + jnp.asarray(constant, inputs.dtype)


def prepend(row: Any, inputs: Any) -> Any:
    """[batch, 1 + time, width] with `row` [width] in front."""
    rows = jnp.broadcast_to(row, (inputs.shape[0], 1, inputs.shape[-1]))
    return jnp.concatenate([rows, inputs], axis=1)


def logits_digest(logits: Any) -> Any:
    """`logits_digest.logits_digests` of one step, uint32 [2]."""
    bits = jax.lax.bitcast_convert_type(logits.reshape(-1), jnp.uint32)
    place = jax.lax.iota(jnp.uint32, bits.size)
    mixed = (bits ^ (bits >> 16)) * jnp.uint32(digest.MIX)
    mixed = mixed ^ (mixed >> 15)
    first = (place * 2 + 1) * jnp.uint32(digest.FIRST_WEIGHT)
    second = ((place + 1) * jnp.uint32(digest.SECOND_WEIGHT)) | 1
    return jnp.stack([(bits * first).sum(dtype=jnp.uint32), (mixed * second).sum(dtype=jnp.uint32)])
