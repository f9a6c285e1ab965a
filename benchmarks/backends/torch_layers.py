"""Tensor functions of the PyTorch adapter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import torch
from torch.nn import functional

from trainband.benchmarks.backends import logits_digest as digest
from trainband.models.layers import draws

_MIDDLE = 1 << 31


def widened(tensor: Any) -> Any:
    """`tensor` in float32, or as it is in float64: sums and logarithms are never taken in less."""
    return tensor if tensor.dtype == torch.float64 else tensor.to(torch.float32)


def rescale(inputs: Any, scale: Any, offset: Any, dtype: str) -> Any:
    """`inputs * scale + offset` in `dtype`; each one number, or one a channel."""
    outputs = inputs.to(getattr(torch, dtype))
    outputs = outputs * _factor(scale, outputs)
    return outputs + _factor(offset, outputs) if offset else outputs


def _factor(number: Any, like: Any) -> Any:
    return torch.tensor(number, dtype=like.dtype, device=like.device) if isinstance(number, tuple) else number


def dropout(inputs: Any, key: int, row_offset: int, rate: float) -> Any:
    """`inputs` with the elements of `draws.reference_keep_mask` kept and scaled.

    int32 arithmetic, which wraps around: the same bits as of unsigned words, at a fraction of the time of int64.
    """
    size = inputs.numel()
    first = row_offset * (size // inputs.shape[0])
    word = torch.arange(size, dtype=torch.int32, device=inputs.device)
    word.mul_(_signed(draws.STRIDE)).add_(_signed((first * draws.STRIDE + key) & draws.WORD))
    for shift, multiplier in zip(draws.SHIFTS, draws.MULTIPLIERS, strict=False):
        word.bitwise_xor_(_shifted(word, shift)).mul_(_signed(multiplier))
    word.bitwise_xor_(_shifted(word, draws.SHIFTS[2]))
    # Unsigned words are compared by their distance from the middle.
    keep = word.bitwise_xor_(-_MIDDLE) >= draws.drop_threshold(rate) - _MIDDLE
    return inputs * keep.reshape(inputs.shape).to(inputs.dtype) * (1.0 / (1.0 - rate))


def _signed(word: int) -> int:
    """The int32 of the same bits."""
    return word - 2 * _MIDDLE if word >= _MIDDLE else word


def _shifted(word: Any, shift: int) -> Any:
    """`word` shifted right, with zeros from the left."""
    return (word >> shift).bitwise_and_((1 << (32 - shift)) - 1)


def drop_path(inputs: Any, key: Any, row_offset: int, rate: float) -> Any:
    """`inputs` with whole examples dropped by `draws.reference_keep_mask` of shape [batch], and the others scaled."""
    ones = inputs.new_ones((inputs.shape[0], *[1] * (inputs.ndim - 1)))
    return inputs * dropout(ones, key, row_offset, rate)


def layer_norm(inputs: Any, gamma: Any, beta: Any, epsilon: float) -> Any:
    """See `models.layers.pointwise.LayerNorm`; PyTorch's kernel has its sums in float32."""
    scale = keras.ops.convert_to_tensor(gamma, inputs.dtype)
    offset = None if beta is None else keras.ops.convert_to_tensor(beta, inputs.dtype)
    return functional.layer_norm(inputs, scale.shape, scale, offset, epsilon)


def gelu(inputs: Any, approximate: bool) -> Any:
    """See `models.layers.pointwise.Gelu`."""
    return functional.gelu(inputs, approximate="tanh" if approximate else "none")


