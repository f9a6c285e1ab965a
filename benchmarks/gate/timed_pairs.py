"""Two children of one cell, one in each environment, timed in turns: what the host does to one it does to the other."""

from __future__ import annotations

import json
import os
import select
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from trainband.benchmarks.children import ChildPool, ServerDied
from trainband.benchmarks.run_spec import RunSpec, Timing
from trainband.benchmarks.training_child import environment_of, log_tail, reason_of, train_in_child
from trainband.results.gate.speed import Block, GateSide

BLOCK_SEC = 2.0
START_SEC = 300.0
_POLL_SEC = 0.2


class NotTimed(RuntimeError):
    """A child that ended before it was timed; the message says of which side, and why."""

    def __init__(self, side: GateSide, why: str) -> None:
        super().__init__(f"the {side} could not be timed: {why}")
        self.side = side


@dataclass(frozen=True, kw_only=True)
class TimedSide:
    """What one side of a pair is trained with; each side has a pool of its own, whose servers run one child at a time.

    Attributes:
      code: staged folder of the code that it runs; None for today's.
      faults: planted on this side alone.
    """

    name: GateSide
    python: str
    pool: ChildPool
    code: Path | None = None
    faults: tuple[str, ...] = ()


def timed_pair(
    sides: Sequence[TimedSide],
    specs: Mapping[GateSide, RunSpec],
    *,
    number: int,
    cache_root: Path,
    block_sec: float = BLOCK_SEC,
) -> list[Block]:
    """Blocks of a fresh pair of children in the order A B B A; B A A B where `number`, the pair's, is odd.

    Args:
      specs: what each side trains.

    Raises:
      NotTimed: a child ended early.
    """
    with ExitStack() as stack:
        children = [stack.enter_context(_Child(side, specs[side.name], cache_root)) for side in sides]
        for child in children:
            child.ready()
        first, second = children if number % 2 == 0 else children[::-1]
        return [
            Block(pair=number, order=order, side=child.side.name, **child.block(block_sec))
            for order, child in enumerate((first, second, second, first))
        ]


class _Child:
    """A child that waits for its next block; it ends with the block of the caller."""

    def __init__(self, side: TimedSide, spec: RunSpec, cache_root: Path) -> None:
        self.side = side
        self._spec = replace(spec, faults=side.faults) if side.faults else spec
        code = {} if side.code is None else {"PYTHONPATH": str(side.code)}
        self._environ = {**environment_of(spec.profile, cache_root), **code}
        self._buffer = b""

    def __enter__(self) -> _Child:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="trainband-timed-")))
            timing = Timing(requests=str(folder / "requests"), replies=str(folder / "replies"))
            for path in (timing.requests, timing.replies):
                os.mkfifo(path)
            # Open for both: opening one end alone would wait for a child that may never come.
            self._requests = os.open(timing.requests, os.O_RDWR)
            self._replies = os.open(timing.replies, os.O_RDWR)
            threads = stack.enter_context(ThreadPoolExecutor(max_workers=1))
            stack.callback(os.close, self._replies)
            stack.callback(os.close, self._requests)
            # The pool outlives the thread that waits for this child, and so must its server.
            python, backend = self.side.python, self._spec.profile.backend
            try:
                self.side.pool.start(python=python, backend=backend, environ=self._environ)
            except ServerDied as error:
                raise NotTimed(self.side.name, str(error)) from error
            self._ended: Future[str] = threads.submit(self._train, folder, timing)
            self._closing = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def _train(self, folder: Path, timing: Timing) -> str:
        """Why the child ended."""
        trained = train_in_child(
            folder,
            replace(self._spec, timing=timing, submitted_at=time.time()),
            pool=self.side.pool,
            python=self.side.python,
            environ=self._environ,
            time_limit_sec=self._spec.recipe.time_limit_sec + START_SEC,
        )
        return reason_of(trained.failure, log_tail(folder)) if trained.failure is not None else "its child ended"

    def ready(self) -> None:
        """Wait until its steps are compiled."""
        self._reply()

    def block(self, seconds: float) -> dict[str, Any]:
        """Train a block."""
        os.write(self._requests, f"{seconds}\n".encode())
        return self._reply()

    def _reply(self) -> dict[str, Any]:
        while b"\n" not in self._buffer:
            if select.select([self._replies], [], [], _POLL_SEC)[0]:
                self._buffer += os.read(self._replies, 4096)
            elif self._ended.done():
                raise NotTimed(self.side.name, self._ended.result())
        line, self._buffer = self._buffer.split(b"\n", 1)
        reply: dict[str, Any] = json.loads(line)
        return reply
