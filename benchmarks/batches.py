"""Batches as a function of (seed, epoch) through NumPy alone: order, augmentation and the keys of random layers."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from trainband.models.layers.draws import step_keys
from trainband.models.specs import Recipe

_ORDER_STREAM = 0x0DE2
_AUGMENT_STREAM = 0xA06E
CUTOUT = 8


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What one training step is fed, on the host.

    Attributes:
      inputs: [batch, ...] in the data set's dtype, after augmentation; or int32 [batch], rows of the inputs that the device keeps.
      labels: int32 [batch, ...].
      keys: int64 [random layers].
      learning_rate: the rate in force at this step.
    """

    step: int
    inputs: np.ndarray
    labels: np.ndarray
    keys: np.ndarray
    learning_rate: float


def epoch_order(seed: int, epoch: int, examples: int) -> np.ndarray:
    """The permutation of the training examples in `epoch`: int64 [examples]."""
    return _generator(seed, _ORDER_STREAM, epoch).permutation(examples)


def _generator(seed: int, stream: int, epoch: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, stream, epoch])))


def pad4_crop_flip(images: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """He et al. 2016's CIFAR augmentation: pad 4 zeros a side, crop at random to the old size, flip half of them.

    Args:
      images: uint8 [batch, height, width, channel].
      draws: integers [batch, 3]: row offset and column offset in [0, 8], flip in {0, 1}.
    """
    batch, height, width, channels = images.shape
    padded = np.zeros((batch, height + 8, width + 8, channels), np.uint8)
    padded[:, 4:-4, 4:-4] = images
    # One item a pixel: NumPy then copies and reverses pixels whole, which is several times as fast.
    pixel = np.dtype((np.void, channels))
    crops = np.empty((batch, height, width), pixel)
    for crop, image, (row, column, flip) in zip(crops, padded.view(pixel)[..., 0], draws.tolist(), strict=True):
        window = image[row : row + height, column : column + width]
        crop[...] = window[:, ::-1] if flip else window
    return crops.view(np.uint8).reshape(images.shape)


def _pad4_crop_flip_draws(rng: np.random.Generator, examples: int) -> np.ndarray:
    return np.concatenate([rng.integers(0, 9, (examples, 2)), rng.integers(0, 2, (examples, 1))], axis=1)


@dataclass(frozen=True)
class Augmentation:
    """How an augmentation draws for a whole epoch, and how it changes one batch by its rows of the draws."""

    draw: Callable[[np.random.Generator, int], np.ndarray]
    apply: Callable[[np.ndarray, np.ndarray], np.ndarray]


def pad4_crop_flip_cutout8(images: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """`pad4_crop_flip`, then a square of 8 x 8 pixels set to 0 (DeVries and Taylor 2017, whole squares only).

    Args:
      images: uint8 [batch, 32, 32, channel].
      draws: integers [batch, 5]: those of `pad4_crop_flip`, then the square's first row and column.
    """
    cropped = pad4_crop_flip(images, draws[:, :3])
    for image, (row, column) in zip(cropped, draws[:, 3:].tolist(), strict=True):
        image[row : row + CUTOUT, column : column + CUTOUT] = 0
    return cropped


def _pad4_crop_flip_cutout8_draws(rng: np.random.Generator, examples: int) -> np.ndarray:
    crops = _pad4_crop_flip_draws(rng, examples)
    return np.concatenate([crops, rng.integers(0, 32 - CUTOUT + 1, (examples, 2))], axis=1)


AUGMENTATIONS = {
    "pad4_crop_flip": Augmentation(_pad4_crop_flip_draws, pad4_crop_flip),
    "pad4_crop_flip_cutout8": Augmentation(_pad4_crop_flip_cutout8_draws, pad4_crop_flip_cutout8),
}


def _bytes(array: np.ndarray) -> memoryview:
    return np.ascontiguousarray(array).data


class BatchSource:
    """The training batches of one run, in order, with a checksum of each that was handed out.

    Attributes:
      checksums: CRC-32 of each batch: over labels and keys, and over the inputs after augmentation; without augmentation
        over the numbers of the rows, from the checksum of all inputs and labels on.
    """

    def __init__(
        self,
        inputs: np.ndarray,
        labels: np.ndarray,
        *,
        recipe: Recipe,
        seed: int,
        random_layers: int,
        resident: bool = False,
    ) -> None:
        """Batches of `inputs`; of their row numbers where they are `resident`, which rules augmentation out."""
        if recipe.augmentation is not None and recipe.augmentation not in AUGMENTATIONS:
            known = ", ".join(sorted(AUGMENTATIONS))
            raise ValueError(f"recipe.augmentation = {recipe.augmentation!r}: not one of {known}")
        if recipe.batch_size > len(inputs):
            raise ValueError(f"recipe.batch_size = {recipe.batch_size}: more than the {len(inputs)} training examples")
        if resident and recipe.augmentation is not None:
            raise ValueError(f"resident inputs cannot be augmented by {recipe.augmentation!r}")
        self._inputs = inputs
        self._resident = resident
        self._labels = labels.astype(np.int32)
        self._recipe = recipe
        self._seed = seed
        self._random_layers = random_layers
        self.checksums: list[int] = []
        self.examples_handed_out = 0
        self.batch_bytes = recipe.batch_size * (4 if resident else inputs[:1].nbytes)
        self.steps_per_epoch = len(inputs) // recipe.batch_size
        self.total_steps = self.steps_per_epoch * recipe.epochs

    @cached_property
    def _checksum(self) -> int:
        if self._recipe.augmentation is not None:
            return 0
        return zlib.crc32(_bytes(self._labels), zlib.crc32(_bytes(self._inputs)))

    def epoch(self, epoch: int, first: int = 0) -> Iterator[Batch]:
        """The batches of `epoch` from its `first` one on; the last partial batch is dropped."""
        order = epoch_order(self._seed, epoch, len(self._inputs)).astype(np.int32)
        augmentation = AUGMENTATIONS[self._recipe.augmentation] if self._recipe.augmentation else None
        draws = augmentation.draw(_generator(self._seed, _AUGMENT_STREAM, epoch), len(order)) if augmentation else None
        for index in range(first, self.steps_per_epoch):
            rows = slice(index * self._recipe.batch_size, (index + 1) * self._recipe.batch_size)
            chosen = order[rows]
            inputs = chosen if self._resident else np.take(self._inputs, chosen, axis=0)
            if augmentation is not None and draws is not None:
                inputs = augmentation.apply(inputs, draws[rows])
            seen = chosen if augmentation is None else inputs
            yield self._batch(epoch * self.steps_per_epoch + index, inputs, self._labels[chosen], seen)

    def _batch(self, step: int, inputs: np.ndarray, labels: np.ndarray, seen: np.ndarray) -> Batch:
        keys = step_keys(self._seed, step, self._random_layers)
        checksum = self._checksum
        for part in (seen, labels, keys):
            checksum = zlib.crc32(_bytes(part), checksum)
        self.checksums.append(checksum)
        self.examples_handed_out += len(inputs)
        rate = self._recipe.schedule.learning_rate(
            min(step, self.total_steps - 1), steps_per_epoch=self.steps_per_epoch, total_steps=self.total_steps
        )
        return Batch(step=step, inputs=inputs, labels=labels, keys=keys, learning_rate=rate)

    def digest(self, steps: int | None = None) -> str:
        """sha256 over the checksums of the first `steps` batches handed out, of all so far when None, in order."""
        return hashlib.sha256(np.array(self.checksums[:steps], dtype="<u4").tobytes()).hexdigest()
