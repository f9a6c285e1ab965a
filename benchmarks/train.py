"""The training loop: it owns the batch order, the clock and the trace."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from trainband.benchmarks.backends.base import Adapter
from trainband.benchmarks.backends.signals import Signals
from trainband.benchmarks.batches import BatchSource
from trainband.benchmarks.feeder import feed
from trainband.benchmarks.steady import MIN_WINDOWS, StepClock
from trainband.results.records import Window

PROBE_STEPS = 50
EXTRA_SEC = 2.0


@dataclass
class Progress:
    """What the loop has seen so far.

    Attributes:
      losses: float32 loss of each step, in order.
      signals: what the steps say of themselves, in order, several at a time.
      probe_sec: wall seconds of separately synchronised steps, from submission to completion.
      first_step_sec: the first step of this process, compilation included.
    """

    losses: list[float] = field(default_factory=list)
    signals: list[Signals] = field(default_factory=list)
    probe_sec: list[float] = field(default_factory=list)
    first_step_sec: float = 0.0
    extra_steps: int = 0
    diverged_at_step: int | None = None


class Observer(Protocol):
    """Looks at the state after some steps, off the clock."""

    def due(self, step: int) -> bool: ...

    def observe(self, step: int) -> None: ...


class Keeper(Protocol):
    """Keeps the state of the run from time to time, off the clock."""

    def due(self) -> bool: ...

    def keep(self) -> None: ...


class Loop:
    """Steps of one run, on the clock."""

    def __init__(
        self,
        adapter: Adapter,
        source: BatchSource,
        *,
        observer: Observer | None = None,
        keeper: Keeper | None = None,
        clock: StepClock | None = None,
    ) -> None:
        self._adapter = adapter
        self._source = source
        self._observer = observer
        self._keeper = keeper
        self.clock = clock or StepClock()
        self.progress = Progress()
        self._pending: list[Any] = []
        self._compiled = False
        self._probing = False
        total = source.total_steps
        self._probes = range(total // 2, total) if total >= 2 * PROBE_STEPS else range(0)

    def go_on(
        self,
        signals: Signals,
        *,
        probe_sec: Sequence[float],
        windows: Sequence[Window],
        wall_sec: float,
        cpu_sec: float,
    ) -> None:
        """Stand where an earlier process stood after the steps of `signals`; to be called before any step."""
        self.progress.losses = signals.losses.tolist()
        self.progress.signals = [signals]
        self.progress.probe_sec = list(probe_sec)
        self.clock.windows = list(windows)
        self.clock.total_wall_sec, self.clock.total_cpu_sec = wall_sec, cpu_sec
        self._probing = 0 < len(probe_sec) < PROBE_STEPS

    def epoch(self, epoch: int, *, first: int = 0, last: int | None = None) -> None:
        """Train one epoch from its batch `first` on, or up to step `last`; stops early at a loss that is not finite.

        Synchronises at the end.
        """
        length = self._source.steps_per_epoch
        for place, (arguments, wait) in enumerate(self._inputs(self._source, epoch, first), start=first):
            step = epoch * length + place
            idle = self._train_step(step, arguments, wait)
            if self._observer is not None and self._observer.due(step):
                self._observe(self._observer, step)
            if idle and self._keeper is not None and place + 1 < length and self._keeper.due():
                self._keep(self._keeper)
            if self.progress.diverged_at_step is not None or step == last:
                break
        self._drain()
        self.clock.pause()
        self._fetch()

    def _inputs(self, source: BatchSource, epoch: int, first: int = 0) -> Iterator[tuple[Any, float]]:
        steps = feed(source.epoch(epoch, first), self._adapter.put, batch_bytes=source.batch_bytes)
        if self._compiled and not self._probing:
            self.clock.resume()
        while True:
            start = time.perf_counter()
            arguments = next(steps, None)
            if arguments is None:
                return
            yield arguments, time.perf_counter() - start

    def _train_step(self, step: int, arguments: Any, wait: float) -> bool:
        """Take a step; True where the device is idle after it."""
        if not self._compiled:
            self._first_step(arguments)
        elif step in self._probes and len(self.progress.probe_sec) < PROBE_STEPS:
            self._probe(arguments)
        elif self._step(arguments, wait):
            self._end_window()
        else:
            return False
        return True

    def _first_step(self, arguments: Any) -> None:
        start = time.perf_counter()
        self._pending.append(self._adapter.train_step(arguments))
        self._adapter.sync(self._pending[-1])
        self.progress.first_step_sec = time.perf_counter() - start
        self._compiled = True
        self._fetch()
        if not self._probing:
            self.clock.resume()

    def _step(self, arguments: Any, wait: float) -> bool:
        self._pending.append(self._adapter.train_step(arguments))
        return self.clock.step(wait)

    def _probe(self, arguments: Any) -> None:
        if not self._probing:
            self._drain()
            self.clock.pause()
            self._probing = True
        start = time.perf_counter()
        self._pending.append(self._adapter.train_step(arguments))
        self._adapter.sync(self._pending[-1])
        self.progress.probe_sec.append(time.perf_counter() - start)
        if len(self.progress.probe_sec) == PROBE_STEPS:
            self._probing = False
            self._fetch()
            self.clock.resume()

    def _observe(self, observer: Observer, step: int) -> None:
        self._off_the_clock(lambda: observer.observe(step))

    def _keep(self, keeper: Keeper) -> None:
        self._off_the_clock(lambda: keeper.keep() if self.progress.diverged_at_step is None else None)

    def _off_the_clock(self, act: Callable[[], None]) -> None:
        self._drain()
        self.clock.pause()
        self._fetch()
        act()
        if not self._probing:
            self.clock.resume()

    def _end_window(self) -> None:
        self._drain()
        self.clock.close_window()
        self._fetch()
        self.clock.resume()

    def _drain(self) -> None:
        if self._pending:
            self._adapter.sync(self._pending[-1])

    def _fetch(self) -> None:
        if not self._pending:
            return
        signals = self._adapter.fetch(self._pending)
        self._pending.clear()
        bad = np.flatnonzero(~np.isfinite(signals.losses))
        if bad.size and self.progress.diverged_at_step is None:
            self.progress.diverged_at_step = len(self.progress.losses) + int(bad[0])
        self.progress.losses.extend(signals.losses.tolist())
        self.progress.signals.append(signals)

    def finish(self) -> None:
        """Forget the last window, which training left too short to count."""
        self.clock.drop_window()

    def extra(self, source: BatchSource, epoch: int) -> None:
        """Timed steps that are no training, where training alone was too short to be timed.

        They run after the final evaluation on copies of the state, for 2 s at most: first separately synchronised
        ones where the run had none, then windows until there are enough.
        """
        if len(self.progress.probe_sec) >= PROBE_STEPS and len(self.clock.windows) >= MIN_WINDOWS:
            return
        weights, slots = self._adapter.weights(), self._adapter.optimizer_state()
        generators = self._adapter.generator_states()
        deadline = time.perf_counter() + EXTRA_SEC
        losses, signals = len(self.progress.losses), len(self.progress.signals)
        trained = self.clock.total_wall_sec, self.clock.total_cpu_sec
        self._probing = len(self.progress.probe_sec) < PROBE_STEPS
        while time.perf_counter() < deadline and not self._enough():
            for arguments, wait in self._inputs(source, epoch):
                self.progress.extra_steps += 1
                if len(self.progress.probe_sec) < PROBE_STEPS:
                    self._probe(arguments)
                elif self._step(arguments, wait):
                    self._end_window()
                if time.perf_counter() >= deadline or self._enough():
                    break
            self._drain()
            self.clock.pause()
            self._fetch()
        self.clock.total_wall_sec, self.clock.total_cpu_sec = trained
        del self.progress.losses[losses:], self.progress.signals[signals:]
        self._adapter.assign(weights, slots)
        self._adapter.restore_generators(generators)

    def _enough(self) -> bool:
        return len(self.progress.probe_sec) >= PROBE_STEPS and len(self.clock.windows) >= MIN_WINDOWS
