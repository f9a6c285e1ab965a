"""Batches made ready on a thread of their own while the device computes."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

from trainband.benchmarks.batches import Batch

PREFETCH_FROM_BYTES = 1 << 14
DEPTH = 4


def feed(batches: Iterator[Batch], put: Callable[[Batch], Any], *, batch_bytes: int) -> Iterator[Any]:
    """`put(batch)` for each batch, in order, prefetched where a batch is large enough to be worth a thread's hand-over.

    An exception while a batch is made is raised here, at the place of that batch.
    """
    if batch_bytes < PREFETCH_FROM_BYTES:
        yield from map(put, batches)
        return
    yield from _prefetched(batches, put)


_END = object()


def _prefetched(batches: Iterator[Batch], put: Callable[[Batch], Any]) -> Iterator[Any]:
    """A batch is made for each leave that is given, and taking one gives a new leave: no more than DEPTH + 1 wait.

    Two simple queues hand over at a third of the price of one bounded queue with a time-out.
    """
    ready: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()
    leaves: queue.SimpleQueue[bool] = queue.SimpleQueue()
    stop = threading.Event()

    def work() -> None:
        try:
            for batch in batches:
                ready.put((put(batch), None))
                leaves.get()
                if stop.is_set():
                    return
        except BaseException as error:  # noqa: BLE001 - handed over to the thread that trains, which raises it
            ready.put((_END, error))
        else:
            ready.put((_END, None))

    for _ in range(DEPTH):
        leaves.put(True)
    thread = threading.Thread(target=work, name="feeder", daemon=True)
    thread.start()
    try:
        while True:
            item, error = ready.get()
            leaves.put(True)
            if error is not None:
                raise error
            if item is _END:
                return
            yield item
    finally:
        stop.set()
        leaves.put(True)
        thread.join()
