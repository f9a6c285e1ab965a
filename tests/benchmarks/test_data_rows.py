from __future__ import annotations

import time

import numpy as np
import pytest

from trainband.benchmarks.data.rows import shared_rows


@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 1), (32, 32, 3), (5,), ()], ids=str)
@pytest.mark.parametrize("dtype", ["u1", "f4"])
def test_planted_rows_are_counted_exactly(shape: tuple[int, ...], dtype: str) -> None:
    rows = np.random.default_rng(1).integers(0, 200, (120, *shape)).astype(dtype)
    rows.reshape(120, -1)[:, 0] = np.arange(120)
    train, test = rows[:60], rows[60:].copy()
    assert shared_rows(train, test) == 0
    test[:3] = train[7:10]
    assert shared_rows(train, test) == 3


def test_a_test_row_counts_each_time_it_occurs_and_a_training_row_once() -> None:
    train = np.array([[1], [1], [1], [2]], "u1")
    test = np.array([[1], [1], [3]], "u1")
    assert shared_rows(train, test) == 2


def test_rows_that_differ_in_one_byte_are_not_shared() -> None:
    train = np.zeros((1, 3072), "u1")
    test = np.eye(3072, dtype="u1")
    assert shared_rows(train, test) == 0


def test_rows_with_equal_hashes_are_decided_by_their_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainband.benchmarks.data.rows._row_hashes", lambda array: np.zeros(len(array), np.uint64))
    assert shared_rows(np.array([[1], [2]]), np.array([[2], [3], [4]])) == 1


def test_no_rows_share_nothing() -> None:
    assert shared_rows(np.zeros((0, 4), "u1"), np.zeros((3, 4), "u1")) == 0


@pytest.mark.parametrize("other", [np.zeros((1, 4), "i1"), np.zeros((1, 2, 2), "u1")], ids=["dtype", "shape"])
def test_rows_that_cannot_be_equal_are_refused(other: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> None:
    with pytest.raises(ValueError, match="training rows are uint8"):
        shared_rows(np.zeros((1, 4), "u1"), other)


def test_a_set_of_the_size_of_cifar10_takes_well_under_a_second() -> None:
    images = np.random.default_rng(0).integers(0, 256, (60_000, 3072), dtype="u1")
    started = time.perf_counter()
    assert shared_rows(images[:50_000], images[50_000:]) == 0
    assert time.perf_counter() - started < 0.5 * 4  # four times the aim: the host may be busy
