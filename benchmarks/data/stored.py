"""The rows of a split: what training and evaluation ask of them, and the ones that lie in memory."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Protocol

import numpy as np

from trainband.benchmarks.augmentation import Apply


class Rows(Protocol):
    """The inputs of one split, in memory or on the way there.

    Attributes:
      row_bytes: of one example as it is fed.
      on_files: whether rows are images to be decoded, which an augmentation of crops needs and no other takes.
    """

    row_bytes: int
    on_files: bool

    def __len__(self) -> int: ...

    def fed(
        self, order: np.ndarray, draws: np.ndarray | None, batch: int, augment: Apply | None
    ) -> Iterator[np.ndarray]:
        """The rows named by `order`, int32 [whole batches], augmented by `draws` [whole batches, ...].

        `augment` changes a batch in memory by its draws; None where there are no draws, or where they say how to decode.
        """

    def evaluated(self, size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """All rows in order, `size` at a time, each time with what identifies them in the data set's digest."""

    def checksum(self) -> int:
        """CRC-32 of all rows as they are stored."""

    def versions(self) -> dict[str, str]:
        """The packages that make the inputs, for the record."""


class StoredRows:
    """Rows of an array [rows, ...]; `resident` ones lie on the device, and batches name them only."""

    on_files = False

    def __init__(self, inputs: np.ndarray, *, resident: bool = False) -> None:
        self._inputs = inputs
        self._resident = resident
        self.row_bytes = 4 if resident else inputs[:1].nbytes

    def __len__(self) -> int:
        return len(self._inputs)

    def fed(
        self, order: np.ndarray, draws: np.ndarray | None, batch: int, augment: Apply | None
    ) -> Iterator[np.ndarray]:
        for first in range(0, len(order), batch):
            rows = order[first : first + batch]
            inputs = rows if self._resident else np.take(self._inputs, rows, axis=0)
            yield inputs if augment is None or draws is None else augment(inputs, draws[first : first + batch])

    def evaluated(self, size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for first in range(0, len(self._inputs), size):
            rows = self._inputs[first : first + size]
            yield rows, rows

    def checksum(self) -> int:
        return zlib.crc32(np.ascontiguousarray(self._inputs).data)

    def versions(self) -> dict[str, str]:
        return {}
