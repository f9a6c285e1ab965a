"""What one side shows of a step, in a file: tensors under the place where they stand, and what the other side is fed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from trainband.results.codec import decode, encode

DumpStage = Literal["forward", "statistics", "loss", "gradient", "update", "evaluation"]


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a tensor stands in a step.

    Attributes:
      layer: its name; empty for the loss.
      tensor: `output`, `input 0` (the gradient by it), or a variable's role.
      call: which use of the layer, from 0 on.
      dtype: what the layer computed in.
      digest: of the whole tensor, where the array beside it holds some rows only; empty where it holds all.
      base_norm: of the variable that an update was taken from, whose rounding is in the difference.
      other_kernel: its kernel in float64 is not the one in float32, so float64 says nothing of rounding.
    """

    stage: DumpStage
    layer: str
    tensor: str
    call: int = 0
    dtype: str = ""
    digest: str = ""
    base_norm: float = 0.0
    other_kernel: bool = False

    @property
    def key(self) -> tuple[DumpStage, str, str, int]:
        """What stands for it on the other side."""
        return (self.stage, self.layer, self.tensor, self.call)


Tensors = list[tuple[Place, np.ndarray]]


@dataclass(frozen=True, kw_only=True)
class CallShape:
    """How a layer was called.

    Attributes:
      arguments: a number for each tensor, nested as they were.
      options: plain values given by name.
      tensors: names of the options that are tensors, such as a mask; they follow the arguments among the inputs.
      slopes: how many gradients come in from behind.
    """

    layer: str
    call: int
    arguments: tuple[Any, ...]
    options: Mapping[str, Any]
    tensors: tuple[str, ...]
    slopes: int


@dataclass(frozen=True, kw_only=True)
class Reference:
    """What the layers of both sides are fed: the first `rows` examples of one side's step.

    Attributes:
      inputs: for each call the tensors of its arguments, in order.
      slopes: for each call the loss's gradient by its outputs; empty where nothing flows.
      weights, slots: before the step, as the adapter orders them.
      gradients: of the whole batch, by each trainable variable.
      generators: states of the generators that the framework's own random layers draw from, before the step, by name.
      logits: digest of the whole batch's outputs, as a trace has it: uint32 [2].
    """

    step: int
    rows: int
    learning_rate: float | None
    calls: tuple[CallShape, ...]
    inputs: Sequence[Sequence[np.ndarray]]
    slopes: Sequence[Sequence[np.ndarray]]
    logits: np.ndarray
    outputs: np.ndarray
    targets: np.ndarray
    keys: np.ndarray
    weights: Sequence[np.ndarray]
    slots: Sequence[np.ndarray]
    gradients: Sequence[np.ndarray]
    evaluated: np.ndarray
    generators: Mapping[str, np.ndarray]


_LISTS = ("weights", "slots", "gradients")
_ARRAYS = ("logits", "outputs", "targets", "keys", "evaluated")
_NUMBERS = ("step", "rows", "learning_rate")


def write_tensors(path: Path, tensors: Tensors) -> None:
    """All of `tensors`, their places as JSON beside them."""
    arrays: dict[str, Any] = {f"t{i}": array for i, (_, array) in enumerate(tensors)}
    np.savez(path, places=_text([encode(place) for place, _ in tensors]), **arrays)


def read_tensors(path: Path) -> Tensors:
    """What `write_tensors` wrote."""
    with np.load(path, allow_pickle=False) as stored:
        places = [decode(Place, raw) for raw in json.loads(stored["places"].tobytes())]
        return [(place, stored[f"t{i}"]) for i, place in enumerate(places)]


def write_reference(path: Path, reference: Reference) -> None:
    """The whole of `reference`."""
    arrays = {name: getattr(reference, name) for name in _ARRAYS}
    for name in _LISTS:
        arrays |= {f"{name}{i}": array for i, array in enumerate(getattr(reference, name))}
    arrays |= {f"generators/{name}": array for name, array in reference.generators.items()}
    for name in ("inputs", "slopes"):
        for call, found in enumerate(getattr(reference, name)):
            arrays |= {f"{name}{call}.{i}": array for i, array in enumerate(found)}
    header = {name: getattr(reference, name) for name in _NUMBERS}
    header |= {name: len(getattr(reference, name)) for name in _LISTS}
    header["calls"] = [encode(call) for call in reference.calls]
    header["inputs"] = [len(found) for found in reference.inputs]
    header["generators"] = list(reference.generators)
    np.savez(path, header=_text(header), **arrays)


def read_reference(path: Path) -> Reference:
    """What `write_reference` wrote."""
    with np.load(path, allow_pickle=False) as stored:
        header = json.loads(stored["header"].tobytes())
        calls = tuple(decode(CallShape, raw) for raw in header["calls"])
        rows = zip(calls, header["inputs"], strict=True)
        found: dict[str, Any] = {name: header[name] for name in _NUMBERS} | {name: stored[name] for name in _ARRAYS}
        found |= {name: [stored[f"{name}{i}"] for i in range(header[name])] for name in _LISTS}
        return Reference(
            calls=calls,
            inputs=[[stored[f"inputs{c}.{i}"] for i in range(count)] for c, (_, count) in enumerate(rows)],
            generators={name: stored[f"generators/{name}"] for name in header["generators"]},
            slopes=[[stored[f"slopes{c}.{i}"] for i in range(call.slopes)] for c, call in enumerate(calls)],
            **found,
        )


def _text(document: Any) -> np.ndarray:
    return np.frombuffer(json.dumps(document, allow_nan=False).encode(), np.uint8)
