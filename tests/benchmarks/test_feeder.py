from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest

from trainband.benchmarks.batches import Batch
from trainband.benchmarks.feeder import BURST, MAX_BURST_BYTES, PREFETCH_FROM_BYTES, feed

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


def steps_of(made: Sequence[Batch]) -> list[int]:
    return [batch.step for batch in made]


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    assert feeder_threads() == []


@either
@pytest.mark.parametrize("count", [1, BURST - 1, BURST, BURST + 1, 3 * BURST + 5])
def test_batches_come_in_order(batch_bytes: int, count: int) -> None:
    assert list(feed(batches(count), steps_of, batch_bytes=batch_bytes)) == list(range(count))


@either
def test_an_exception_is_raised_at_the_place_of_its_burst(batch_bytes: int) -> None:
    fed = feed(batches(9 * BURST, broken_at=6), steps_of, batch_bytes=batch_bytes)
    assert [next(fed) for _ in range(3)] == [0, 1, 2]  # bursts of 1 and 2; steps 3 to 6 are the next
    with pytest.raises(OSError, match="disk on fire"):
        next(fed)


@either
def test_an_exception_while_batches_are_put_on_the_device_is_raised_too(batch_bytes: int) -> None:
    def put(made: Sequence[Batch]) -> list[int]:
        if made[-1].step >= 6:
            raise MemoryError("device full")
        return steps_of(made)

    fed = feed(batches(9 * BURST), put, batch_bytes=batch_bytes)
    assert [next(fed) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(MemoryError, match="device full"):
        next(fed)


@either
def test_no_batches_are_no_batches(batch_bytes: int) -> None:
    assert list(feed(batches(0), steps_of, batch_bytes=batch_bytes)) == []


@pytest.mark.parametrize("taken", [1, BURST + 3])
def test_closing_early_ends_the_thread(taken: int) -> None:
    fed = feed(batches(10_000), steps_of, batch_bytes=PREFETCH_FROM_BYTES)
    assert [next(fed) for _ in range(taken)] == list(range(taken))
    assert len(feeder_threads()) == 1
    fed.close()  # type: ignore[attr-defined]
    assert feeder_threads() == []


def test_a_loop_that_breaks_off_ends_the_thread() -> None:
    for step in feed(batches(10_000), steps_of, batch_bytes=PREFETCH_FROM_BYTES):
        if step == 3:
            break
    assert feeder_threads() == []


def put_recorder(made: list[int], reached: threading.Event, when: int) -> Callable[[Sequence[Batch]], list[int]]:
    def put(burst: Sequence[Batch]) -> list[int]:
        made.extend(steps_of(burst))
        if len(made) >= when:
            reached.set()
        return steps_of(burst)

    return put


def test_large_batches_are_made_two_bursts_ahead_and_not_without_end() -> None:
    made: list[int] = []
    grown = 2 * BURST - 1  # 1 + 2 + 4 + ... + BURST
    reached = threading.Event()
    fed = feed(batches(100 * BURST), put_recorder(made, reached, grown + 2 * BURST), batch_bytes=PREFETCH_FROM_BYTES)
    assert [next(fed) for _ in range(grown)] == list(range(grown))
    assert reached.wait(LIMIT_SEC)  # two full bursts are waiting
    assert made == list(range(grown + 2 * BURST))
    fed.close()  # type: ignore[attr-defined]
    assert len(made) == grown + 2 * BURST


@pytest.mark.parametrize(
    ("batch_bytes", "sizes"),
    [
        (1, [1, 2, 4, 8, 16, 32, 32]),
        (PREFETCH_FROM_BYTES, [1, 2, 4, 8, 16, 32, 32]),
        (MAX_BURST_BYTES // 4, [1, 2, 4, 4, 4]),
        (10 * MAX_BURST_BYTES, [1, 1, 1]),
    ],
)
def test_bursts_grow_and_are_bounded_in_bytes(batch_bytes: int, sizes: list[int]) -> None:
    seen: list[int] = []

    def put(burst: Sequence[Batch]) -> list[int]:
        seen.append(len(burst))
        return steps_of(burst)

    assert list(feed(batches(sum(sizes)), put, batch_bytes=batch_bytes)) == list(range(sum(sizes)))
    assert seen == sizes


def test_small_batches_are_made_when_asked_for() -> None:
    made: list[int] = []
    fed = feed(batches(100), put_recorder(made, threading.Event(), 1), batch_bytes=1)
    next(fed)
    assert made == [0]
    assert feeder_threads() == []
