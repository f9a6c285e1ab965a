"""From a spec to a model that is ready for its first step: built, placed, drawn, and its batches in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from trainband.benchmarks.backends.base import Adapter, BackendError
from trainband.benchmarks.batches import Batch, BatchSource
from trainband.benchmarks.data.cache import PreparedData
from trainband.benchmarks.data.rows import shared_rows
from trainband.benchmarks.data.stored import Rows, StoredRows
from trainband.benchmarks.data.streamed import StreamedImages
from trainband.benchmarks.data.synthetic import load_or_draw
from trainband.benchmarks.digests import array_digest, combine
from trainband.benchmarks.faults import Fault
from trainband.benchmarks.run_spec import RunSpec
from trainband.models.specs import Recipe


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What a run is fed, planted faults included; `shared` counts test inputs that stand in the training split."""

    data: PreparedData
    recipe: Recipe
    arrays: Mapping[str, np.ndarray]
    evaluated: str
    shared: int


def read_inputs(spec: RunSpec, faults: tuple[Fault, ...]) -> Inputs:
    """Load and verify the prepared data; raises DataError."""
    data = load_or_draw(spec.dataset, Path(spec.cache_root))
    arrays, recipe, evaluated = dict(data.arrays), spec.recipe, "test"
    for fault in faults:
        recipe = fault.recipe(recipe)
        arrays = fault.data(arrays)
        evaluated = fault.evaluated(arrays) if evaluated == "test" else evaluated
    shared = shared_rows(arrays["train_inputs"], arrays["test_inputs"])
    return Inputs(data=data, recipe=recipe, arrays=arrays, evaluated=evaluated, shared=shared)


def build(spec: RunSpec, adapter: Adapter) -> None:
    """Build the model on the profile's device and draw its initial weights.

    Raises:
      BackendError: the model does not lie on the profile's device.
    """
    adapter.build(spec.model.architecture)
    if not adapter.device().startswith(spec.profile.device):
        raise BackendError(
            f"profile {spec.profile.name} asks for {spec.profile.device}, the model lies on {adapter.device()}"
        )
    adapter.initialize(spec.seeds.initial_weights)


def weights_digest(adapter: Adapter) -> str:
    """Over all variables of the model, in model order."""
    rows = zip(adapter.variables, adapter.weights(), strict=True)
    return combine({f"{i:05d} {entry.name}": array_digest(value) for i, (entry, value) in enumerate(rows)})


class Feed:
    """The rows of both splits, and the batches of the training split in order.

    Attributes:
      rows: split -> its inputs.
    """

    def __init__(self, spec: RunSpec, adapter: Adapter, inputs: Inputs) -> None:
        """Keeps the training inputs on the device where the adapter can, so it takes one that is built."""
        self._spec, self._adapter, self._inputs = spec, adapter, inputs
        self.rows: dict[str, Rows] = {split: self._rows(split) for split in ("train", "test")}
        self._resident = not spec.dataset.streamed and adapter.keep(inputs.arrays["train_inputs"])

    def _rows(self, split: str) -> Rows:
        arrays = self._inputs.arrays
        if self._spec.dataset.streamed:
            return StreamedImages(self._spec.dataset, arrays, split, backend=self._spec.profile.backend)
        return StoredRows(arrays[f"{split}_inputs"])

    def batch(self, step: int) -> Batch:
        """What `step` is fed, its inputs themselves and not the numbers of their rows."""
        epoch, first = divmod(step, self.source().steps_per_epoch)
        batch = next(self.source().epoch(epoch, first))
        if not self._resident:
            return batch
        return replace(batch, inputs=self._inputs.arrays["train_inputs"][batch.inputs])

    def source(self) -> BatchSource:
        """The run's batches, from the first on."""
        return BatchSource(
            self._inputs.arrays["train_inputs"] if self._resident else self.rows["train"],
            self._inputs.arrays["train_labels"],
            recipe=self._inputs.recipe,
            seed=self._spec.seeds.batches,
            draw_seed=self._spec.seeds.draws,
            random_layers=self._adapter.random_layers,
            resident=self._resident,
        )
