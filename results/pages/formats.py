"""Numbers, times and texts as pages show them: percent for shares of examples, units on everything, times in UTC."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup

NOTHING = "\N{EN DASH}"
_MINUS = "\N{MINUS SIGN}"
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\))")
# Neither HTML nor a reader can do anything with these; bidirectional overrides would let a log rewrite the page.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufffe\uffff]")
_UNSAFE_IN_NAME = re.compile(r"[^A-Za-z0-9_.-]")
_LONGEST_NAME = 180


def printable(text: str) -> str:
    """`text` without terminal colours, and with a replacement character for each byte that no page can show."""
    if text.isascii() and text.isprintable():
        return text
    lines = _ANSI.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", lines)


def finalize(value: Any) -> Any:
    """What Jinja does to every value before it escapes it."""
    if isinstance(value, Markup):
        return value
    return NOTHING if value is None else printable(str(value))


def file_name(name: str) -> str:
    """A name for a file of its own, equal to `name` wherever that is safe on every file system and in a URL."""
    safe = _UNSAFE_IN_NAME.sub("_", name)[:_LONGEST_NAME]
    if safe == name and name[:1] not in (".", "-", ""):
        return name
    return f"{safe.strip('.-') or 'unnamed'}-{hashlib.sha256(name.encode(errors='replace')).hexdigest()[:8]}"


def cell_page(cell: str) -> str:
    """The page of a cell, from the report's root."""
    model, _, rest = cell.partition(":")
    return f"cells/{file_name('-'.join((model, *rest.split('@', 1))))}.html"


def run_page(run_id: str) -> str:
    """The page of a run, from the report's root."""
    return f"runs/{file_name(run_id)}.html"


def number(value: float | None, digits: int = 4) -> str:
    """`value` to `digits` significant digits, whole thousands with commas."""
    if value is None:
        return NOTHING
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else f"{_MINUS}∞"
    if abs(value) >= 10 ** (digits - 1):
        text = f"{value:,.0f}"
    else:
        text = f"{value:#.{digits}g}" if value else "0"
        text = text.rstrip(".") if "e" not in text else f"{value:.{digits - 1}e}"
    return text.replace("-", _MINUS)


def signed(value: float, digits: int = 1) -> str:
    """`value` with its sign, to `digits` places."""
    return f"{value:+.{digits}f}".replace("-", _MINUS)


def count(value: int | None) -> str:
    return NOTHING if value is None else f"{value:,}"


def percent(value: float | None, digits: int = 2) -> str:
    """A share in [0, 1] as percent."""
    if value is None:
        return NOTHING
    if not math.isfinite(value):
        return number(value)
    return f"{100 * value:.{digits}f}%".replace("-", _MINUS)


def metric(value: float | None, unit: str) -> str:
    """A metric's value: percent where its unit is a fraction, else the bare number (`unit_label` names its unit)."""
    return percent(value) if unit == "fraction" else number(value)


def unit_label(unit: str) -> str:
    return "%" if unit == "fraction" else unit


def loss(value: float | None, unit: str, scale: str) -> str:
    """A loss of quality: percentage points of a share, percent of the value on a log scale."""
    if value is None:
        return "none can be found"
    if scale == "log":
        return f"{100 * value:.3g}% of the value"
    return f"{100 * value:.3g} percentage points" if unit == "fraction" else f"{number(value, 3)} {unit}"


def speed(value: float | None) -> str:
    """Examples per second, short: 812, 8.13k."""
    if value is None or not math.isfinite(value):
        return NOTHING
    for factor, suffix in ((1e6, "M"), (1e3, "k")):
        if value >= factor:
            return f"{value / factor:.3g}{suffix}"
    return f"{value:.3g}"


def duration(seconds: float | None) -> str:
    """Seconds as `0.65 s`, `23.9 s`, `4 min 5 s`, `2 h 3 min`."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    if seconds < 100:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def size(value: float | None) -> str:
    """Bytes as MiB or GiB."""
    if value is None:
        return NOTHING
    mebibytes = value / 2**20
    return f"{mebibytes / 1024:.2f} GiB" if mebibytes >= 1024 else f"{mebibytes:.0f} MiB"


def rate(value: float | None, unit: str) -> str:
    """A rate with an SI prefix: `32.4 GFLOP/s`."""
    if value is None or not math.isfinite(value):
        return NOTHING
    for factor, prefix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= factor:
            return f"{value / factor:.3g} {prefix}{unit}"
    return f"{value:.3g} {unit}"


def utc(text: object) -> str:
    """A stored time as `2026-03-01 04:00:00 UTC`; what is no time stays as it is."""
    try:
        moment = datetime.fromisoformat(str(text))
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError):
        return str(text)


def flat(value: Any, path: str = "") -> list[tuple[str, str]]:
    """A JSON value as (path, text) rows; lists of plain values stay on one row."""
    if isinstance(value, Mapping):
        rows = [row for key, item in value.items() for row in flat(item, f"{path}.{key}" if path else str(key))]
        return rows or [(path, "none")]
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        if any(isinstance(item, Mapping | list | tuple) for item in value):
            return [row for index, item in enumerate(value) for row in flat(item, f"{path}[{index}]")]
        return [(path, ", ".join(map(str, value)) or "none")]
    if isinstance(value, bool):
        return [(path, "true" if value else "false")]
    return [(path, "none" if value is None else str(value))]
