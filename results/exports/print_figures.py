"""Figures for print and pull requests: where each cell lies in its band, and how fast it is beside its baseline.

SVG keeps its texts as texts, so that they can be searched and set in the page's own type.
"""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from trainband.results.exports.rows import ExportError, ExportMetric, ExportRow
from trainband.results.judgements import SIGNS
from trainband.results.pages.formats import printable

ROWS_A_FIGURE = 40
_ROW_INCHES, _FRAME_INCHES, _WIDTH_INCHES = 0.24, 1.3, 10.0
_DPI = 150
_FAR = 2.6  # half widths of the band; what lies beyond is drawn at the edge
# The Okabe-Ito palette; every verdict also has its sign and its word.
_COLORS = {
    "passed": "#006a4e",
    "failed": "#a83f00",
    "error": "#855400",
    "open": "#00629c",
    "waived": "#4f6080",
    "skipped": "#566167",
}
# matplotlib's own font has no hourglass.
_SIGNS: Mapping[str, str] = dict([*SIGNS.items(), ("timeout", "…"), ("planned", "·")])
_BAND, _INK, _SOFT = "#d5eee5", "#1d2327", "#5b666d"


def render(rows: Sequence[ExportRow]) -> dict[str, bytes]:
    """`verdicts.svg` and `verdicts.png`; numbered where there are more rows than one figure takes."""
    parts = [rows[start : start + ROWS_A_FIGURE] for start in range(0, len(rows), ROWS_A_FIGURE)]
    found = {}
    for number, part in enumerate(parts, start=1):
        name = "verdicts" if len(parts) == 1 else f"verdicts-{number}"
        for kind in ("svg", "png"):
            found[f"{name}.{kind}"] = _drawn(part, kind)
    return found


def _drawn(rows: Sequence[ExportRow], kind: str) -> bytes:
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise ExportError(f"{error}: pip install 'trainband[figures]'") from error
    # The same rows give the same bytes: no date, and ids that are made from the content.
    own: dict[Any, Any] = {
        "svg.fonttype": "none",
        "svg.hashsalt": "trainband",
        "font.family": "sans-serif",
        "font.size": 9.0,
    }
    with mpl.rc_context({**mpl.rcParamsDefault, **own}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # a reason may hold any character
        figure = Figure(figsize=(_WIDTH_INCHES, _FRAME_INCHES + _ROW_INCHES * len(rows)), layout="constrained")
        place, speed = figure.subplots(1, 2, sharey=True, width_ratios=[2.2, 1.0])
        _draw_places(place, rows)
        _draw_speeds(speed, rows)
        file = io.BytesIO()
        metadata = {"Date": None} if kind == "svg" else {"Software": None}
        figure.savefig(file, format=kind, dpi=_DPI, metadata=metadata)
    return file.getvalue()


def _draw_places(axes: Any, rows: Sequence[ExportRow]) -> None:
    axes.axvspan(-1.0, 1.0, color=_BAND, zorder=0, label="band")
    axes.axvline(0.0, color=_SOFT, linewidth=0.8, linestyle=":", zorder=1)
    for y, row in enumerate(rows):
        color = _COLORS[row.result]
        found = _place(row)
        if found is not None:
            metric, x = found
            axes.plot(min(max(x, -_FAR), _FAR), y, marker="D", markersize=5, color=color, zorder=3)
            axes.annotate(_value(metric), (_FAR + 0.1, y), va="center", fontsize=8, color=_INK, annotation_clip=False)
        else:
            axes.annotate(_short(row.reason), (-_FAR, y), va="center", fontsize=8, color=_SOFT)
    axes.set_yticks(range(len(rows)), [_label(row) for row in rows])
    for tick, row in zip(axes.get_yticklabels(), rows, strict=True):
        tick.set_color(_COLORS[row.result])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(-_FAR - 0.1, _FAR + 0.1)
    axes.set_xticks([-2, -1, 0, 1, 2])
    axes.set_xlabel("headline metric, half widths of the band from its middle (shaded: the band)")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _draw_speeds(axes: Any, rows: Sequence[ExportRow]) -> None:
    axes.axvline(0.0, color=_SOFT, linewidth=0.8, linestyle=":", zorder=1)
    for y, row in enumerate(rows):
        word = row.throughput
        if word is not None and word.ratio is not None:
            moved = word.word in ("slower", "faster")
            color = _COLORS["failed" if word.word == "slower" else "open" if moved else "passed"]
            axes.plot(100.0 * (word.ratio - 1.0), y, marker="o", markersize=5, color=color, zorder=3)
    axes.set_xlabel("speed, % from its baseline")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _label(row: ExportRow) -> str:
    sign = _SIGNS[row.verdict]
    # "$" would begin a formula.
    return printable(f"{sign} {row.verdict}  {row.cell}").replace("$", r"\$")


def _place(row: ExportRow) -> tuple[ExportMetric, float] | None:
    """The headline metric and its place: -1 and 1 are the band's sides; with one side alone, 0 is inside and -2 outside."""
    metric = next(iter(row.quality), None)
    if metric is None or not math.isfinite(metric.value):
        return None
    lower, upper = metric.lower, metric.upper
    if lower is None or upper is None or not lower < upper:
        return (metric, -2.0 if metric.inside is False else 0.0) if metric.inside is not None else None
    return metric, (2.0 * metric.value - lower - upper) / (upper - lower)


def _value(metric: ExportMetric) -> str:
    return f"{metric.value:.4g}"


def _short(text: str, most: int = 70) -> str:
    text = " ".join(printable(text).split()).replace("$", r"\$")
    return text if len(text) <= most else f"{text[: most - 1]}…"
