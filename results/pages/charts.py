"""A chart of a page: a figure with what it shows in words."""

from __future__ import annotations

from dataclasses import dataclass

from trainband.results.pages.figure_parts import Figure


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A figure, the id of its place, and its caption."""

    id: str
    caption: str
    figure: Figure
