"""A step of a run taken layer by layer beside the compiled one: what each layer gave, forward and backward."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from trainband.benchmarks.backends.base import Adapter
from trainband.benchmarks.backends.logits_digest import logits_digests, row_stride
from trainband.benchmarks.batches import Batch
from trainband.benchmarks.digests import array_digest
from trainband.benchmarks.trace.recorder import StateRecorder
from trainband.benchmarks.zoom.dump import CallShape, Place, Reference, Tensors
from trainband.benchmarks.zoom.layerwise import Call, Layerwise, Pulled, layerwise, leaves, like

# Of all arguments, outputs and gradients that a file holds; where a batch has more, it holds its first examples.
SAMPLE_BYTES = 1 << 28


@dataclass(frozen=True, kw_only=True)
class StepFigures:
    """What one step gave layer by layer.

    Attributes:
      tensors: forward, loss and gradients; floats of the first `reference.rows` examples where they have examples.
    """

    reference: Reference
    tensors: Tensors


class StepLook:
    """An observer that takes one step layer by layer just before it is trained, and sees what the update did."""

    def __init__(
        self, adapter: Adapter, recorder: StateRecorder, *, batch: Batch, evaluated: np.ndarray, rows: int | None
    ) -> None:
        """`batch` holds inputs, not row numbers; `rows` is how many of its examples are kept, None for what fits."""
        self._adapter, self._recorder = adapter, recorder
        self._batch, self._evaluated, self._rows = batch, evaluated, rows
        self.figures: StepFigures | None = None
        self.updates: Tensors = []

    def due(self, step: int) -> bool:
        return step == self._batch.step - 1 or self._recorder.due(step)

    def observe(self, step: int) -> None:
        if step == self._batch.step - 1:
            self.look()
        if self._recorder.due(step):
            self._recorder.observe(step)
        if step == self._batch.step and self.figures is not None:
            self.updates = update_tensors(self._adapter, self.figures.reference.weights)

    def look(self) -> None:
        """Take the step; the state is left as it was, to the bit."""
        weights, state = self._adapter.weights(), self._adapter.optimizer_state()
        slots = [state[entry.index] for entry in self._adapter.slots]
        self.figures = _taken(self._adapter, self._batch, weights, slots, self._evaluated, self._rows)
        self._adapter.assign(weights, state)


def update_tensors(adapter: Adapter, before: Any) -> Tensors:
    """How far each trainable variable has moved from `before`, float64."""
    rows = zip(adapter.variables, adapter.weights(), before, strict=True)
    found = []
    for entry, after, old in rows:
        layer, _, role = entry.name.rpartition("/")
        if entry.trainable:
            moved = np.asarray(after, np.float64) - np.asarray(old, np.float64)
            size = float(np.linalg.norm(np.asarray(old, np.float64)))
            found.append((Place(stage="update", layer=layer, tensor=role, base_norm=size), moved))
    return found


def _taken(
    adapter: Adapter, batch: Batch, weights: Any, slots: Any, evaluated: np.ndarray, rows: int | None
) -> StepFigures:
    layers = layerwise(adapter)
    targets = batch.inputs if adapter.targets_are_inputs else batch.labels
    generators = adapter.generator_states()
    outputs, calls = layers.forward(batch.inputs, batch.keys)
    loss, slope = layers.loss(targets, outputs)
    with layers.drawing(batch.keys):
        backward = _backward(layers, calls, slope)
    rows = rows or _rows_that_fit(layers, calls, len(outputs))
    shapes, inputs, slopes = _fed(layers, calls, backward, rows)
    reference = Reference(
        step=batch.step,
        rows=rows,
        learning_rate=batch.learning_rate,
        calls=shapes,
        inputs=inputs,
        slopes=slopes,
        logits=_logits_digest(outputs),
        outputs=outputs[:rows],
        targets=targets[:rows],
        keys=batch.keys,
        weights=weights,
        slots=slots,
        gradients=_weight_gradients(layers, calls, backward, weights),
        evaluated=evaluated,
        generators=generators,
    )
    return StepFigures(reference=reference, tensors=[_loss_place(loss), *_places(calls, backward, rows)])


def _logits_digest(outputs: np.ndarray) -> np.ndarray:
    """As a step's own: of every `row_stride`-th row."""
    rows = np.asarray(outputs, np.float32).reshape(-1, outputs.shape[-1])
    return np.asarray(logits_digests([np.ascontiguousarray(rows[:: row_stride(outputs.shape)])])[0])


@dataclass(frozen=True, kw_only=True)
class _Backward:
    """Of one call: what came in from behind, and what the layer made of it."""

    slopes: list[np.ndarray]
    pulled: Pulled


