"""PyTorch: a model's layers called one after the other, without what Keras does around each call.

Eager PyTorch pays for `Layer.__call__` in every step: it binds signatures, maps nested values, and looks for masks, scopes and
symbols. On a CPU that is a fifth of a millisecond a layer, as much as a small layer's work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import keras
import torch

from trainband.benchmarks.backends.common import takes_mode

try:
    from keras.src.backend import AutocastScope
    from keras.src.models.functional import Functional
except ImportError:  # a Keras that has them elsewhere: its own call serves
    AutocastScope = Functional = None

Forward = Callable[..., Any]
Tensors = dict[int, Any]
Step = Callable[[Tensors, bool], None]

_OURS = ("keras", "trainband")
_LEFT_TO_KERAS = ("activity_regularizer", "quantization_mode", "_remat_mode", "_layers")


def forward_of(model: Any) -> Forward:
    """What gives `model`'s output for its input as `model(inputs, training=...)` does, to the bit.

    `call` of a layer or of the model may be replaced later on; the replacement is called.

    Args:
      model: built.

    Returns:
      `model` itself where its graph cannot be read.
    """
    try:
        steps = list(_steps(model)) if _is_readable(model) else []
    except AttributeError:  # Keras keeps its graph to itself, and may keep it in another way
        steps = []
    if not steps:
        return model  # type: ignore[no-any-return]
    [source], [result] = model.inputs, model.outputs
    dtype = getattr(torch, source.dtype)

    def forward(inputs: Any, *, training: bool) -> Any:
        if "call" in vars(model):
            return model(inputs, training=training)
        tensors = {id(source): inputs.to(dtype)}
        for step in steps:
            step(tensors, training)
        return tensors[id(result)]

    return forward


def _is_readable(model: Any) -> bool:
    return (
        Functional is not None
        and type(model).call is Functional.call
        and len(model.inputs) == len(model.outputs) == 1
        and not any(_hides_its_mode(layer) for layer in model.layers)
    )


def _hides_its_mode(layer: Any) -> bool:
    """Whether layers inside of it learn only from the model's own call whether they train."""
    return bool(layer._layers) and not takes_mode(layer)


def _steps(model: Any) -> Iterator[Step]:
    """The calls of a model's graph, in Keras's order."""
    for depth in sorted(model._nodes_by_depth, reverse=True):
        for node in model._nodes_by_depth[depth]:
            if not node.is_input:
                yield _step(node)


def _step(node: Any) -> Step:
    arguments, options = node.arguments.args, node.arguments.kwargs
    outputs = [id(output) for output in node.outputs]
    call, is_told = _call(node), takes_mode(node.operation)

    def step(tensors: Tensors, training: bool) -> None:
        given = _filled(options, tensors) if options else {}
        if is_told:
            given["training"] = training
        found = call(*_filled(arguments, tensors), **given)
        flat = (found,) if isinstance(found, torch.Tensor) else keras.tree.flatten(found)
        tensors.update(zip(outputs, flat, strict=True))

    return step


def _call(node: Any) -> Callable[..., Any]:
    operation = node.operation
    is_layer = isinstance(operation, keras.layers.Layer)
    if is_layer and (not _is_plain(operation) or _is_masked(node) or _is_cast(node)):
        return operation  # type: ignore[no-any-return]

    def call(*arguments: Any, **options: Any) -> Any:
        return operation.call(*arguments, **options)  # as it is by now: it may have been replaced

    def call_in_precision(*arguments: Any, **options: Any) -> Any:
        with AutocastScope(operation.compute_dtype):
            return call(*arguments, **options)

    return call_in_precision if is_layer and operation.compute_dtype != operation.variable_dtype else call


def _is_plain(layer: Any) -> bool:
    """Whether Keras does nothing around its call that this model needs; of a stranger's layer that is not known."""
    stranger = type(layer).__module__.partition(".")[0] not in _OURS
    return not stranger and not any(getattr(layer, name, None) for name in _LEFT_TO_KERAS)


def _is_masked(node: Any) -> bool:
    """Whether Keras hands a mask from tensor to tensor here."""
    return any(getattr(x, "_keras_mask", None) is not None for x in (*node.input_tensors, *node.outputs))


def _is_cast(node: Any) -> bool:
    """Whether Keras gives a tensor to the layer in another precision."""
    layer = node.operation
    others = [x.dtype for x in node.input_tensors if layer.autocast and x.dtype != layer.input_dtype]
    return any(getattr(torch, dtype).is_floating_point for dtype in others)


def _filled(value: Any, tensors: Tensors) -> Any:
    """`value` with what was computed in the place of Keras's symbols."""
    if isinstance(value, keras.KerasTensor):
        return tensors[id(value)]
    if isinstance(value, (list, tuple)):
        filled = [_filled(each, tensors) for each in value]
        return tuple(filled) if isinstance(value, tuple) else filled  # an index means another thing as a list
    if isinstance(value, dict):
        return {name: _filled(each, tensors) for name, each in value.items()}
    return value
