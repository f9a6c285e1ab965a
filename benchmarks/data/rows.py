"""Rows of the test split that stand in the training split too: a leak when there are more than published."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from trainband.benchmarks.digests import AnyArray

_SEED = 20_240_229


def shared_rows(train_inputs: AnyArray, test_inputs: AnyArray) -> int:
    """How many rows of `test_inputs` occur, byte for byte, among the rows of `train_inputs`.

    A 64-bit hash of each row finds candidates; their bytes decide.

    Args:
      train_inputs, test_inputs: [rows, ...] with one dtype and one row shape.

    Raises:
      ValueError: dtypes or row shapes differ.
    """
    if train_inputs.dtype != test_inputs.dtype or train_inputs.shape[1:] != test_inputs.shape[1:]:
        raise ValueError(
            f"shared_rows: training rows are {train_inputs.dtype} {train_inputs.shape[1:]}, "
            f"test rows {test_inputs.dtype} {test_inputs.shape[1:]}"
        )
    train_hashes, test_hashes = _row_hashes(train_inputs), _row_hashes(test_inputs)
    test_candidates = np.flatnonzero(np.isin(test_hashes, train_hashes))
    train_candidates = np.flatnonzero(np.isin(train_hashes, test_hashes[test_candidates]))
    known = {train_inputs[index].tobytes() for index in train_candidates}
    return sum(test_inputs[index].tobytes() in known for index in test_candidates)


def _row_hashes(array: AnyArray) -> npt.NDArray[np.uint64]:
    """uint64 [rows]: each row's bytes as 64-bit words, times fixed odd multipliers, modulo 2^64."""
    rows = np.ascontiguousarray(array)
    row_bytes = rows.dtype.itemsize * int(np.prod(rows.shape[1:], dtype=np.int64))
    if rows.size == 0:
        return np.zeros(len(rows), np.uint64)
    flat = rows.reshape(-1).view(np.uint8).reshape(len(rows), row_bytes)
    if row_bytes % 8:
        flat = np.pad(flat, ((0, 0), (0, -row_bytes % 8)))
    words = flat.view(np.uint64)
    multipliers = np.random.PCG64(_SEED).random_raw(words.shape[1]) | np.uint64(1)
    hashes: npt.NDArray[np.uint64] = np.einsum("rw,w->r", words, multipliers)
    return hashes
