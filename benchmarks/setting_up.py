"""From a spec to a model that is ready for its first step: built, placed, drawn, and its batches in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from trainband.benchmarks.backends.base import Adapter, BackendError
from trainband.benchmarks.batches import Batch, BatchSource, Order, epoch_order
from trainband.benchmarks.data.cache import PreparedData
from trainband.benchmarks.data.rows import shared_rows
from trainband.benchmarks.data.stored import Rows, StoredRows
from trainband.benchmarks.data.streamed import StreamedImages
from trainband.benchmarks.data.synthetic import load_or_draw
from trainband.benchmarks.digests import array_digest, combine
from trainband.benchmarks.faults.fault import Fault
from trainband.benchmarks.run_spec import RunSpec
from trainband.benchmarks.weights_file import WeightsError, read_weights
from trainband.models.specs import Recipe
from trainband.platforms.profiles import Profile


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What a run is fed, planted faults included.

    Attributes:
      data: as prepared.
      arrays: as trained on.
      evaluation: as evaluations read them.
      evaluated: the split of the final evaluation.
      shared: test inputs that stand in the training split.
    """

    faults: tuple[Fault, ...]
    data: PreparedData
    profile: Profile
    recipe: Recipe
    order: Order
    draw_seed: int
    arrays: Mapping[str, np.ndarray]
    evaluation: Mapping[str, np.ndarray]
    evaluated: str
    shared: int


def read_inputs(spec: RunSpec, faults: tuple[Fault, ...]) -> Inputs:
    """Load and verify the prepared data; raises DataError, or NoPlace where a fault has none."""
    data = load_or_draw(spec.dataset, Path(spec.cache_root))
    arrays, recipe, profile, evaluated = dict(data.arrays), spec.recipe, spec.profile, "test"
    order: Order = epoch_order
    draw_seed = spec.seeds.draws
    for fault in faults:
        recipe, profile = fault.recipe(recipe), fault.profile(profile)
        order, draw_seed = fault.order(order), fault.draw_seed(draw_seed)
        arrays = fault.data(arrays)
        evaluated = fault.evaluated(arrays) if evaluated == "test" else evaluated
    evaluation = arrays
    for fault in faults:
        evaluation = fault.evaluation(evaluation, recipe.batch_size)
    return Inputs(
        faults=faults,
        data=data,
        profile=profile,
        recipe=recipe,
        order=order,
        draw_seed=draw_seed,
        arrays=arrays,
        evaluation=evaluation,
        evaluated=evaluated,
        shared=shared_rows(arrays["train_inputs"], arrays["test_inputs"]),
    )


def build(spec: RunSpec, adapter: Adapter) -> None:
    """Build the model on the profile's device, and draw its initial weights.

    Raises:
      BackendError: the model does not lie on the profile's device, or cannot begin with the weights that it is given.
    """
    adapter.build(spec.model.architecture)
    if not adapter.device().startswith(spec.profile.device):
        raise BackendError(
            f"profile {spec.profile.name} asks for {spec.profile.device}, the model lies on {adapter.device()}"
        )
    adapter.initialize(spec.seeds.initial_weights, draws=spec.seeds.draws)
    if spec.initial_weights is not None:
        _transplant(Path(spec.initial_weights), adapter)


def plant(adapter: Adapter, faults: tuple[Fault, ...]) -> dict[str, str]:
    """Plant what sits in the built model: no part of what the recipe asks for, and so after its hash was taken.

    Returns:
      Fault -> the layer that it sits in, "" for none or all.

    Raises:
      NoPlace: a fault has none in this model.
    """
    return {fault.name: fault.built(adapter) for fault in faults}


def _transplant(path: Path, adapter: Adapter) -> None:
    shapes = [(entry.name, tuple(int(size) for size in entry.variable.shape)) for entry in adapter.variables]
    try:
        adapter.assign(read_weights(path, shapes))
    except WeightsError as error:
        raise BackendError(str(error)) from error


def weights_digest(adapter: Adapter) -> str:
    """Over all variables of the model, in model order."""
    rows = zip(adapter.variables, adapter.weights(), strict=True)
    return combine({f"{i:05d} {entry.name}": array_digest(value) for i, (entry, value) in enumerate(rows)})


class Feed:
    """The rows of both splits, and the batches of the training split in order.

    Attributes:
      train: the inputs of the training split.
    """

    def __init__(self, spec: RunSpec, adapter: Adapter, inputs: Inputs) -> None:
        """Keeps the training inputs on the device where the adapter can, so it takes one that is built."""
        self._spec, self._adapter, self._inputs = spec, adapter, inputs
        self.train = self._rows(inputs.arrays, "train")
        self._evaluated: dict[str, Rows] = {}
        self._resident = not spec.dataset.streamed and adapter.keep(inputs.arrays["train_inputs"])

    def _rows(self, arrays: Mapping[str, np.ndarray], split: str) -> Rows:
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

    def evaluated(self, split: str) -> tuple[Rows, np.ndarray]:
        """The rows of a split and their labels, as an evaluation is fed them."""
        if split not in self._evaluated:
            self._evaluated[split] = self._rows(self._inputs.evaluation, split)
        return self._evaluated[split], self._inputs.evaluation[f"{split}_labels"]

    def source(self) -> BatchSource:
        """The run's batches, from the first on."""
        return BatchSource(
            self._inputs.arrays["train_inputs"] if self._resident else self.train,
            self._inputs.arrays["train_labels"],
            recipe=self._inputs.recipe,
            seed=self._spec.seeds.batches,
            draw_seed=self._inputs.draw_seed,
            order=self._inputs.order,
            random_layers=self._adapter.random_layers,
            resident=self._resident,
        )