def attention(
    query: Any, key: Any, value: Any, keep: Any, *, heads: int, causal: bool, drop: Callable[[Any], Any] | None
) -> Any:
    """See `models.layers.attention.Attention`; `drop` is applied to the weights [batch, heads, time, time of the keys].

    PyTorch's fused kernel runs where nothing is dropped: its own dropout has another mask.
    """
    batch, time, width = query.shape
    query, key, value = (part.reshape(batch, -1, heads, width // heads).transpose(1, 2) for part in (query, key, value))
    mask = None if keep is None else keep[:, None, None, :]
    if drop is None and (mask is None or not causal):
        outputs = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask, is_causal=causal)
    else:
        outputs = torch.matmul(_weights(query, key, mask, causal=causal, drop=drop), value)
    return outputs.transpose(1, 2).reshape(batch, time, width)


def _weights(query: Any, key: Any, mask: Any, *, causal: bool, drop: Callable[[Any], Any] | None) -> Any:
    scores = widened(torch.matmul(query * query.shape[-1] ** -0.5, key.transpose(2, 3)))
    lowest = torch.finfo(scores.dtype).min
    if causal:
        seen = torch.ones(scores.shape[2:], dtype=torch.bool, device=scores.device).tril()
        scores = scores.masked_fill(~seen, lowest)
    if mask is not None:
        scores = scores.masked_fill(~mask, lowest)
    weights = torch.softmax(scores, dim=-1).to(query.dtype)
    return drop(weights) if drop else weights


def embed(table: Any, tokens: Any) -> Any:
    """Rows of `table` [vocabulary, width]."""
    return functional.embedding(tokens.to(torch.int64), table)


def tied_logits(inputs: Any, table: Any, bias: Any) -> Any:
    """Products with every row of `table` in the compute dtype, plus `bias` where there is one: float32 or wider."""
    logits = widened(functional.linear(inputs, table))
    return logits if bias is None else logits + bias.to(logits.dtype)


def add_constant(inputs: Any, constant: np.ndarray) -> Any:
    return inputs + torch.as_tensor(constant, dtype=inputs.dtype, device=inputs.device)


def prepend(row: Any, inputs: Any) -> Any:
    """[batch, 1 + time, width] with `row` [width] in front."""
    return torch.cat([row.expand(inputs.shape[0], 1, -1), inputs], dim=1)


class FusedBatchNormalization(keras.layers.BatchNormalization):
    """Keras's batch normalisation on PyTorch's kernel, whose batch variance has no correction, as Keras's has none.

    The kernel takes x * scale - mean * scale, of which nothing but rounding is left where a channel has one value: then
    Keras's own layer runs.
    """

    kind = "BatchNormalization"

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        channels_first = inputs.movedim(-1, 1)
        gamma, beta = self.gamma.value, self.beta.value
        if not (training and self.trainable):
            mean, variance = self.moving_mean.value, self.moving_variance.value
            outputs = functional.batch_norm(channels_first, mean, variance, gamma, beta, False, 0.0, self.epsilon)
            return outputs.movedim(1, -1)
        if inputs.numel() == inputs.shape[-1]:
            return super().call(inputs, training=training, mask=mask)
        outputs, mean, inverse = torch.native_batch_norm(
            channels_first, gamma, beta, None, None, True, 0.0, self.epsilon
        )
        with torch.no_grad():
            variance = (inverse.pow(-2) - self.epsilon).clamp_min(0.0)
            for moving, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
                moving.assign(moving.value * self.momentum + value * (1.0 - self.momentum))
        return outputs.movedim(1, -1)


def logits_digest(logits: Any) -> Any:
    """`logits_digest.logits_digests` of one step, int64 [2]; int64 arithmetic modulo 2**32."""
    bits = logits.reshape(-1).view(torch.int32).to(torch.int64) & digest.MASK
    place = torch.arange(bits.numel(), device=bits.device)
    mixed = ((bits ^ (bits >> 16)) * digest.MIX) & digest.MASK
    mixed = mixed ^ (mixed >> 15)
    first = ((2 * place + 1) * digest.FIRST_WEIGHT) & digest.MASK
    second = ((place + 1) * digest.SECOND_WEIGHT) & digest.MASK | 1
    products = torch.stack([bits * first, mixed * second]) & digest.MASK
    return products.sum(dim=1) & digest.MASK
