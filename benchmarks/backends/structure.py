"""What of a built model decides what it learns, told in the same words on every backend and in every version of Keras.

How the layers are connected is not told: two models of equal layers in the same order count as one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

_OPERATIONS = ("TFOpLambda", "SlicingOpLambda")  # what Keras 2 calls operators between tensors: no layers in Keras 3
# Attributes of Keras's layers and of ours that move what is learnt. Those that a variable's shape tells are left out, and
# `axis`, which Keras 2 and 3 tell differently.
_SETTINGS = (
    "activation",
    "approximate",
    "causal",
    "cropping",
    "dilation_rate",
    "dropout",
    "epsilon",
    "go_backwards",
    "groups",
    "heads",
    "interpolation",
    "mask_zero",
    "max_value",
    "momentum",
    "negative_slope",
    "offset",
    "padding",
    "place",
    "pool_size",
    "rate",
    "recurrent_activation",
    "recurrent_dropout",
    "reset_after",
    "return_sequences",
    "scale",
    "size",
    "strides",
    "target_shape",
    "threshold",
)
_OF_INITIALIZERS = ("distribution", "gain", "maxval", "mean", "minval", "mode", "scale", "stddev", "value")


def structure_of(layers: Sequence[Any], variables: Sequence[Any], *, stock: bool) -> list[Any]:
    """Layers by name, kind and settings, and variables by name, shape, dtype, role and what their initial weights are drawn from.

    Args:
      variables: as `Adapter.variables`.
      stock: the recipe leaves settings and initial weights to the framework, so that they are no part of what is asked for.
    """
    names = () if stock else _SETTINGS
    kinds = [(layer, getattr(layer, "kind", type(layer).__name__)) for layer in layers]
    told = [[layer.name, kind, _plain_attributes(layer, names)] for layer, kind in kinds if kind not in _OPERATIONS]
    return [told, [_told_variable(entry) for entry in variables]]


def _told_variable(entry: Any) -> list[Any]:
    shape = [int(size) for size in entry.variable.shape]
    return [entry.name, shape, _dtype_name(entry.variable), entry.trainable, _told_initializer(entry.initializer)]


def _told_initializer(initializer: Any) -> list[Any] | None:
    if initializer is None:
        return None
    values = _plain_attributes(initializer, _OF_INITIALIZERS)
    # Glorot's and He's are names for settings of one kind; Keras 3 writes "OrthogonalInitializer".
    name = "VarianceScaling" if "distribution" in values else type(initializer).__name__.removesuffix("Initializer")
    return [name, values]


def _plain_attributes(thing: Any, names: Sequence[str]) -> dict[str, Any]:
    found = {name: _plain(getattr(thing, name, None)) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def _plain(value: Any) -> Any:
    """`value` as JSON has it, a function by its name; None for what is no setting, such as a variable."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        items = [_plain(item) for item in value]
        return None if None in items else items
    return getattr(value, "__name__", None) if callable(value) else None


def _dtype_name(variable: Any) -> str:
    """The name alone; of TensorFlow's own variables, which Keras 2 has, the dtype is an object."""
    dtype = getattr(variable, "dtype", "")
    return str(getattr(dtype, "name", dtype))
