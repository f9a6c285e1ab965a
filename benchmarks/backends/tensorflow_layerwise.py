"""Single layers and their derivatives in TensorFlow, each call compiled to a graph of its own as a step is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from trainband.benchmarks.backends.base import BackendError
from trainband.benchmarks.backends.tensorflow import TensorFlowAdapter
from trainband.benchmarks.backends.tensorflow_gradients import dense, tensors_of
from trainband.benchmarks.zoom.layerwise import Layerwise, Pulled, is_float, leaves, like


def create(adapter: TensorFlowAdapter) -> Layerwise:
    """See `Layerwise`; raises BackendError under a strategy, whose replicas hold parts of a step."""
    if adapter.profile.strategy != "none":
        raise BackendError(f"profile.strategy = {adapter.profile.strategy!r}: layers are looked at on one device only")
    return TensorFlowLayerwise(adapter)


class TensorFlowLayerwise(Layerwise):
    """See `Layerwise`."""

    adapter: TensorFlowAdapter

    def __init__(self, adapter: TensorFlowAdapter) -> None:
        super().__init__(adapter)
        self._sparse: dict[int, Any] = {}  # a stock optimizer is given IndexedSlices as they are

    def pull_back(
        self, layer: Any, arguments: Sequence[Any], options: Mapping[str, Any], slopes: Sequence[np.ndarray] | None
    ) -> Pulled:
        given = [tf.constant(leaf) for leaf in leaves(arguments)]
        floats = [place for place, leaf in enumerate(given) if is_float(leaf)]
        variables = tensors_of(layer.trainable_weights)
        others = tensors_of(layer.non_trainable_weights)

        def pull(given: list[Any], slopes: list[Any]) -> Any:
            with tf.GradientTape() as tape:
                tape.watch([given[place] for place in floats])
                outputs = leaves(layer(*like(arguments, iter(given)), **options))
            if not slopes:
                return outputs, [], [], []
            slopes = [tf.cast(slope, output.dtype) for slope, output in zip(slopes, outputs, strict=True)]
            by = tape.gradient(outputs, [*(given[place] for place in floats), *variables], output_gradients=slopes)
            found = [None if gradient is None else dense(gradient) for gradient in by]
            return outputs, found[: len(floats)], found[len(floats) :], by[len(floats) :]

        before = [variable.numpy() for variable in others]
        outputs, by_inputs, by_weights, raw = tf.function(pull, autograph=False)(
            given, [tf.constant(slope) for slope in slopes or ()]
        )
        after = [np.asarray(variable.numpy()) for variable in others]
        for variable, value in zip(others, before, strict=True):
            variable.assign(value)
        rows = zip(layer.trainable_weights, raw, strict=False)
        self._sparse |= {self.positions[id(v)]: g for v, g in rows if isinstance(g, tf.IndexedSlices)}
        found: list[Any] = [None] * len(given)
        for place, gradient in zip(floats, by_inputs, strict=False):
            found[place] = None if gradient is None else self.array(gradient)
        return Pulled(
            outputs=[self.array(output) for output in outputs],
            input_gradients=found,
            weight_gradients=[None if gradient is None else self.array(gradient) for gradient in by_weights],
            statistics=after,
            dtype=outputs[0].dtype.name,
        )

    def total(self, gradients: Sequence[np.ndarray]) -> np.ndarray:
        return super().total(gradients[::-1])

    def loss(self, targets: np.ndarray, outputs: np.ndarray) -> tuple[float, np.ndarray]:
        def take(targets: Any, logits: Any) -> Any:
            with tf.GradientTape() as tape:
                tape.watch(logits)
                loss = self.adapter.batch_loss(targets, logits)
            return loss, tape.gradient(loss, logits)

        loss, slope = tf.function(take, autograph=False)(tf.constant(targets), tf.constant(outputs))
        return float(loss.numpy()), self.array(slope)

    def descend(self, gradients: Sequence[np.ndarray], rate: float | None, *, pulled: bool) -> None:
        sparse = self._sparse if pulled and self.adapter.recipe.stock else {}
        places = [place for place, entry in enumerate(self.adapter.variables) if entry.trainable]
        rows = zip(places, gradients, strict=True)
        given = [sparse[place] if place in sparse else tf.constant(gradient) for place, gradient in rows]
        tf.function(self.adapter.descend, autograph=False)(
            given, None if rate is None else tf.constant(rate, tf.float32)
        )

    def keys(self, keys: np.ndarray) -> Any:
        return tf.constant(keys)

    def tensor(self, array: np.ndarray) -> Any:
        return tf.constant(array)

    def array(self, tensor: Any) -> np.ndarray:
        tensor = tf.cast(tensor, tf.float32) if tensor.dtype == tf.bfloat16 else tensor
        return np.asarray(tensor.numpy())
