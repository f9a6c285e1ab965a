"""What a night has time for, and which cell goes first."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from trainband.benchmarks.cells import Cell
from trainband.results.store import RunFilter, Store


@dataclass(kw_only=True)
class Budget:
    """Wall time from the moment that this is made.

    Attributes:
      seconds: None for no limit.
      clock: a time in seconds that never goes back.
    """

    seconds: float | None
    clock: Callable[[], float] = time.monotonic
    _began: float = field(init=False)

    def __post_init__(self) -> None:
        self._began = self.clock()

    @property
    def left_sec(self) -> float:
        """Seconds that are left; infinite without a limit."""
        return float("inf") if self.seconds is None else self.seconds - (self.clock() - self._began)

    @property
    def left_share(self) -> float:
        """The share of the budget that is left; 1 without a limit."""
        return 1.0 if self.seconds is None else self.left_sec / self.seconds

    def allows(self, seconds: float) -> bool:
        """Whether what takes about that long would end in time."""
        return self.left_sec > 0.0 and seconds <= self.left_sec


def least_recent_first(cells: Iterable[Cell], store: Store) -> list[Cell]:
    """`cells` in the order of their newest runs, the oldest first; those that never ran come before them all."""
    ran = {cell.name: store.rows(RunFilter(cell=cell.name, limit=1)) for cell in cells}
    return sorted(cells, key=lambda cell: ran[cell.name][0].created if ran[cell.name] else "")


def usual_sec(cell: str, store: Store) -> float:
    """Wall seconds of the newest complete run of `cell`; 0 where there is none, so that it is tried."""
    rows = store.rows(RunFilter(cell=cell, outcome="completed", limit=1))
    return rows[0].wall_sec if rows else 0.0
