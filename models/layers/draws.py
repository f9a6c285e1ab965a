"""Random draws inside a step as a function of (seed, step, layer, element), equal on every backend.

One 32-bit integer hash (lowbias32: multiply and xor-shift, after C. Wellons' hash-prospector) is written out here in
NumPy as the reference; each backend repeats it in its own integer type. A step's keys, one a random layer, are
inputs of the compiled step.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

WORD = 0xFFFFFFFF
STRIDE = 0x9E3779B9
MULTIPLIERS = (0x21F0AAAD, 0x735A2D97)
SHIFTS = (16, 15, 15)


def mix32(word: int) -> int:
    """The hash of one 32-bit word."""
    word = ((word ^ (word >> SHIFTS[0])) * MULTIPLIERS[0]) & WORD
    word = ((word ^ (word >> SHIFTS[1])) * MULTIPLIERS[1]) & WORD
    return word ^ (word >> SHIFTS[2])


def step_keys(seed: int, step: int, layers: int) -> np.ndarray:
    """The keys of one step: int64 [layers], each in [0, 2**32)."""
    base = mix32(seed & WORD)
    base = mix32((base + (seed >> 32)) & WORD)
    base = mix32((base + step * STRIDE) & WORD)
    return np.array([mix32((base + (layer + 1) * STRIDE) & WORD) for layer in range(layers)], dtype=np.int64)


def drop_threshold(rate: float) -> int:
    """An element is dropped where its hash is below this."""
    return min(round(rate * 2.0**32), WORD)


def reference_keep_mask(shape: tuple[int, ...], key: int, rate: float, row_offset: int = 0) -> np.ndarray:
    """The mask that every backend must reproduce: bool `shape`, True where the element is kept.

    `row_offset` is the place of the first row in the global batch, so that replicas together make one mask.
    """
    size = int(np.prod(shape))
    first = row_offset * (size // shape[0])
    with np.errstate(over="ignore"):
        word = np.arange(first, first + size, dtype=np.uint32) * np.uint32(STRIDE) + np.uint32(key)
        for shift, multiplier in zip(SHIFTS, MULTIPLIERS, strict=False):
            word = (word ^ (word >> np.uint32(shift))) * np.uint32(multiplier)
    word ^= word >> np.uint32(SHIFTS[2])
    return (word >= np.uint32(drop_threshold(rate))).reshape(shape)


@dataclass(frozen=True)
class Draws:
    """The keys in force while a step is traced or run; both are backend tensors."""

    keys: Any
    row_offset: Any


_active = threading.local()


@contextmanager
def drawing(draws: Draws) -> Iterator[None]:
    """Make `draws` the ones that random layers use in this thread."""
    previous = getattr(_active, "draws", None)
    _active.draws = draws
    try:
        yield
    finally:
        _active.draws = previous


def current_draws() -> Draws:
    """The draws in force; raises RuntimeError outside `drawing`."""
    draws: Draws | None = getattr(_active, "draws", None)
    if draws is None:
        raise RuntimeError("a random layer was called in training mode outside a training step")
    return draws