def _backward(layers: Layerwise, calls: list[Call], slope: np.ndarray) -> list[_Backward]:
    """Each call pulled back, in the order of the calls."""
    upstream: dict[int, list[np.ndarray]] = {id(calls[-1].outputs): [slope]}
    found = []
    for call in reversed(calls):
        slopes = [upstream.pop(id(output), []) for output in leaves(call.outputs)]
        known = [layers.total(each) for each in slopes if each]
        arguments = _arrays(layers, call.arguments)
        with layers.same_draws():
            pulled = layers.pull_back(call.layer, arguments, call.options, known or None)
        for leaf, gradient in zip(leaves(call.arguments), pulled.input_gradients, strict=True):
            if gradient is not None:
                upstream.setdefault(id(leaf), []).append(gradient)
        found.append(_Backward(slopes=known, pulled=pulled))
    return found[::-1]


def _arrays(layers: Layerwise, arguments: Any) -> Any:
    return like(arguments, (layers.array(leaf) for leaf in leaves(arguments)))


def _rows_that_fit(layers: Layerwise, calls: list[Call], batch: int) -> int:
    size = sum(layers.array(leaf).nbytes for call in calls for leaf in leaves((call.arguments, call.outputs)))
    return int(min(batch, max(1, batch * SAMPLE_BYTES // (2 * size))))


def numbered(calls: list[Call]) -> Iterator[tuple[Call, int]]:
    """Each call with how often its layer was called before."""
    seen: dict[str, int] = {}
    for call in calls:
        yield call, seen.get(call.layer.name, 0)
        seen[call.layer.name] = seen.get(call.layer.name, 0) + 1


def layer_tensors(layer: Any, call: int, pulled: Pulled, rows: int | None = None) -> Tensors:
    """The places of what one call gave: outputs, statistics, and gradients by weights and inputs; only `rows` examples."""

    def place(stage: Any, tensor: str, array: np.ndarray, *, examples: bool) -> tuple[Place, np.ndarray]:
        cut = array[:rows] if examples else array
        return Place(
            stage=stage,
            layer=layer.name,
            tensor=tensor,
            call=call,
            dtype=pulled.dtype,
            digest=array_digest(array),
            other_kernel=getattr(layer, "other_kernel_in_float64", False),
        ), cut

    found = [place("forward", "output", array, examples=True) for array in pulled.outputs[:1]]
    found += [place("forward", f"output {i}", a, examples=True) for i, a in enumerate(pulled.outputs[1:], start=1)]
    others = [_role(variable) for variable in layer.non_trainable_weights]
    found += [place("statistics", r, a, examples=False) for r, a in zip(others, pulled.statistics, strict=False)]
    own = [_role(variable) for variable in layer.trainable_weights]
    by_weights = zip(own, pulled.weight_gradients, strict=False)
    found += [place("gradient", role, a, examples=False) for role, a in by_weights if a is not None]
    by_inputs = enumerate(pulled.input_gradients)
    return found + [place("gradient", f"input {i}", a, examples=True) for i, a in by_inputs if a is not None]


def _role(variable: Any) -> str:
    return str(variable.name.split("/")[-1].split(":")[0])


def _loss_place(loss: float) -> tuple[Place, np.ndarray]:
    return Place(stage="loss", layer="", tensor="loss"), np.array([loss])


def _places(calls: list[Call], backward: list[_Backward], rows: int) -> Tensors:
    found: Tensors = []
    for (call, number), back in zip(numbered(calls), backward, strict=True):
        found += layer_tensors(call.layer, number, back.pulled, rows)
    return found


def _weight_gradients(
    layers: Layerwise, calls: list[Call], backward: list[_Backward], weights: Any
) -> list[np.ndarray]:
    """By each trainable variable of the model, added up over the calls of its layer."""
    total: dict[int, np.ndarray] = {}
    for call, back in zip(calls, backward, strict=True):
        for variable, gradient in zip(call.layer.trainable_weights, back.pulled.weight_gradients, strict=False):
            place = layers.positions[id(variable)]
            if gradient is not None:
                total[place] = total[place] + gradient if place in total else gradient
    trainable = [place for place, entry in enumerate(layers.adapter.variables) if entry.trainable]
    return [total[place] if place in total else np.zeros_like(weights[place]) for place in trainable]


def _fed(
    layers: Layerwise, calls: list[Call], backward: list[_Backward], rows: int
) -> tuple[tuple[CallShape, ...], list[list[np.ndarray]], list[list[np.ndarray]]]:
    """How each call was made, the first `rows` examples of its arguments, and of the gradients by its outputs."""
    shapes, inputs = [], []
    for (call, number), back in zip(numbered(calls), backward, strict=True):
        arrays = [layers.array(leaf)[:rows] for leaf in leaves(call.arguments)]
        plain = {name: value for name, value in call.options.items() if isinstance(value, (bool, int, float))}
        tensors = {name: value for name, value in call.options.items() if hasattr(value, "dtype")}
        shapes.append(
            CallShape(
                layer=call.layer.name,
                call=number,
                arguments=tuple(like(call.arguments, iter(range(len(arrays))))),
                options=plain,
                tensors=tuple(tensors),
                slopes=len(back.slopes),
            )
        )
        inputs.append([*arrays, *(layers.array(value)[:rows] for value in tensors.values())])
    return tuple(shapes), inputs, [[slope[:rows] for slope in back.slopes] for back in backward]
