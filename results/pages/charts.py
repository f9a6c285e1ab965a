"""A chart of a page: a figure with what it shows in words; and what several charts of a page have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from trainband.results.pages.figure_parts import Figure

SHARED = "$list"
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

    The quantities of a cell were measured by the same runs: a page of a thousand nights is half as large so. The script of
    the pages puts the lists back.
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
        data = [
            {key: place(value) if key in _MAY_BE_SHARED else value for key, value in t.items()} for t in figure["data"]
        ]
        return {**figure, "data": data}

    return [replace(chart, figure=shortened(chart.figure)) for chart in charts], lists
