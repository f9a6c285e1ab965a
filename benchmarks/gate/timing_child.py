"""The child that is timed: it trains a block of so many seconds whenever it is asked to, and sleeps in between."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from typing import Any

from trainband.benchmarks.backends.base import Adapter
from trainband.benchmarks.feeder import feed
from trainband.benchmarks.run_spec import RunSpec, Timing
from trainband.benchmarks.setting_up import Feed, Inputs, build, plant

_WARM_UP_STEPS = 3  # of each block: what the other side's block has driven out of the caches comes back


def time_blocks(spec: RunSpec, timing: Timing, adapter: Adapter, inputs: Inputs) -> None:
    """Compile, say so, and train a block for each line of the requests, `SECONDS`; ends where the requests do.

    Each reply is a line of JSON: `{}` once the steps are compiled, then steps, wall_sec and cpu_sec of each block, between
    two synchronisations of the device.
    """
    build(spec, adapter)
    plant(adapter, inputs.faults)
    steps = _endless(Feed(spec, adapter, inputs), adapter, inputs.recipe.epochs)
    with _opened(timing.requests, os.O_RDONLY) as requests, _opened(timing.replies, os.O_WRONLY) as replies:
        _train(adapter, steps, 1)
        _tell(replies, {})
        for line in requests:
            _train(adapter, steps, _WARM_UP_STEPS)
            _tell(replies, _block(adapter, steps, float(line)))


def _opened(path: str, end: int) -> Any:
    """One end of a pipe whose other end is open, or was: then it is at its end, and nobody is waited for."""
    descriptor = os.open(path, end | os.O_NONBLOCK)
    os.set_blocking(descriptor, True)
    return open(descriptor, "r" if end == os.O_RDONLY else "w", encoding="ascii")


def _endless(fed: Feed, adapter: Adapter, epochs: int) -> Iterator[Any]:
    """What the steps are fed, the recipe's epochs over and over."""
    while True:
        source = fed.source()
        for epoch in range(epochs):
            yield from feed(source.epoch(epoch), adapter.put, batch_bytes=source.batch_bytes)


def _train(adapter: Adapter, steps: Iterator[Any], count: int) -> None:
    done = [adapter.train_step(next(steps)) for _ in range(count)]
    adapter.sync(done[-1])


def _block(adapter: Adapter, steps: Iterator[Any], seconds: float) -> dict[str, float]:
    """Train for `seconds`; steps are handed out in groups that are far shorter than the block."""
    count, group = 0, 1
    wall, cpu = time.perf_counter(), time.process_time()
    while (passed := time.perf_counter() - wall) < seconds:
        if count:
            group = max(1, int(0.05 * seconds * count / passed))
        _train(adapter, steps, group)
        count += group
    return {"steps": count, "wall_sec": time.perf_counter() - wall, "cpu_sec": time.process_time() - cpu}


def _tell(replies: Any, words: dict[str, float]) -> None:
    replies.write(json.dumps(words) + "\n")
    replies.flush()
