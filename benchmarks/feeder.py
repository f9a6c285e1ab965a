"""Batches made ready on a thread of their own while the device computes, several in one go.

Between two steps the framework has driven all that is ours out of the processor's caches, so a batch is several times
cheaper when it is made right after another one than alone. The thread has the lowest priority, since a step waits whole
for one compute thread whose core the feeder holds.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from trainband.benchmarks.batches import Batch

PREFETCH_FROM_BYTES = 1 << 14
BURST = 32
MAX_BURST_BYTES = 1 << 22

Put = Callable[[Sequence[Batch]], Sequence[Any]]


def feed(batches: Iterator[Batch], put: Put, *, batch_bytes: int) -> Iterator[Any]:
    """What `put` makes of each batch, in order, prefetched where a batch is large enough to be worth a thread.

    An exception while a burst of batches is made is raised here, at the place of the burst.
    """
    burst = max(1, min(BURST, MAX_BURST_BYTES // batch_bytes))
    if batch_bytes < PREFETCH_FROM_BYTES:
        return _here(batches, put, burst)
    return _prefetched(batches, put, burst)


def _step_back() -> None:
    """Leave the cores to the threads that compute: what waits for a core held by this one is a whole step."""
    if sys.platform == "linux":  # elsewhere a priority belongs to the process
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)


def _here(batches: Iterator[Batch], put: Put, burst: int) -> Iterator[Any]:
    for size in _sizes(burst):
        made = list(islice(batches, size))
        if not made:
            return
        yield from put(made)


def _sizes(burst: int) -> Iterator[int]:
    """1, 2, 4 and so on up to `burst`, then `burst` for ever: the first step of an epoch waits for one batch only."""
    size = 1
    while True:
        yield size
        size = min(2 * size, burst)


def _prefetched(batches: Iterator[Batch], put: Put, burst: int) -> Iterator[Any]:
    """The thread makes a burst for each leave that is given, and taking one gives a new leave: at most two wait.

    Two simple queues hand over at a third of the price of one bounded queue with a time-out.
    """
    ready: queue.SimpleQueue[Sequence[Any] | BaseException] = queue.SimpleQueue()
    leaves: queue.SimpleQueue[bool] = queue.SimpleQueue()
    stop = threading.Event()

    def work() -> None:
        _step_back()
        try:
            for size in _sizes(burst):
                leaves.get()
                if stop.is_set():
                    return
                made = list(islice(batches, size))
                ready.put(put(made) if made else ())
                if not made:
                    return
        except BaseException as error:  # noqa: BLE001 - handed over to the thread that trains, which raises it
            ready.put(error)

    leaves.put(True)
    leaves.put(True)
    thread = threading.Thread(target=work, name="feeder", daemon=True)
    thread.start()
    try:
        while True:
            found = ready.get()
            if isinstance(found, BaseException):
                raise found
            if not found:
                return
            leaves.put(True)
            yield from found
    finally:
        stop.set()
        leaves.put(True)
        thread.join()
