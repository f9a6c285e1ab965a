"""Digests and norms of every tensor of a training state, under our own names.

Frameworks rename their variables between releases, so a tensor is known by its layer, its role, its slot and its place
among the model's variables; the framework's own name is a remark.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from trainband.benchmarks.backends.base import Adapter, VariableEntry
from trainband.benchmarks.digests import array_digest

DIGEST_BYTES = 16
INITIAL = -1

Kind = Literal["gradient", "parameter", "statistic", "slot"]


@dataclass(frozen=True, kw_only=True)
class TensorKey:
    """What a tensor of the state is.

    Attributes:
      kind: a gradient (before regularisation and clipping), a trainable parameter, a variable that is not trained
        (such as a running mean), or a slot of the optimizer.
      position: the variable's place among all variables of the model.
      slot: momentum, m or v; empty but for slots.
      remark: the framework's name of the variable.
    """

    kind: Kind
    layer: str
    role: str
    position: int
    shape: tuple[int, ...]
    dtype: str
    slot: str = ""
    remark: str = ""

    @property
    def name(self) -> str:
        return f"{self.layer}/{self.role}" + (f" {self.slot}" if self.slot else "")


@dataclass(frozen=True, kw_only=True)
class StateDigests:
    """The state after a step, and the gradients of that step.

    Attributes:
      step: its number; INITIAL before training, when there are no gradients.
      digests: uint8 [tensors, 16], the first half of each tensor's content digest; 0 where there is no tensor.
      norms: float64 [tensors], Euclidean; NaN where there is no tensor.
    """

    step: int
    digests: np.ndarray
    norms: np.ndarray


def tensor_keys(adapter: Adapter) -> tuple[TensorKey, ...]:
    """The keys of an adapter that is built, in the order of `state_digests`."""
    entries = adapter.variables
    keys = [_key("gradient", entries, position) for position in _trainable(adapter)]
    keys += [_key("parameter" if entry.trainable else "statistic", entries, i) for i, entry in enumerate(entries)]
    return (*keys, *(_key("slot", entries, slot.position, slot.slot) for slot in adapter.slots))


def _trainable(adapter: Adapter) -> list[int]:
    return [position for position, entry in enumerate(adapter.variables) if entry.trainable]


def _key(kind: Kind, entries: Sequence[VariableEntry], position: int, slot: str = "") -> TensorKey:
    entry = entries[position]
    layer, _, role = entry.name.rpartition("/")
    return TensorKey(
        kind=kind,
        layer=layer,
        role=role,
        position=position,
        shape=tuple(int(size) for size in entry.variable.shape),
        dtype=str(getattr(entry.variable.dtype, "name", entry.variable.dtype)),
        slot=slot,
        remark=str(getattr(entry.variable, "path", "") or entry.variable.name),
    )


def state_digests(adapter: Adapter, step: int) -> StateDigests:
    """Digests and norms of gradients, variables and slots; the device must be idle."""
    missing = len(_trainable(adapter)) if step == INITIAL else 0
    tensors = [] if missing else list(adapter.gradients())
    slots = adapter.optimizer_state()
    tensors += [*adapter.weights(), *(slots[slot.index] for slot in adapter.slots)]
    digests, norms = digests_of(tensors)
    return StateDigests(
        step=step,
        digests=np.concatenate([np.zeros((missing, DIGEST_BYTES), np.uint8), digests]),
        norms=np.concatenate([np.full(missing, np.nan), norms]),
    )


def digests_of(tensors: Iterable[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """uint8 [tensors, 16] and float64 [tensors]."""
    digests, norms = [], []
    for tensor in tensors:
        digests.append(np.frombuffer(bytes.fromhex(array_digest(tensor))[:DIGEST_BYTES], np.uint8))
        norms.append(float(np.linalg.norm(tensor.reshape(-1))))
    return np.array(digests, np.uint8).reshape(-1, DIGEST_BYTES), np.array(norms, np.float64)
