"""Markdown as GitHub renders it."""

from __future__ import annotations

from collections.abc import Sequence


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table; what would end a cell or a line is escaped."""
    lines = [columns, ["---"] * len(columns), *rows]
    return ["| " + " | ".join(_one_line(cell).replace("|", "\\|") for cell in line) + " |" for line in lines]


def folded(title: str, lines: Sequence[str]) -> list[str]:
    """The lines behind a title to click on."""
    return [f"<details><summary>{title}</summary>", "", *lines, "", "</details>"]


def _one_line(text: str) -> str:
    return " ".join(text.splitlines())
