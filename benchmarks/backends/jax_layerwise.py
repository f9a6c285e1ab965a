"""Single layers and their derivatives in JAX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from trainband.benchmarks.backends.jax import JaxAdapter
from trainband.benchmarks.zoom.layerwise import Layerwise, Pulled, is_float, leaves, like


def create(adapter: JaxAdapter) -> Layerwise:
    """See `Layerwise`."""
    return JaxLayerwise(adapter)


class JaxLayerwise(Layerwise):
    """See `Layerwise`."""

    adapter: JaxAdapter

    def pull_back(
        self, layer: Any, arguments: Sequence[Any], options: Mapping[str, Any], slopes: Sequence[np.ndarray] | None
    ) -> Pulled:
        given = [self.tensor(leaf) for leaf in leaves(arguments)]
        floats = [place for place, leaf in enumerate(given) if is_float(leaf)]
        others = layer.non_trainable_variables

        def apply(inputs: list[Any], weights: list[Any]) -> Any:
            whole = list(given)
            for place, value in zip(floats, inputs, strict=True):
                whole[place] = value
            # Not layer.stateless_call: it takes inputs as they are, where a call makes them of the layer's dtype.
            with keras.StatelessScope(state_mapping=zip(layer.trainable_variables, weights, strict=True)) as scope:
                outputs = layer(*like(arguments, iter(whole)), **options)
            updated = [scope.get_current_value(variable) for variable in others]
            return leaves(outputs), [v.value if new is None else new for v, new in zip(others, updated, strict=True)]

        weights = [variable.value for variable in layer.trainable_variables]
        outputs, pull, updated = jax.vjp(jax.jit(apply), [given[place] for place in floats], weights, has_aux=True)
        found: list[Any] = [None] * len(given)
        by_weights: list[Any] = []
        if slopes is not None and is_float(outputs[0]):
            slopes = [jnp.asarray(slope, output.dtype) for slope, output in zip(slopes, outputs, strict=True)]
            by_inputs, by_weights = pull(slopes)
            for place, gradient in zip(floats, by_inputs, strict=True):
                found[place] = self.array(gradient)
        return Pulled(
            outputs=[self.array(output) for output in outputs],
            input_gradients=found,
            weight_gradients=[self.array(gradient) for gradient in by_weights],
            statistics=[self.array(value) for value in updated],
            dtype=str(outputs[0].dtype),
        )

    def loss(self, targets: np.ndarray, outputs: np.ndarray) -> tuple[float, np.ndarray]:
        take = jax.value_and_grad(lambda logits: self.adapter.batch_loss(jnp.asarray(targets), logits))
        loss, slope = take(jnp.asarray(outputs))
        return float(loss), self.array(slope)

    def descend(self, gradients: Sequence[np.ndarray], rate: float | None, *, pulled: bool) -> None:
        given = None if rate is None else np.float32(rate)
        self.adapter.descend([jnp.asarray(gradient) for gradient in gradients], given)

    def keys(self, keys: np.ndarray) -> Any:
        return jnp.asarray(keys.astype(np.uint32))

    def tensor(self, array: np.ndarray) -> Any:
        return jnp.asarray(array)

    def array(self, tensor: Any) -> np.ndarray:
        return np.asarray(tensor.astype(jnp.float32) if tensor.dtype == jnp.bfloat16 else tensor)
