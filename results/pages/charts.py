"""A chart of a page: a figure with what it shows in words; and what several charts of a page have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from trainband.results.pages.figure_parts import Figure, decimals_shown

SHARED = "$list"
WHOLE, DIGITS = "$whole", "digits"
_EXACT_TENS = 22  # the largest power of ten that a double holds exactly, here and in a browser
_LONG = 50  # values, from which on a list is worth a place of its own
_MAY_BE_SHARED = ("x", "text", "customdata")


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A figure, the id of its place, and its caption."""

    id: str
    caption: str
    figure: Figure


def with_shared_lists(charts: Sequence[Chart]) -> tuple[list[Chart], list[list[Any]]]:
    """The charts with `{"$list": number}` in the place of each long list of times or names, and the lists, each once.

    The quantities of a cell were measured by the same runs: a page of a thousand nights is half as large so. Long lists of
    values become whole numbers with so many decimal digits, which are written in a quarter of the time. The script of the
    pages puts both back.
    """
    lists: list[list[Any]] = []

    def place(value: Any) -> Any:
        if not isinstance(value, list) or len(value) < _LONG:
            return value
        number = next((number for number, known in enumerate(lists) if known == value), len(lists))
        if number == len(lists):
            lists.append(value)
        return {SHARED: number}

    def shortened(figure: Figure) -> Figure:
        data = [{key: replaced(key, value) for key, value in trace.items()} for trace in figure["data"]]
        return {**figure, "data": data}

    def replaced(key: str, value: Any) -> Any:
        return place(value) if key in _MAY_BE_SHARED else _whole(value) if key == "y" else value

    return [replace(chart, figure=shortened(chart.figure)) for chart in charts], lists


def _whole(values: Any) -> Any:
    """`{"$whole": numbers, "digits": digits}` for a long list of values that have few decimal digits, the same values."""
    import numpy as np

    if not isinstance(values, list) or len(values) < _LONG or None in values:
        return values
    known = np.array(values, dtype=float)
    digits = decimals_shown(known)
    if not 0 <= digits <= _EXACT_TENS:
        return values
    factor = 10.0**digits
    whole = np.rint(known * factor)
    if not np.array_equal(whole / factor, known):
        return values
    return {WHOLE: whole.astype(int).tolist(), DIGITS: digits}
