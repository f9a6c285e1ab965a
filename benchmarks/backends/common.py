"""What the adapters share: the kit of layers and the optimizer of a recipe, both through Keras."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from trainband.models.layers.kit import Rescale, SeededDropout
from trainband.models.specs import Recipe


class KerasKit:
    """`models.layers.kit.LayerKit` over a backend's tensor functions; counts the random layers that it makes."""

    def __init__(self, functions: Any) -> None:
        self._functions = functions
        self.random_layers = 0

    def batch_norm(self, *, name: str, momentum: float = 0.99, epsilon: float = 1e-3) -> Any:
        return keras.layers.BatchNormalization(name=name, momentum=momentum, epsilon=epsilon)

    def dropout(self, rate: float, *, name: str) -> Any:
        self.random_layers += 1
        return SeededDropout(self._functions.dropout, rate, index=self.random_layers - 1, name=name)

    def rescale(self, *, name: str, scale: float, offset: float = 0.0) -> Any:
        return Rescale(self._functions.rescale, scale=scale, offset=offset, name=name)


def keras_optimizer(recipe: Recipe) -> Any:
    """The recipe's update rule; the learning rate is assigned at each step."""
    spec = recipe.optimizer
    rate = recipe.schedule.peak
    if spec.name == "sgd":
        return keras.optimizers.SGD(learning_rate=rate, momentum=spec.momentum, nesterov=spec.nesterov)
    moments = {"beta_1": spec.beta_1, "beta_2": spec.beta_2, "epsilon": spec.epsilon}
    if spec.name == "adam":
        return keras.optimizers.Adam(learning_rate=rate, **moments)
    return keras.optimizers.AdamW(learning_rate=rate, weight_decay=spec.weight_decay, **moments)


def build_optimizer(recipe: Recipe, variables: Sequence[Any]) -> Any:
    """The recipe's update rule with its slots; decoupled decay leaves biases and normalisations alone."""
    optimizer = keras_optimizer(recipe)
    if recipe.optimizer.weight_decay:
        optimizer.exclude_from_weight_decay(var_list=[each for each in variables if len(each.shape) < 2])
    optimizer.build(variables)
    return optimizer
