"""Intervals drawn against their margins: strips of 100 units, two margins to either side of "no difference" at 50."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from trainband.results.gate.cell_outcomes import CellOutcome
from trainband.results.gate.quality import MetricTest
from trainband.results.gate.speed import SpeedTest

MARGINS = 2.0


@dataclass(frozen=True, kw_only=True)
class Strip:
    """One test of a cell.

    Attributes:
      what: metric, or the clock that speed was told by.
      found: estimate with its 95% limits, and what is behind it.
      margin: the loss that matters, in words.
      lost: where a loss of a margin lies on the strip.
      start, place, stop: lower limit, estimate and upper limit; what lies beyond an end stands at it.
    """

    what: str
    found: str
    margin: str
    lost: float
    start: float
    place: float
    stop: float


def strips(outcome: CellOutcome) -> list[Strip]:
    """The tests of a cell that have an interval."""
    return [*_quality(outcome.metrics), *_speed(outcome.speed)]


def _quality(tests: tuple[MetricTest, ...]) -> Iterator[Strip]:
    for test in tests:
        if test.mean is None or test.lower is None or test.upper is None:
            continue
        unit = " ln" if test.scale == "log" else ""
        yield Strip(
            what=test.metric,
            found=f"{test.mean:+.2g} [{test.lower:+.2g}, {test.upper:+.2g}]{unit}, {test.n} pairs",
            margin=f"{test.margin:.2g}{unit}",
            lost=_place(-1.0),
            start=_place(test.lower / test.margin),
            place=_place(test.mean / test.margin),
            stop=_place(test.upper / test.margin),
        )


def _speed(tests: tuple[SpeedTest, ...]) -> Iterator[Strip]:
    for test in tests:
        if test.ratio is None or test.lower is None or test.upper is None:
            continue
        lost = -math.log1p(-test.margin)
        yield Strip(
            what=f"speed a {'CPU' if test.basis == 'cpu' else 'wall'} second",
            found=f"x {test.ratio:.3f} [{test.lower:.3f}, {test.upper:.3f}], {test.pairs} pairs of processes",
            margin=f"{test.margin:.0%}",
            lost=_place(-1.0),
            start=_place(math.log(test.lower) / lost),
            place=_place(math.log(test.ratio) / lost),
            stop=_place(math.log(test.upper) / lost),
        )


def _place(margins: float) -> float:
    return min(100.0, max(0.0, 50.0 + 50.0 * margins / MARGINS))
