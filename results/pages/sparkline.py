"""A series as a line of a square's width: its newest points, 100 units wide and 20 high."""

from __future__ import annotations

from dataclasses import dataclass

from trainband.results.history.looking import SeriesState

POINTS_SHOWN = 40
_WIDTH, _HEIGHT, _EDGE = 100.0, 20.0, 2.0


@dataclass(frozen=True, kw_only=True)
class Sparkline:
    """Attributes:
    points: of the polyline, as SVG has it.
    x, y: place of the newest point.
    changes: places of the changes of level.
    says: the same in words.
    """

    points: str
    x: float
    y: float
    changes: tuple[float, ...]
    says: str


def sparkline(state: SeriesState) -> Sparkline | None:
    """The newest points of `state`; None where there are fewer than 3."""
    series = state.series
    first = max(0, len(series.points) - POINTS_SHOWN)
    values = [series.quantity.scaled(value) for value in series.points.values[first:]]
    if len(values) < 3:
        return None
    low, high = min(values), max(values)
    height = (high - low) or 1.0
    step = (_WIDTH - 2 * _EDGE) / (len(values) - 1)
    places = [
        (_EDGE + step * number, _HEIGHT - _EDGE - (_HEIGHT - 2 * _EDGE) * (value - low) / height)
        for number, value in enumerate(values)
    ]
    changes = tuple(_EDGE + step * (change.onset - first) for change in state.levels if change.onset >= first)
    told = f"{len(changes)} changes of level" if len(changes) != 1 else "1 change of level"
    return Sparkline(
        points=" ".join(f"{x:.1f},{y:.1f}" for x, y in places),
        x=places[-1][0],
        y=places[-1][1],
        changes=changes,
        says=f"{series.quantity.name} of the newest {len(values)} runs, {told}",
    )
