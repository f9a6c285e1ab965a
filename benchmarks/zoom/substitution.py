"""Each layer of one side fed with the reference's own inputs and gradients: no error of another layer reaches it."""

from __future__ import annotations

import numpy as np

from trainband.benchmarks.backends.base import Adapter, BackendError
from trainband.benchmarks.zoom.dump import Place, Reference, Tensors
from trainband.benchmarks.zoom.layerwise import is_float, layerwise, like
from trainband.benchmarks.zoom.own_step import layer_tensors, update_tensors


def substitute(adapter: Adapter, reference: Reference) -> Tensors:
    """What each layer, the loss, the update and the evaluation of `adapter` make of the reference's step.

    Raises:
      BackendError: the reference has a layer that this model has not.
    """
    layers = layerwise(adapter)
    wide = adapter.profile.precision == "float64"

    def fed(array: np.ndarray) -> np.ndarray:
        return array.astype(np.float64) if wide and is_float(array) else array

    adapter.assign(reference.weights)
    _set_generators(adapter, reference)
    found: Tensors = []
    with layers.drawing(reference.keys):
        for call, inputs, slopes in zip(reference.calls, reference.inputs, reference.slopes, strict=True):
            if call.layer not in layers.layers:
                raise BackendError(f"layer {call.layer}: the other run's model has it, this one has not")
            layer = layers.layers[call.layer]
            arguments = like(call.arguments, iter([fed(array) for array in inputs]))
            given = inputs[len(inputs) - len(call.tensors) :]
            options = {**call.options, **dict(zip(call.tensors, map(layers.tensor, given), strict=True))}
            with layers.same_draws():
                pulled = layers.pull_back(layer, arguments, options, [fed(slope) for slope in slopes] or None)
            found += layer_tensors(layer, call.call, pulled)
    loss, slope = layers.loss(reference.targets, fed(reference.outputs))
    found += [(Place(stage="loss", layer="", tensor=name), np.asarray(value)) for name, value in
              (("loss", np.array([loss])), ("slope", slope))]  # fmt: skip
    layers.set_optimizer(reference.step, [fed(slot) for slot in reference.slots])
    whole = reference.rows == adapter.recipe.batch_size
    layers.descend([fed(gradient) for gradient in reference.gradients], reference.learning_rate, pulled=whole)
    found += update_tensors(adapter, reference.weights)
    adapter.assign(reference.weights)
    outputs = adapter.eval_step(reference.evaluated)
    return [*found, (Place(stage="evaluation", layer="", tensor="output"), outputs)]


def _set_generators(adapter: Adapter, reference: Reference) -> None:
    """Let the framework's own random layers draw as the reference's did, where they have generators of its kind."""
    states = adapter.generator_states()
    forms = [
        {name: (state.shape, state.dtype) for name, state in each.items()} for each in (states, reference.generators)
    ]
    if states and forms[0] == forms[1]:
        adapter.restore_generators(reference.generators)
