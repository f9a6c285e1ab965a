"""Many runs of one command: one after another, or several one-thread runs at once, each on a core of its own."""

from __future__ import annotations

import os
import queue
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path

from trainband.benchmarks.cells import Cell
from trainband.benchmarks.children import ChildPool
from trainband.benchmarks.environments.asked import Environment
from trainband.benchmarks.runner import Runner, RunRequest
from trainband.results.records import Record
from trainband.results.store import Store


class SideBySide:
    """`jobs` runners with a pool of children each; the caller holds the host's lock. Children end with the block.

    Args:
      contended: why no throughput counts where there are several runners.
      time_limit_sec: of each run; None is the recipe's own.
    """

    def __init__(
        self,
        *,
        store: Store,
        cache_root: Path,
        python: str,
        jobs: int,
        contended: str,
        time_limit_sec: float | None = None,
    ) -> None:
        self._many = jobs > 1
        usable = sorted(os.sched_getaffinity(0)) if self._many and hasattr(os, "sched_getaffinity") else []
        self.pools = [ChildPool() for _ in range(jobs)]
        # A pool's servers end with the thread that started them, so the threads live as long as the pools.
        self._threads = ThreadPoolExecutor(max_workers=jobs)
        self._free: queue.SimpleQueue[Runner] = queue.SimpleQueue()
        for index, pool in enumerate(self.pools):
            self._free.put(
                Runner(
                    store=store,
                    pool=pool,
                    cache_root=cache_root,
                    environment=Environment(python=python),
                    contended=contended if self._many else None,
                    locked=False,
                    time_limit_sec=time_limit_sec,
                    cores=(usable[index % len(usable)],) if usable else None,
                )
            )

    def __enter__(self) -> SideBySide:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def _close(self) -> None:
        for pool in self.pools:
            pool.close()
        self._threads.shutdown(cancel_futures=True)

    def cell(self, cell: Cell) -> Cell:
        """`cell` as it is trained here: on one thread where several are at once."""
        return replace(cell, profile=replace(cell.profile, threads=1)) if self._many else cell

    def records(self, requests: Sequence[RunRequest]) -> Iterator[Record]:
        """The record of each request, as they come; where the caller stops early, no run goes on."""
        pending: set[Future[Record]] = {self._threads.submit(self._train, request) for request in requests}
        try:
            while pending:
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        except BaseException:
            self._close()
            raise

    def _train(self, request: RunRequest) -> Record:
        runner = self._free.get()
        try:
            return runner.run(replace(request, cell=self.cell(request.cell)))
        finally:
            self._free.put(runner)
