"""A model's layers one by one: the calls of a forward pass, and each call with its derivatives by itself."""

from __future__ import annotations

import functools
import importlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import keras
import numpy as np

from trainband.benchmarks.backends.base import Adapter
from trainband.benchmarks.backends.common import optimizer_variables, takes_mode
from trainband.models.layers.draws import Draws, drawing


@dataclass(frozen=True, kw_only=True)
class Call:
    """One use of a layer.

    Attributes:
      arguments: tensors, or lists of tensors, as the model handed them over.
      options: what was given by name, such as `training`.
      outputs: a tensor, or a list of tensors.
    """

    layer: Any
    arguments: tuple[Any, ...]
    options: Mapping[str, Any]
    outputs: Any


@dataclass(frozen=True, kw_only=True)
class Pulled:
    """A layer's outputs, and the gradient of the loss taken through it; arrays on the host, floats as they came.

    Attributes:
      input_gradients: one for each leaf of the arguments; None for integers, and where nothing flows.
      weight_gradients: one for each of the layer's trainable variables, in its order; empty where nothing flows, None for one that
        was not used.
      statistics: the layer's other variables after the call.
      dtype: of the outputs.
    """

    outputs: list[np.ndarray]
    input_gradients: list[np.ndarray | None]
    weight_gradients: list[np.ndarray | None]
    statistics: list[np.ndarray]
    dtype: str


class Layerwise(ABC):
    """The layers of an adapter's model; no call changes the model."""

    def __init__(self, adapter: Adapter) -> None:
        """`adapter` is built."""
        self.adapter = adapter
        self.layers = {layer.name: layer for layer in adapter.model.layers}
        self.positions = {id(entry.variable): place for place, entry in enumerate(adapter.variables)}

    def forward(self, inputs: np.ndarray, keys: np.ndarray) -> tuple[np.ndarray, list[Call]]:
        """The outputs of a training step's forward pass, and the calls it made, in order."""
        weights = self.adapter.weights()
        self.adapter.assign(weights)
        calls: list[Call] = []
        with self.same_draws(), self.drawing(keys), self.untracked(), recorded(self.adapter.model, calls):
            outputs = self.adapter.model(self.tensor(inputs), training=True)
        self.adapter.assign(weights)
        return self.array(outputs), calls

    def drawing(self, keys: np.ndarray) -> AbstractContextManager[None]:
        """Random layers draw by `keys`, int64 [random layers]."""
        return drawing(Draws(self.keys(keys), 0))

    @contextmanager
    def same_draws(self) -> Iterator[None]:
        """The framework's own generators stand after the block where they stood before it."""
        states = self.adapter.generator_states()
        yield
        if states:
            self.adapter.restore_generators(states)

    def untracked(self) -> AbstractContextManager[Any]:
        """Nothing is kept for derivatives."""
        return _nothing()

    def set_optimizer(self, step: int, slots: Sequence[np.ndarray]) -> None:
        """Put the optimizer where it stands before `step`; `slots` are in the order of `adapter.slots`."""
        state = self.adapter.optimizer_state()
        for entry, value in zip(self.adapter.slots, slots, strict=True):
            state[entry.index] = value
        iterations = self.adapter.optimizer.iterations
        places = [id(variable) for variable in optimizer_variables(self.adapter.optimizer)]
        state[places.index(id(iterations))] = np.asarray(step, state[places.index(id(iterations))].dtype)
        self.adapter.assign(self.adapter.weights(), state)

    def total(self, gradients: Sequence[np.ndarray]) -> np.ndarray:
        """Their sum, in the backend's order: they come from the last use of a tensor to the first."""
        return np.asarray(functools.reduce(np.add, gradients))

    @abstractmethod
    def pull_back(
        self, layer: Any, arguments: Sequence[Any], options: Mapping[str, Any], slopes: Sequence[np.ndarray] | None
    ) -> Pulled:
        """Call `layer` with arrays; `slopes` is the loss's gradient by each output, None where nothing flows."""

    @abstractmethod
    def loss(self, targets: np.ndarray, outputs: np.ndarray) -> tuple[float, np.ndarray]:
        """The training loss of a batch, or of some of its rows, and its gradient by the outputs."""

    @abstractmethod
    def descend(self, gradients: Sequence[np.ndarray], rate: float | None, *, pulled: bool) -> None:
        """One update of the adapter's variables by `gradients` of the loss, at `rate` or the optimizer's own.

        `pulled`: the calls pulled back so far are of the whole batch, so that what a stock optimizer is given in another
        form than an array may be taken from them.
        """

    @abstractmethod
    def keys(self, keys: np.ndarray) -> Any:
        """Keys as the backend's random layers take them."""

    @abstractmethod
    def tensor(self, array: np.ndarray) -> Any:
        """`array` on the device."""

    @abstractmethod
    def array(self, tensor: Any) -> np.ndarray:
        """`tensor` on the host; bfloat16 as float32."""


@contextmanager
def _nothing() -> Iterator[None]:
    yield


@contextmanager
def recorded(model: Any, calls: list[Call]) -> Iterator[None]:
    """Put every call that `model` makes of its layers into `calls`; calls inside of layers are left out."""
    original = keras.layers.Layer.__call__
    depth = 0

    def spy(layer: Any, *arguments: Any, **options: Any) -> Any:
        nonlocal depth
        if layer is model:
            return original(layer, *arguments, **options)
        depth += 1
        try:
            outputs = original(layer, *arguments, **options)
        finally:
            depth -= 1
        if depth == 0:
            calls.append(Call(layer=layer, arguments=arguments, options=_trained(layer, options), outputs=outputs))
        return outputs

    with patch.object(keras.layers.Layer, "__call__", spy):
        yield


def _trained(layer: Any, options: Mapping[str, Any]) -> Mapping[str, Any]:
    """The options with `training`: Keras 2 hands it to a layer beside its arguments, and alone the layer would infer."""
    if options.get("training") is not None or not takes_mode(layer):
        return options
    return {**options, "training": True}


def leaves(values: Any) -> list[Any]:
    """The tensors in nested lists and tuples, in order."""
    if isinstance(values, (list, tuple)):
        return [leaf for value in values for leaf in leaves(value)]
    return [values]


def like(structure: Any, values: Iterator[Any]) -> Any:
    """`structure` with its leaves replaced by the next of `values`."""
    if isinstance(structure, (list, tuple)):
        return [like(part, values) for part in structure]
    return next(values)


def is_float(tensor: Any) -> bool:
    """Whether a tensor or an array holds floating-point numbers."""
    return "float" in str(tensor.dtype)


def layerwise(adapter: Adapter) -> Layerwise:
    """The layers of `adapter`'s model by its backend."""
    module = importlib.import_module(f"trainband.benchmarks.backends.{adapter.profile.backend}_layerwise")
    found: Layerwise = module.create(adapter)
    return found
