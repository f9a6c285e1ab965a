from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from trainband.benchmarks.batches import Batch
from trainband.benchmarks.feeder import DEPTH, PREFETCH_FROM_BYTES, feed

LIMIT_SEC = 10.0
either = pytest.mark.parametrize("batch_bytes", [PREFETCH_FROM_BYTES - 1, PREFETCH_FROM_BYTES], ids=["here", "thread"])


def batch(step: int) -> Batch:
    empty = np.zeros(0)
    return Batch(step=step, inputs=empty, labels=empty, keys=empty, learning_rate=0.0)


def batches(count: int, *, broken_at: int | None = None) -> Iterator[Batch]:
    for step in range(count):
        if step == broken_at:
            raise OSError("disk on fire")
        yield batch(step)


def feeder_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "feeder"]


def step_of(made: Batch) -> int:
    return made.step


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    assert feeder_threads() == []


@either
def test_batches_come_in_order(batch_bytes: int) -> None:
    assert list(feed(batches(50), step_of, batch_bytes=batch_bytes)) == list(range(50))


@either
def test_an_exception_is_raised_at_its_place(batch_bytes: int) -> None:
    fed = feed(batches(9, broken_at=6), step_of, batch_bytes=batch_bytes)
    assert [next(fed) for _ in range(6)] == list(range(6))
    with pytest.raises(OSError, match="disk on fire"):
        next(fed)


@either
def test_an_exception_while_a_batch_is_put_on_the_device_is_raised_too(batch_bytes: int) -> None:
    def put(made: Batch) -> int:
        if made.step == 2:
            raise MemoryError("device full")
        return made.step

    fed = feed(batches(9), put, batch_bytes=batch_bytes)
    assert [next(fed), next(fed)] == [0, 1]
    with pytest.raises(MemoryError, match="device full"):
        next(fed)


@either
def test_no_batches_are_no_batches(batch_bytes: int) -> None:
    assert list(feed(batches(0), step_of, batch_bytes=batch_bytes)) == []


@pytest.mark.parametrize("taken", [1, DEPTH + 3])
def test_closing_early_ends_the_thread(taken: int) -> None:
    fed = feed(batches(10_000), step_of, batch_bytes=PREFETCH_FROM_BYTES)
    assert [next(fed) for _ in range(taken)] == list(range(taken))
    assert len(feeder_threads()) == 1
    fed.close()  # type: ignore[attr-defined]
    assert feeder_threads() == []


def test_a_loop_that_breaks_off_ends_the_thread() -> None:
    for step in feed(batches(10_000), step_of, batch_bytes=PREFETCH_FROM_BYTES):
        if step == 3:
            break
    assert feeder_threads() == []


def put_recorder(made: list[int], reached: threading.Event, when: int) -> Callable[[Batch], Any]:
    def put(of: Batch) -> int:
        made.append(of.step)
        if len(made) == when:
            reached.set()
        return of.step

    return put


def test_large_batches_are_made_ahead_and_not_without_end() -> None:
    made: list[int] = []
    reached = threading.Event()
    fed = feed(batches(100), put_recorder(made, reached, DEPTH + 2), batch_bytes=PREFETCH_FROM_BYTES)
    assert next(fed) == 0
    assert reached.wait(LIMIT_SEC)  # one taken, DEPTH in the queue, one in the thread's hand
    assert made == list(range(DEPTH + 2))
    fed.close()  # type: ignore[attr-defined]
    assert len(made) <= DEPTH + 3


def test_small_batches_are_made_when_asked_for() -> None:
    made: list[int] = []
    fed = feed(batches(100), put_recorder(made, threading.Event(), 1), batch_bytes=1)
    next(fed)
    assert made == [0]
    assert feeder_threads() == []
