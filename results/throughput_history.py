"""The word on the throughput of many runs at once, from what the index has: no record of an earlier run is opened."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import accumulate
from operator import ne
from typing import Any

from trainband.results.index_rows import utc_text
from trainband.results.records import Record
from trainband.results.run_columns import RunColumns
from trainband.results.throughput import (
    Basis,
    SpeedsBefore,
    ThroughputJudgement,
    throughput_word_beside,
)

_NOTHING = SpeedsBefore(n=0, days=0, cv=0.0, log_mean=0.0, log_sd=0.0)


def throughput_judgements(records: Iterable[Record], runs: RunColumns) -> dict[str, ThroughputJudgement]:
    """Run id -> how fast each of `records`, which are of one cell, trained beside its earlier `runs`."""
    series: dict[tuple[str, str], _Speeds] = {}
    found = {}
    for record in records:
        measured = record.measurement
        known = None
        if measured is not None:
            place = (measured.recipe_hash, record.host_class)
            known = series[place] if place in series else series.setdefault(place, _Speeds(runs, *place))
        created = utc_text("created", record.created)
        found[record.run_id] = throughput_word_beside(record, partial(_before, known, created))
    return found


def _before(known: _Speeds | None, created: str, basis: Basis) -> SpeedsBefore:
    return known.before(basis, created) if known is not None else _NOTHING


class _Speeds:
    """The healthy runs that may be compared with one another, as running sums in the order of time."""

    def __init__(self, runs: RunColumns, recipe_hash: str, host_class: str) -> None:
        healthy = runs.where(lambda s: (s.recipe_hash, s.host_class) == (recipe_hash, host_class) and not s.faults)
        self._sums: dict[Basis, _Sums] = {basis: _Sums(healthy, speeds) for basis, speeds in healthy.speeds.items()}

    def before(self, basis: Basis, created: str) -> SpeedsBefore:
        return self._sums[basis].before(created)


class _Sums:
    """Running sums on one basis; values are taken from the first one, so that no digits are lost in the squares."""

    def __init__(self, runs: RunColumns, speeds: Sequence[float | None]) -> None:
        import numpy as np

        rows = zip(runs.created, speeds, runs.contended, strict=True)
        usable = [(moment, speed) for moment, speed, busy in rows if speed is not None and not busy]
        self._created = [moment for moment, _ in usable]
        days = [moment[:10] for moment in self._created]
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
