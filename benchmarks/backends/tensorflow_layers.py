"""Layers and tensor functions of the TensorFlow adapter."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from trainband.models.layers import draws


def rescale(inputs: Any, scale: float, offset: float, dtype: str) -> Any:
    """`inputs * scale + offset` in `dtype`."""
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


class FusedBatchNormalization(keras.layers.BatchNormalization):
    """Keras's batch normalisation on TensorFlow's fused kernel, for channels-last inputs of rank 4 or 2.

    The kernel's batch variance carries Bessel's correction N / (N - 1), which Keras's running variance does not:
    it is taken out again before the running average moves.
    """

    kind = "BatchNormalization"

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
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
