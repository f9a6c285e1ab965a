"""Text for terminals and pipes: tables, numbers and the words of verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

STYLES = {
    "pass": "green",
    "fail_low": "bold red",
    "fail_high": "bold red",
    "diverged": "bold red",
    "error": "bold magenta",
    "timeout": "bold magenta",
    "no_band": "yellow",
    "undecided": "yellow",
    "waived": "cyan",
    "skipped": "dim",
}


def plain_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Aligned columns, numbers to the right; nothing but text."""
    if not rows:
        return "nothing to show"
    columns = list(rows[0])
    texts = [[str(row[column]) for column in columns] for row in rows]
    widths = [max(len(column), *(len(text[i]) for text in texts)) for i, column in enumerate(columns)]
    numeric = [all(isinstance(row[column], int | float) for row in rows) for column in columns]

    def line(cells: Sequence[str]) -> str:
        parts = [c.rjust(w) if n else c.ljust(w) for c, w, n in zip(cells, widths, numeric, strict=True)]
        return "  ".join(parts).rstrip()

    return "\n".join([line(columns), line(["-" * width for width in widths]), *map(line, texts)])


def significant(value: float | None, digits: int = 4) -> str:
    """A number for people; a dash where there is none."""
    return "-" if value is None else f"{value:,.{digits}g}" if abs(value) < 10**digits else f"{value:,.0f}"


def duration(seconds: float) -> str:
    """Seconds as `42 s`, `3 min 05 s` or `2 h 10 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
