"""Layers and tensor functions of the TensorFlow adapter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from trainband.benchmarks.backends import logits_digest as digest
from trainband.models.layers import draws


def widened(tensor: Any) -> Any:
    """`tensor` in float32, or as it is in float64: sums and logarithms are never taken in less."""
    return tensor if tensor.dtype == tf.float64 else tf.cast(tensor, tf.float32)


def rescale(inputs: Any, scale: Any, offset: Any, dtype: str) -> Any:
    """`inputs * scale + offset` in `dtype`; each one number, or one a channel."""
    outputs = tf.cast(inputs, dtype) * tf.constant(scale, dtype)
    return outputs + tf.constant(offset, dtype) if offset else outputs


def dropout(inputs: Any, key: Any, row_offset: Any, rate: float) -> Any:
    """`inputs` with the elements of `draws.reference_keep_mask` kept and scaled; int64 arithmetic modulo 2**32."""
    size = tf.size(inputs, out_type=tf.int64)
    first = tf.cast(row_offset, tf.int64) * (size // tf.shape(inputs, out_type=tf.int64)[0])
    mask = tf.constant(draws.WORD, tf.int64)
    word = (tf.range(size, dtype=tf.int64) + first) * draws.STRIDE + tf.cast(key, tf.int64)
    word = tf.bitwise.bitwise_and(word, mask)
    for shift, multiplier in zip(draws.SHIFTS, draws.MULTIPLIERS, strict=False):
        word = tf.bitwise.bitwise_xor(word, tf.bitwise.right_shift(word, tf.constant(shift, tf.int64)))
        word = tf.bitwise.bitwise_and(word * multiplier, mask)
    word = tf.bitwise.bitwise_xor(word, tf.bitwise.right_shift(word, tf.constant(draws.SHIFTS[2], tf.int64)))
    keep = tf.reshape(word >= draws.drop_threshold(rate), tf.shape(inputs))
    return inputs * tf.cast(keep, inputs.dtype) * tf.constant(1.0 / (1.0 - rate), inputs.dtype)


def drop_path(inputs: Any, key: Any, row_offset: Any, rate: float) -> Any:
    """`inputs` with whole examples dropped by `draws.reference_keep_mask` of shape [batch], and the others scaled."""
    ones = tf.ones([tf.shape(inputs)[0], *[1] * (len(inputs.shape) - 1)], inputs.dtype)
    return inputs * dropout(ones, key, row_offset, rate)


def attention(
    query: Any, key: Any, value: Any, keep: Any, *, heads: int, causal: bool, drop: Callable[[Any], Any] | None
) -> Any:
    """See `models.layers.attention.Attention`; `drop` is applied to the weights [batch, heads, time, time of the keys]."""
    _, time, width = query.shape
    query = query * tf.constant((width // heads) ** -0.5, query.dtype)
    query, key, value = (_split(part, heads) for part in (query, key, value))
    scores = widened(tf.matmul(query, key, transpose_b=True))
    if causal:
        scores = tf.where(np.tri(time, key.shape[2], dtype=bool), scores, scores.dtype.min)
    if keep is not None:
        scores = tf.where(keep[:, None, None, :], scores, scores.dtype.min)
    weights = tf.cast(tf.nn.softmax(scores), value.dtype)
    outputs = tf.matmul(drop(weights) if drop else weights, value)
    return tf.reshape(tf.transpose(outputs, (0, 2, 1, 3)), (-1, time, width))


def _split(inputs: Any, heads: int) -> Any:
    """[batch, time, width] as [batch, heads, time, width / heads]."""
    _, time, width = inputs.shape
    return tf.transpose(tf.reshape(inputs, (-1, time, heads, width // heads)), (0, 2, 1, 3))


def embed(table: Any, tokens: Any) -> Any:
    """Rows of `table` [vocabulary, width]."""
    return tf.gather(table, tf.cast(tokens, tf.int32))


def tied_logits(inputs: Any, table: Any, bias: Any) -> Any:
    """Products with every row of `table` in the compute dtype, plus `bias` where there is one: float32 or wider."""
    # Not tf.einsum: on a CPU its product with the transposed table takes many times as long.
    _, time, width = inputs.shape
    rows = tf.matmul(tf.reshape(inputs, (-1, width)), table, transpose_b=True)
    logits = widened(tf.reshape(rows, (-1, time, table.shape[0])))
    return logits if bias is None else logits + tf.cast(bias, logits.dtype)


def add_constant(inputs: Any, constant: np.ndarray) -> Any:
    return inputs + tf.constant(constant, inputs.dtype)


def prepend(row: Any, inputs: Any) -> Any:
    """[batch, 1 + time, width] with `row` [width] in front."""
    rows = tf.broadcast_to(row, (tf.shape(inputs)[0], 1, inputs.shape[-1]))
    return tf.concat([rows, inputs], axis=1)


class FusedBatchNormalization(keras.layers.BatchNormalization):
    """Keras's batch normalisation on TensorFlow's fused kernel, for channels-last inputs of rank 4 or 2.

    The kernel's batch variance carries Bessel's correction N / (N - 1), which Keras's running variance does not:
    it is taken out again before the running average moves. The kernel has no float64: there Keras's own layer runs.
    """

    kind = "BatchNormalization"
    other_kernel_in_float64 = True

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        if inputs.dtype == tf.float64:
            return super().call(inputs, training=training, mask=mask)
        training = bool(training) and self.trainable
        rank = len(inputs.shape)
        images = inputs if rank == 4 else tf.reshape(inputs, (-1, 1, 1, inputs.shape[-1]))
        count = tf.cast(tf.size(images) // images.shape[-1], tf.float32)
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=images,
            scale=tf.cast(self.gamma, tf.float32),
            offset=tf.cast(self.beta, tf.float32),
            mean=tf.cast(self.moving_mean, tf.float32) if not training else tf.zeros(0),
            variance=tf.cast(self.moving_variance, tf.float32) if not training else tf.zeros(0),
            epsilon=self.epsilon,
            is_training=training,
        )
        if training:
            variance = variance * (tf.maximum(count - 1.0, 1.0) / count)
            self.moving_mean.assign(self.moving_mean * self.momentum + mean * (1.0 - self.momentum))
            self.moving_variance.assign(self.moving_variance * self.momentum + variance * (1.0 - self.momentum))
        return outputs if rank == 4 else tf.reshape(outputs, tf.shape(inputs))


def logits_digest(logits: Any) -> Any:
    """`logits_digest.logits_digests` of one step, int64 [2]; int64 arithmetic modulo 2**32."""
    mask = tf.constant(digest.MASK, tf.int64)
    bits = tf.bitwise.bitwise_and(tf.cast(tf.bitcast(tf.reshape(logits, [-1]), tf.int32), tf.int64), mask)
    place = tf.range(tf.size(bits, out_type=tf.int64), dtype=tf.int64)
    mixed = tf.bitwise.bitwise_xor(bits, tf.bitwise.right_shift(bits, tf.constant(16, tf.int64)))
    mixed = tf.bitwise.bitwise_and(mixed * digest.MIX, mask)
    mixed = tf.bitwise.bitwise_xor(mixed, tf.bitwise.right_shift(mixed, tf.constant(15, tf.int64)))
    first = tf.bitwise.bitwise_and((2 * place + 1) * digest.FIRST_WEIGHT, mask)
    second = tf.bitwise.bitwise_or(tf.bitwise.bitwise_and((place + 1) * digest.SECOND_WEIGHT, mask), 1)
    products = tf.bitwise.bitwise_and(tf.stack([bits * first, mixed * second]), mask)
    return tf.bitwise.bitwise_and(tf.reduce_sum(products, axis=1), mask)
