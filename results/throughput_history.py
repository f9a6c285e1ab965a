"""The word on the throughput of many runs at once, from the index's rows: no record of an earlier run is opened."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import accumulate
from operator import attrgetter, ne
from typing import Any

from trainband.results.index_rows import RunRow, utc_text
from trainband.results.records import Record
from trainband.results.throughput import (
    Basis,
    SpeedsBefore,
    ThroughputJudgement,
    is_healthy,
    speed_of,
    throughput_word_beside,
)

_NOTHING = SpeedsBefore(n=0, days=0, cv=0.0, log_mean=0.0, log_sd=0.0)


def throughput_judgements(records: Iterable[Record], rows: Iterable[RunRow]) -> dict[str, ThroughputJudgement]:
    """Run id -> how fast each of `records` trained beside the earlier runs among `rows`."""
    history: dict[tuple[str, str, str], list[RunRow]] = {}
    for row in rows:
        if row.recipe_hash is not None and is_healthy(row):
            history.setdefault((row.cell, row.recipe_hash, row.host_class), []).append(row)
    series = {place: _Speeds(healthy) for place, healthy in history.items()}
    found = {}
    for record in records:
        measured = record.measurement
        known = series.get((record.cell, measured.recipe_hash, record.host_class)) if measured is not None else None
        created = utc_text("created", record.created)
        found[record.run_id] = throughput_word_beside(record, partial(_before, known, created))
    return found


def _before(known: _Speeds | None, created: str, basis: Basis) -> SpeedsBefore:
    return known.before(basis, created) if known is not None else _NOTHING


class _Speeds:
    """The healthy runs that may be compared with one another, as running sums in the order of time."""

    def __init__(self, rows: Sequence[RunRow]) -> None:
        ordered = sorted(rows, key=attrgetter("created"))
        self._sums: dict[Basis, _Sums] = {basis: _Sums(basis, ordered) for basis in ("cpu", "wall")}

    def before(self, basis: Basis, created: str) -> SpeedsBefore:
        return self._sums[basis].before(created)


class _Sums:
    """Running sums on one basis; values are taken from the first one, so that no digits are lost in the squares."""

    def __init__(self, basis: Basis, rows: Sequence[RunRow]) -> None:
        import numpy as np

        usable = [(row.created, speed) for row in rows if (speed := speed_of(basis, row)) is not None]
        self._created = [created for created, _ in usable]
        days = [created[:10] for created in self._created]
        self._days = list(accumulate(map(ne, days, ["", *days]), initial=0))
        self._first = usable[0][1] if usable else 1.0
        scaled = np.array([speed for _, speed in usable], dtype=float) / self._first
        self._plain = _running(scaled)
        self._logs = _running(np.log(scaled))

    def before(self, created: str) -> SpeedsBefore:
        n = bisect_left(self._created, created)
        if n < 2:
            return SpeedsBefore(n=n, days=self._days[n], cv=0.0, log_mean=0.0, log_sd=0.0)
        mean, sd = _moments(self._plain, n)
        log_mean, log_sd = _moments(self._logs, n)
        return SpeedsBefore(
            n=n, days=self._days[n], cv=sd / mean, log_mean=log_mean + math.log(self._first), log_sd=log_sd
        )


def _running(values: Any) -> tuple[list[float], list[float]]:
    """The sum of the first 0, 1, ... values of an array, and that of their squares."""
    return [0.0, *values.cumsum().tolist()], [0.0, *(values * values).cumsum().tolist()]


def _moments(running: tuple[list[float], list[float]], n: int) -> tuple[float, float]:
    """Mean and standard deviation (ddof 1) of the first `n` values."""
    sums, squares = running
    mean = sums[n] / n
    return mean, math.sqrt(max(0.0, (squares[n] - n * mean * mean) / (n - 1)))
