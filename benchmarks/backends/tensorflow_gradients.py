"""What a TensorFlow step differentiates, and what it does with the gradients before an update."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from trainband.models.specs import PIXEL_SCALE

_SMALL = 1 << 15


def losses(loss: str, targets: Any, outputs: Any, smoothing: float) -> Any:
    """Of each example, [batch] in the dtype of `outputs`: the mean over its positions."""
    if loss == "reconstruction_error":
        each = tf.square(outputs - tf.cast(targets, outputs.dtype) * PIXEL_SCALE)
    elif loss == "sigmoid_cross_entropy":
        each = tf.nn.sigmoid_cross_entropy_with_logits(labels=tf.cast(targets, outputs.dtype), logits=outputs)
    else:
        each = _softmax_losses(targets, outputs, smoothing)
    return tf.reduce_mean(each, axis=range(1, each.shape.rank)) if each.shape.rank > 1 else each


def _softmax_losses(labels: Any, logits: Any, smoothing: float) -> Any:
    if not smoothing:
        return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    classes = logits.shape[-1]
    targets = tf.one_hot(labels, classes, dtype=logits.dtype) * (1.0 - smoothing) + smoothing / classes
    return tf.nn.softmax_cross_entropy_with_logits(labels=targets, logits=logits)


def tensors_of(variables: Sequence[Any]) -> list[Any]:
    """The TensorFlow variables under Keras 3's; Keras 2's are TensorFlow's own."""
    return [getattr(v, "value", v) if not isinstance(v, tf.Variable) else v for v in variables]


def norm_of(gradients: Sequence[Any]) -> Any:
    """The norm of all; the small ones as one tensor, since a sum of each would cost more than the copy."""
    small = [tf.reshape(each, [-1]) for each in gradients if each.shape.num_elements() <= _SMALL]
    large = [each for each in gradients if each.shape.num_elements() > _SMALL]
    return tf.linalg.global_norm([*large, tf.concat(small, 0)] if small else large)


def dense(gradient: Any) -> Any:
    """Sparse gradients with repeated rows are not merged by Keras 3's optimizers: they are made dense first."""
    return tf.convert_to_tensor(gradient) if isinstance(gradient, tf.IndexedSlices) else gradient
