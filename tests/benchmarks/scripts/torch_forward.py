"""Models on PyTorch, called by Keras and layer by layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import torch
from keras import layers, ops

from trainband.benchmarks.backends.torch_forward import forward_of


class Stranger(layers.Layer):  # type: ignore[misc]
    """A layer of another package, as far as its module says."""

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        self.add_loss(ops.sum(inputs))
        return inputs * (3.0 if training else 1.0)


class StrangersBlock(layers.Layer):  # type: ignore[misc]
    """Its dropout learns from the model's call alone that it trains."""

    def __init__(self) -> None:
        super().__init__()
        self.drop = layers.Dropout(0.5, seed=1)

    def call(self, inputs: Any) -> Any:
        return self.drop(inputs)


class StrangersMask(Stranger):
    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return ops.any(ops.not_equal(inputs, 0.0), axis=-1)


def _sequence(*stack: Any) -> Any:
    x = inputs = keras.Input((5, 4))
    for layer in stack:
        x = layer(x)
    return keras.Model(inputs, x)


def _shared() -> Any:
    inputs = keras.Input((5, 4))
    dense = layers.Dense(4, activation="relu")
    x = layers.Add()([dense(inputs), dense(ops.flip(inputs, axis=1))])
    return keras.Model(inputs, layers.Concatenate()([x[:, 0], 2.0 - x[:, -1], ops.max(x, axis=(1,))]))


def _nested() -> Any:
    inner = _sequence(layers.Dense(4), layers.BatchNormalization(), layers.Dropout(0.5, seed=2))
    return _sequence(inner, layers.LSTM(3))


class StrangersStates(layers.Layer):  # type: ignore[misc]
    def call(self, inputs: Any) -> Any:
        return {"a": [inputs + 1.0], "b": (inputs, -inputs)}


def _states() -> Any:
    inputs = keras.Input((5, 4))
    found = StrangersStates()(inputs)
    steps, *states = layers.LSTM(4, return_sequences=True, return_state=True)(found["a"][0])
    return keras.Model(inputs, layers.Concatenate()([steps[:, -1], *states, ops.max(found["b"][1], axis=1)]))


def _two_outputs() -> Any:
    inputs = keras.Input((5, 4))
    return keras.Model(inputs, [layers.Dense(2)(inputs), inputs])


GRAPHS: dict[str, Callable[[], Any]] = {
    "shared layers, indices, numbers": _shared,
    "a model in a model, recurrence": _nested,
    "nested outputs and states": _states,
    "attention": lambda: _sequence(layers.Dense(8), _attention()),
    "a regularised activation": lambda: _sequence(layers.Dense(4, activity_regularizer="l2")),
    "a stranger's layer": lambda: _sequence(layers.Dense(4), Stranger()),
    "a stranger's block": lambda: _sequence(layers.Dense(4), StrangersBlock()),
    "a stranger's mask": lambda: _sequence(layers.Dense(4), StrangersMask(), layers.GlobalAveragePooling1D()),
    "masking": lambda: _sequence(layers.Masking(), layers.GlobalAveragePooling1D()),
    "two outputs": _two_outputs,
    "a sequential model": lambda: keras.Sequential([keras.Input((5, 4)), layers.Dense(2)]),
}


def _attention() -> Any:
    inputs = keras.Input((5, 8))
    return keras.Model(inputs, layers.MultiHeadAttention(2, 4, dropout=0.1, seed=3)(inputs, inputs))


def graphs() -> dict[str, dict[str, Any]]:
    """Each graph of GRAPHS: whether it is read, whether its outputs are the model's, in both modes, and losses left over."""
    return {name: _graph(make()) for name, make in GRAPHS.items()}


def _graph(model: Any) -> dict[str, Any]:
    inputs = np.random.default_rng(7).standard_normal((6, 5, 4)).astype(np.float32)
    inputs[:, 3:] = 0.0  # masked
    forward, equal = forward_of(model), True
    state = [variable.numpy() for variable in model.variables]
    for training in (True, False):
        found = []
        for call in (forward, model):
            for variable, value in zip(model.variables, state, strict=True):
                variable.assign(value)
            outputs = call(torch.tensor(inputs), training=training)
            found.append([*keras.tree.flatten(outputs), *(variable.value for variable in model.variables)])
        equal &= all(torch.equal(a, b) for a, b in zip(*found, strict=True))
    for _ in range(3):
        forward(torch.tensor(inputs), training=True)
    return {"read": forward is not model, "equal": equal, "losses": len(model.losses)}


def replaced_calls() -> dict[str, bool]:
    """Whether a call that is put in another's place afterwards is called."""
    model = _sequence(layers.Dense(4), layers.ReLU())
    inputs, forward = torch.ones((1, 5, 4)), forward_of(model)
    before = forward(inputs, training=False)
    layer, call = model.layers[-1], model.layers[-1].call
    layer.call = lambda given: call(given) + 1.0
    layer_found = torch.equal(forward(inputs, training=False), before + 1.0)
    model.call = lambda given, training=None, mask=None: given * 0.0 - 1.0
    model_found = torch.equal(forward(inputs, training=False), -torch.ones((1, 5, 4)))
    return {"read": forward is not model, "layer": layer_found, "model": model_found}
