"""Numbers and JSON as all exports write them."""

from __future__ import annotations

import json
import math
from typing import Any

from trainband.results.codec import encode
from trainband.results.exports.rows import ExportMetric


def as_json(value: Any) -> bytes:
    """`value` as a JSON file. Numbers that are none become the words NaN, Infinity and -Infinity, as in our own files."""
    return (json.dumps(encode(value), indent=1, allow_nan=False, ensure_ascii=False) + "\n").encode()


def number(value: float) -> str:
    """The shortest text that reads as the same number; the words of `as_json` where it is none."""
    return repr(value) if math.isfinite(value) else str(encode(value))


def short(value: float) -> str:
    """Five significant digits, for people."""
    return f"{value:.5g}"


def band(metric: ExportMetric) -> str | None:
    """`[0.95, cannot fail]`; None where the metric has no band."""
    if metric.inside is None:
        return None
    lower, upper = ("cannot fail" if side is None else short(side) for side in (metric.lower, metric.upper))
    return f"[{lower}, {upper}]"


def told(metric: ExportMetric) -> str:
    """`accuracy 0.96 fraction, band [0.95, 0.98]`."""
    interval = band(metric)
    return f"{metric.name} {short(metric.value)} {metric.unit}" + (f", band {interval}" if interval else "")
