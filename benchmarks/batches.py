"""Batches as a function of (seed, epoch) through NumPy alone: order, augmentation's draws, keys of random layers."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from trainband.benchmarks.augmentation import AUGMENTATIONS
from trainband.benchmarks.data.stored import Rows, StoredRows
from trainband.models.layers.draws import step_keys
from trainband.models.specs import Recipe

# Seed, epoch and number of examples to a permutation of them.
Order = Callable[[int, int, int], np.ndarray]
_ORDER_STREAM = 0x0DE2
_AUGMENT_STREAM = 0xA06E


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What one training step is fed, on the host.

    Attributes:
      inputs: [batch, ...] in the data set's dtype, after augmentation; or int32 [batch], rows of the inputs that the device keeps.
      labels: int32 [batch, ...].
      keys: int64 [random layers].
      learning_rate: the rate in force at this step; None leaves it to the optimizer.
    """

    step: int
    inputs: np.ndarray
    labels: np.ndarray
    keys: np.ndarray
    learning_rate: float | None


def epoch_order(seed: int, epoch: int, examples: int) -> np.ndarray:
    """The permutation of the training examples in `epoch`: int64 [examples]."""
    return _generator(seed, _ORDER_STREAM, epoch).permutation(examples)


def _generator(seed: int, stream: int, epoch: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, stream, epoch])))


def _bytes(array: np.ndarray) -> memoryview:
    return np.ascontiguousarray(array).data


class BatchSource:
    """The training batches of one run, in order, with a checksum of each that was handed out.

    Attributes:
      checksums: CRC-32 of each batch: over labels and keys, and over the inputs after augmentation; without augmentation
        over the numbers of the rows, from the checksum of all inputs and labels on.
      fed_checksums, draw_checksums: the same of each batch without its keys, and of its keys alone.
    """

    def __init__(
        self,
        inputs: np.ndarray | Rows,
        labels: np.ndarray,
        *,
        recipe: Recipe,
        seed: int,
        random_layers: int,
        resident: bool = False,
        draw_seed: int | None = None,
        order: Order = epoch_order,
    ) -> None:
        """Batches of `inputs`; of their row numbers where they are `resident`, which rules augmentation out.

        Keys of random layers come from `draw_seed`, by default from `seed` like everything else.
        """
        if recipe.augmentation is not None and recipe.augmentation not in AUGMENTATIONS:
            known = ", ".join(sorted(AUGMENTATIONS))
            raise ValueError(f"recipe.augmentation = {recipe.augmentation!r}: not one of {known}")
        if recipe.batch_size > len(inputs):
            raise ValueError(f"recipe.batch_size = {recipe.batch_size}: more than the {len(inputs)} training examples")
        if resident and recipe.augmentation is not None:
            raise ValueError(f"resident inputs cannot be augmented by {recipe.augmentation!r}")
        self._augmentation = AUGMENTATIONS[recipe.augmentation] if recipe.augmentation else None
        self._rows = StoredRows(inputs, resident=resident) if isinstance(inputs, np.ndarray) else inputs
        if self._rows.on_files != (self._augmentation is not None and self._augmentation.apply is None):
            raise ValueError(
                f"recipe.augmentation = {recipe.augmentation!r}: images in files need one that crops, others none"
            )
        self._labels = labels.astype(np.int32)
        self._recipe = recipe
        self._seed = seed
        self._draw_seed = seed if draw_seed is None else draw_seed
        self._random_layers = random_layers
        self._order = order
        self.checksums: list[int] = []
        self.fed_checksums: list[int] = []
        self.draw_checksums: list[int] = []
        self.examples_handed_out = 0
        self.batch_bytes = recipe.batch_size * self._rows.row_bytes
        self.steps_per_epoch = len(inputs) // recipe.batch_size
        self.total_steps = self.steps_per_epoch * recipe.epochs

    @cached_property
    def _checksum(self) -> int:
        if self._recipe.augmentation is not None:
            return 0
        return zlib.crc32(_bytes(self._labels), self._rows.checksum())

    def go_on(
        self, checksums: Sequence[int], fed_checksums: Sequence[int], draw_checksums: Sequence[int], examples: int
    ) -> None:
        """Count what an earlier process was handed out, before the first batch of this one."""
        self.checksums, self.fed_checksums = list(checksums), list(fed_checksums)
        self.draw_checksums = list(draw_checksums)
        self.examples_handed_out = examples

    def epoch(self, epoch: int, first: int = 0) -> Iterator[Batch]:
        """The batches of `epoch` from its `first` one on; the last partial batch is dropped."""
        size = self._recipe.batch_size
        steps = slice(first * size, self.steps_per_epoch * size)
        order = self._order(self._seed, epoch, len(self._rows)).astype(np.int32)
        draws = augment = None
        if self._augmentation is not None:
            draws = self._augmentation.draw(_generator(self._seed, _AUGMENT_STREAM, epoch), len(order))[steps]
            augment = self._augmentation.apply
        order = order[steps]
        made = self._rows.fed(order, draws, size, augment)
        for step, inputs in enumerate(made, start=epoch * self.steps_per_epoch + first):
            rows, order = order[:size], order[size:]
            yield self._batch(step, inputs, self._labels[rows], rows if draws is None else inputs)

    def _batch(self, step: int, inputs: np.ndarray, labels: np.ndarray, seen: np.ndarray) -> Batch:
        keys = step_keys(self._draw_seed, step, self._random_layers)
        checksum = self._checksum
        for part in (seen, labels):
            checksum = zlib.crc32(_bytes(part), checksum)
        self.fed_checksums.append(checksum)
        self.draw_checksums.append(zlib.crc32(_bytes(keys)))
        self.checksums.append(zlib.crc32(_bytes(keys), checksum))
        self.examples_handed_out += len(inputs)
        rate = self._recipe.learning_rate(step, steps_per_epoch=self.steps_per_epoch)
        return Batch(step=step, inputs=inputs, labels=labels, keys=keys, learning_rate=rate)

    def digest(self, steps: int | None = None) -> str:
        """sha256 over the checksums of the first `steps` batches handed out, of all so far when None, in order."""
        return hashlib.sha256(np.array(self.checksums[:steps], dtype="<u4").tobytes()).hexdigest()
