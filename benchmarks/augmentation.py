"""Augmentation as a function of draws that come from (seed, epoch) through NumPy alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

CUTOUT = 8
CROP_ATTEMPTS = 10
CROP_AREA = (0.08, 1.0)
CROP_ASPECT = (3 / 4, 4 / 3)
EVAL_CROP = 0.875

Apply = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Augmentation:
    """How an augmentation draws for a whole epoch, and how it changes one batch by its rows of the draws.

    One that is `None` for `apply` says where to cut each image before it is decoded: `benchmarks.data.streamed` does.
    """

    draw: Callable[[np.random.Generator, int], np.ndarray]
    apply: Apply | None


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


def random_resized_boxes(sizes: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Where to cut each image: Szegedy et al. 2015's crop of a random area and aspect, before it is resized.

    The first of ten attempts that lies in the image; the largest central crop of a legal aspect where none does.

    Args:
      sizes: integers [images, 2], height and width.
      draws: float32 [images, 41] in [0, 1): ten attempts of area, aspect, row and column; the last column is the flip's.

    Returns:
      int32 [images, 4]: first row, first column, height, width.
    """
    height, width = (sizes[:, None, axis].astype(np.float64) for axis in (0, 1))
    area, aspect, row, column = np.moveaxis(
        draws[:, :-1].reshape(len(draws), CROP_ATTEMPTS, 4).astype(np.float64), 2, 0
    )
    area = (CROP_AREA[0] + (CROP_AREA[1] - CROP_AREA[0]) * area) * height * width
    low, high = np.log(CROP_ASPECT)
    aspect = np.exp(low + (high - low) * aspect)
    tall, wide = np.round(np.sqrt(area / aspect)), np.round(np.sqrt(area * aspect))
    fits = (tall >= 1) & (wide >= 1) & (tall <= height) & (wide <= width)
    first = np.floor(row * (height - tall + 1)), np.floor(column * (width - wide + 1))
    boxes = np.stack([*first, tall, wide], axis=2)
    chosen = boxes[np.arange(len(boxes)), fits.argmax(axis=1)]
    return np.where(fits.any(axis=1, keepdims=True), chosen, _largest_boxes(sizes)).astype(np.int32)


def _largest_boxes(sizes: np.ndarray) -> np.ndarray:
    height, width = sizes.astype(np.float64).T
    tall = np.minimum(height, np.round(width / CROP_ASPECT[0]))
    wide = np.minimum(width, np.round(height * CROP_ASPECT[1]))
    return np.stack([(height - tall) // 2, (width - wide) // 2, tall, wide], axis=1)


def central_boxes(sizes: np.ndarray) -> np.ndarray:
    """The central square of 224 / 256 of each image's shorter side: int32 [images, 4], as `random_resized_boxes`."""
    side = np.maximum(1, np.round(EVAL_CROP * sizes.min(axis=1)))
    first = (sizes - side[:, None]) // 2
    return np.concatenate([first, np.stack([side, side], axis=1)], axis=1).astype(np.int32)


def flips(draws: np.ndarray) -> np.ndarray:
    """Which images are mirrored: bool [images]."""
    return np.asarray(draws[:, -1] < 0.5)


def _random_resized_draws(rng: np.random.Generator, examples: int) -> np.ndarray:
    return rng.random((examples, 4 * CROP_ATTEMPTS + 1), dtype=np.float32)


AUGMENTATIONS = {
    "pad4_crop_flip": Augmentation(_pad4_crop_flip_draws, pad4_crop_flip),
    "pad4_crop_flip_cutout8": Augmentation(_pad4_crop_flip_cutout8_draws, pad4_crop_flip_cutout8),
    "random_resized_crop_flip": Augmentation(_random_resized_draws, None),
}
