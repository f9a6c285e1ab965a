"""A digest of logits that a device can take: two sums modulo 2^32 of their bits, each weighted by its place.

Sums of integers do not depend on the order in which threads add, so the digest is a function of the logits alone; the
weights make it one of their order. This is the definition, in NumPy; the backends compute the same on a device.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

FIRST_WEIGHT, SECOND_WEIGHT, MIX = 0x9E3779B1, 0x846CA68B, 0x7FEB352D
MASK = 0xFFFFFFFF
MOST_LOGITS, LEAST_ROWS = 1 << 16, 16
_STACKED_BYTES = 1 << 24


def row_stride(shape: Sequence[int]) -> int:
    """Every how many rows of logits [..., classes] are digested: 2^16 logits are enough, and 16 rows at least are taken.

    The loss, which is exact, covers every row.
    """
    rows, classes = math.prod(shape[:-1]), shape[-1]
    return max(1, rows // max(MOST_LOGITS // classes, LEAST_ROWS))


def logits_digests(logits: Sequence[np.ndarray]) -> np.ndarray:
    """The digests of several steps' logits: uint32 [steps, 2] from float32 arrays of one shape, one array at least.

    With x the bits of a logit, p its place in C order and y = (x ^ x >> 16) * MIX, the words are the sums of
    x * (2 p + 1) * FIRST_WEIGHT and of (y ^ y >> 15) * ((p + 1) * SECOND_WEIGHT | 1).
    """
    if len(logits) * logits[0].nbytes > _STACKED_BYTES:
        return np.concatenate([_digests(each[None]) for each in logits])
    return _digests(np.stack(logits))


def _digests(stacked: np.ndarray) -> np.ndarray:
    bits = np.ascontiguousarray(stacked, "<f4").reshape(len(stacked), -1).view("<u4")
    first, second = _weights(bits.shape[1])
    mixed = (bits ^ (bits >> np.uint32(16))) * np.uint32(MIX)
    mixed ^= mixed >> np.uint32(15)
    sums = [(bits * first).sum(axis=1, dtype=np.uint32), (mixed * second).sum(axis=1, dtype=np.uint32)]
    return np.stack(sums, axis=1)


@lru_cache(maxsize=2)
def _weights(places: int) -> tuple[np.ndarray, np.ndarray]:
    place = np.arange(places, dtype=np.uint32)
    return (place * np.uint32(2) + np.uint32(1)) * np.uint32(FIRST_WEIGHT), (
        (place + np.uint32(1)) * np.uint32(SECOND_WEIGHT)
    ) | np.uint32(1)
