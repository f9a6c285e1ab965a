"""What the adapters share: the kit of layers and the optimizer of a recipe, both through Keras."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from trainband.benchmarks.backends.base import BackendError, SlotEntry, VariableEntry
from trainband.models.layers.attention import Attention, KeepMask
from trainband.models.layers.kit import Factor, Rescale, SeededDropout
from trainband.models.layers.pointwise import Gelu, LayerNorm
from trainband.models.layers.residual import DropPath, LayerScale
from trainband.models.layers.tokens import ClassToken, Pick, Positions, Sinusoids, TokenEmbedding
from trainband.models.specs import Recipe, StockOptimizer


def set_precision(precision: str) -> None:
    """Make every layer that follows compute in `precision`; raises BackendError where this Keras cannot."""
    if precision == "float32":
        return
    keras.mixed_precision.set_global_policy(precision)
    if precision == "float64" and keras.backend.backend() != "tensorflow":
        _keep_float64()


def _keep_float64() -> None:
    """On JAX and PyTorch Keras takes products of float64 in float32, by a table that says so."""
    from keras.src.backend.common import dtypes

    getattr(dtypes, "BIT64_TO_BIT32_DTYPE", {})["float64"] = "float64"
    if keras.backend.result_type("float64", "float64") != "float64":
        raise BackendError(f"profile.precision = 'float64': Keras {keras.__version__} has float32 products only")


def takes_mode(operation: Any) -> bool:
    """Whether a layer or an operation of Keras's is told in its call that it trains."""
    return "training" in inspect.signature(operation.call).parameters


class KerasKit:
    """`models.layers.kit.LayerKit` over a backend's tensor functions; counts the random layers that it makes."""

    def __init__(self, functions: Any, *, pointwise: Any = None) -> None:
        """Layers of the policy in force; `pointwise` has `layer_norm` and `gelu` where they are not among `functions`."""
        self._functions = functions
        self._pointwise = pointwise or functions
        self.output_dtype = "float64" if keras.mixed_precision.global_policy().name == "float64" else "float32"
        self.random_layers = 0

    def batch_norm(self, *, name: str, momentum: float = 0.99, epsilon: float = 1e-3) -> Any:
        return keras.layers.BatchNormalization(name=name, momentum=momentum, epsilon=epsilon)

    def layer_norm(self, *, name: str, epsilon: float, center: bool = True) -> Any:
        return LayerNorm(self._pointwise.layer_norm, epsilon=epsilon, center=center, name=name)

    def gelu(self, *, name: str, approximate: bool = False) -> Any:
        return Gelu(self._pointwise.gelu, approximate=approximate, name=name)

    def dropout(self, rate: float, *, name: str) -> Any:
        return SeededDropout(self._functions.dropout, rate, index=self._random_place(), name=name)

    def drop_path(self, rate: float, *, name: str) -> Any:
        return DropPath(self._functions, rate, index=self._random_place(), name=name)

    def _random_place(self) -> int:
        self.random_layers += 1
        return self.random_layers - 1

    def layer_scale(self, *, name: str, initial: float) -> Any:
        return LayerScale(initial=initial, name=name)

    def rescale(self, *, name: str, scale: Factor, offset: Factor = 0.0) -> Any:
        return Rescale(self._functions.rescale, scale=scale, offset=offset, name=name)

    def attention(self, *, name: str, heads: int, causal: bool = False, dropout: float = 0.0) -> Any:
        index = self._random_place() if dropout else -1
        return Attention(self._functions, heads=heads, causal=causal, dropout=dropout, index=index, name=name)

    def keep_mask(self, *, name: str, padding: int = 0) -> Any:
        return KeepMask(padding=padding, name=name)

    def token_embedding(
        self, *, name: str, vocabulary: int, width: int, initializer: Any, output_bias: bool = False
    ) -> Any:
        return TokenEmbedding(
            self._functions,
            vocabulary=vocabulary,
            width=width,
            initializer=initializer,
            output_bias=output_bias,
            name=name,
        )

    def positions(self, *, name: str, length: int, initializer: Any) -> Any:
        return Positions(length=length, initializer=initializer, name=name)

    def sinusoids(self, *, name: str) -> Any:
        return Sinusoids(self._functions, name=name)

    def class_token(self, *, name: str, initializer: Any = "zeros") -> Any:
        return ClassToken(self._functions, initializer=initializer, name=name)

    def pick(self, place: int, *, name: str) -> Any:
        return Pick(place, name=name)


def keras_optimizer(recipe: Recipe) -> Any:
    """The recipe's update rule; the learning rate is assigned at each step, but for a stock one."""
    spec = recipe.optimizer
    if isinstance(spec, StockOptimizer):
        return keras.optimizers.get(spec.stock)
    rate = recipe.schedule.peak if recipe.schedule else 0.0
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
    if not hasattr(optimizer, "apply"):  # Keras 2 has it under another name, for pairs
        optimizer.apply = lambda gradients, of: optimizer.apply_gradients(zip(gradients, of, strict=True))
    return optimizer


def optimizer_variables(optimizer: Any) -> list[Any]:
    """Its variables in its own order; a property in Keras 3, a method in Keras 2."""
    variables = optimizer.variables
    return list(variables() if callable(variables) else variables)


def slots_of(optimizer: Any, entries: Sequence[VariableEntry]) -> tuple[SlotEntry, ...]:
    """Where each slot of `entries`' trainable variables lies: frameworks name and order them in their own ways."""
    places = {id(variable): index for index, variable in enumerate(optimizer_variables(optimizer))}
    trainable = [position for position, entry in enumerate(entries) if entry.trainable]
    found = []
    for slot, attribute in _SLOTS[type(optimizer).__name__].items():
        for position, variable in zip(trainable, getattr(optimizer, attribute, None) or (), strict=False):
            found.append(SlotEntry(position, slot, places[id(variable)]))
    return tuple(found)


def seed_states(model: Any, entries: Sequence[VariableEntry]) -> dict[str, np.ndarray]:
    """States of the generators of Keras's own random layers: variables of the model that are no layer's weights."""
    seeds = enumerate(_seeds(model, entries))
    return {f"keras{place}": np.array(keras.ops.convert_to_numpy(variable)) for place, variable in seeds}


def assign_seeds(model: Any, entries: Sequence[VariableEntry], states: Mapping[str, np.ndarray]) -> None:
    """Set them to what `seed_states` gave."""
    for place, variable in enumerate(_seeds(model, entries)):
        variable.assign(states[f"keras{place}"])


def _seeds(model: Any, entries: Sequence[VariableEntry]) -> list[Any]:
    weights = {id(entry.variable) for entry in entries}
    own = [variable for variable in model.variables if id(variable) not in weights]
    return own or [generator.state for layer in model.layers if (generator := _keras2_generator(layer)) is not None]


def _keras2_generator(layer: Any) -> Any:
    """What a random layer of Keras 2 draws from: TensorFlow's generator, whose state is no variable of the model."""
    return getattr(getattr(layer, "_random_generator", None), "_generator", None)


_MOMENTS = {"m": "_momentums", "v": "_velocities"}
_SLOTS = {"SGD": {"momentum": "momentums"}, "Adam": _MOMENTS, "AdamW": _MOMENTS}
