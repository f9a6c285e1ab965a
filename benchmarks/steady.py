"""The training clock: windows of consecutive steps, and the steady throughput that follows from them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from trainband.results.records import Window

MIN_WINDOW_SEC = 0.5
MIN_WINDOWS = 3
STEADY_SHARE = 0.95


@dataclass
class StepClock:
    """Cuts training time into windows; everything between `pause` and `resume` is off the clock.

    A window may run over an epoch's end: what lies between pause and resume is taken out of it.
    """

    wall: Callable[[], float] = time.perf_counter
    cpu: Callable[[], float] = time.process_time
    windows: list[Window] = field(default_factory=list)
    total_wall_sec: float = 0.0
    total_cpu_sec: float = 0.0
    _steps: int = 0
    _wait_sec: float = 0.0
    _wall_sec: float = 0.0
    _cpu_sec: float = 0.0
    _since: tuple[float, float] | None = None

    def resume(self) -> None:
        self._since = (self.wall(), self.cpu())

    def pause(self) -> None:
        """Stop the clock; the device must be synchronised."""
        if self._since is None:
            return
        wall, cpu = self.wall() - self._since[0], self.cpu() - self._since[1]
        self._since = None
        self._wall_sec += wall
        self._cpu_sec += cpu
        self.total_wall_sec += wall
        self.total_cpu_sec += cpu

    def step(self, input_wait_sec: float) -> bool:
        """Count one step; True when the window is long enough to be closed at a synchronisation."""
        self._steps += 1
        self._wait_sec += input_wait_sec
        since = self._since[0] if self._since else self.wall()
        return self._wall_sec + self.wall() - since >= MIN_WINDOW_SEC

    def close_window(self) -> None:
        """Stop the clock and end the window here; the device must be synchronised."""
        self.pause()
        if self._steps:
            self.windows.append(
                Window(
                    steps=self._steps,
                    wall_sec=self._wall_sec,
                    cpu_sec=self._cpu_sec,
                    input_wait_sec=self._wait_sec,
                )
            )
        self.drop_window()

    def drop_window(self) -> None:
        """Forget the steps since the last window (compilation, separately synchronised steps)."""
        self._steps, self._wait_sec, self._wall_sec, self._cpu_sec = 0, 0.0, 0.0, 0.0


def warmup_windows(windows: Sequence[Window]) -> int:
    """How many leading windows are warm-up: those before the first that reaches 95% of the median rate.

    The first window alone is never the steady state where there are others to judge it by.
    """
    if len(windows) < MIN_WINDOWS:
        return 0
    rates = [window.steps / window.wall_sec for window in windows]
    threshold = STEADY_SHARE * statistics.median(rates[1:])
    return next(index for index, rate in enumerate(rates) if rate >= threshold)


@dataclass(frozen=True, kw_only=True)
class SteadyRate:
    """Medians over the steady windows."""

    examples_per_sec: float
    examples_per_cpu_sec: float
    input_wait_share: float
    warmup_windows: int


def steady_rate(windows: Sequence[Window], batch_size: int) -> SteadyRate | None:
    """Throughput of the steady windows; None where there is no window."""
    if not windows:
        return None
    first = warmup_windows(windows)
    steady = windows[first:]
    return SteadyRate(
        examples_per_sec=statistics.median(w.steps * batch_size / w.wall_sec for w in steady),
        examples_per_cpu_sec=statistics.median(w.steps * batch_size / max(w.cpu_sec, 1e-9) for w in steady),
        input_wait_share=sum(w.input_wait_sec for w in steady) / sum(w.wall_sec for w in steady),
        warmup_windows=first,
    )
