"""Dots that share a place stand on each other, so that equal values stay countable."""

from __future__ import annotations

from collections.abc import Sequence

_COLUMNS = 36
_STEP = 0.16


def stacked(values: Sequence[float], *, height: float) -> list[float]:
    """For each value the height of its dot: values that fall into one of some columns are stacked, up to `height`."""
    if not values:
        return []
    low, high = min(values), max(values)
    width = (high - low) / _COLUMNS or 1.0
    filled: dict[int, int] = {}
    places = []
    for value in values:
        column = round((value - low) / width)
        places.append(filled.get(column, 0))
        filled[column] = places[-1] + 1
    step = min(_STEP, height / max(1, max(places)))
    return [place * step for place in places]
