"""The chart of an audit: how often the verdict sees each fault, and how often `diff` names its stage."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path

from trainband.results.audits import Audit, FaultRow
from trainband.results.files import atomic_write_text
from trainband.results.pages.figure_parts import Figure

_SEEN, _NAMED, _MISSED, _QUIET = "#0072b2", "#006a4e", "#a83f00", "#5b666d"
_ROW_PX, _FRAME_PX = 24, 170
_GAP = 0.03  # between two panels, of the chart's width


def write_audit_figure(path: Path, audit: Audit) -> None:
    """Write a page that opens from disk in any browser, and needs nothing from outside; raises OSError."""
    import plotly.io

    atomic_write_text(path, plotly.io.to_html(audit_figure(audit), include_plotlyjs=True, full_html=True))


def audit_figure(audit: Audit) -> Figure:
    """One panel a cell, one row a fault: a bar for the verdict with its 95% limits, a sign for `diff`."""
    cells = [cell.cell for cell in audit.cells]
    data: list[Figure] = []
    for number, cell in enumerate(cells):
        x, y = _axes(number)
        rows = [row for row in audit.faults if row.cell == cell]
        data += [{"showlegend": number == 0, **trace, "xaxis": x, "yaxis": y} for trace in _panel(rows)]
    return {"data": data, "layout": _layout(audit, cells)}


def _panel(rows: Sequence[FaultRow]) -> list[Figure]:
    placed = [row for row in rows if row.no_place is None]
    seen = [row for row in placed if row.seen is not None]
    return [
        {
            # First, and with every row: rows stand in the order in which they are met.
            "type": "scatter",
            "mode": "text",
            "hoverinfo": "skip",
            "showlegend": False,
            "x": [0.02] * len(rows),
            "y": _places(rows),
            "text": [f"no place: {html.escape(row.no_place)}" if row.no_place else "" for row in rows],
            "textposition": "middle right",
            "textfont": {"color": _QUIET, "size": 11},
        },
        {
            "type": "bar",
            "orientation": "h",
            "name": "seen by the verdict on the run alone",
            "x": [row.seen.count / row.seen.n for row in seen if row.seen],
            "y": _places(seen),
            "error_x": {
                "array": [row.seen.upper - row.seen.count / row.seen.n for row in seen if row.seen],
                "arrayminus": [row.seen.count / row.seen.n - row.seen.lower for row in seen if row.seen],
                "color": _QUIET,
                "thickness": 1,
                "width": 3,
            },
            "marker": {"color": _SEEN},
            "customdata": [_title(row) for row in seen],
            "hovertemplate": "%{customdata}<br>seen in %{x:.0%}<extra></extra>",
        },
        {
            "type": "scatter",
            "mode": "markers",
            "name": "stage named by diff",
            "x": [row.named.count / row.named.n for row in placed if row.named],
            "y": _places(placed),
            "marker": {
                "symbol": ["diamond" if row.named and row.named.whole else "x" for row in placed],
                "color": [_NAMED if row.named and row.named.whole else _MISSED for row in placed],
                "size": 11,
            },
            "customdata": [html.escape(", ".join(row.causes)) for row in placed],
            "hovertemplate": "diff says: %{customdata}<br>the stage in %{x:.0%}<extra></extra>",
        },
    ]


def _places(rows: Sequence[FaultRow]) -> list[list[str]]:
    return [[row.stage for row in rows], [row.fault for row in rows]]


def _title(row: FaultRow) -> str:
    where = f" (layer {row.layer})" if row.layer else ""
    return html.escape(row.title + where)


def _layout(audit: Audit, cells: Sequence[str]) -> Figure:
    layout: Figure = {
        "template": "plotly_white",
        "title": {"text": html.escape(summary(audit))},
        "height": _FRAME_PX + _ROW_PX * len({row.fault for row in audit.faults}),
        "bargap": 0.35,
        "margin": {"l": 10, "r": 10, "t": 110, "b": 40},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
    }
    width = 1 / len(cells)
    for number, cell in enumerate(cells):
        x, y = _axes(number)
        layout[f"xaxis{x[1:]}"] = {
            "domain": [number * width + (_GAP if number else 0), (number + 1) * width],
            "anchor": y,
            "range": [0, 1.04],
            "tickformat": ".0%",
            "title": {"text": html.escape(cell)},
        }
        first = {"showticklabels": True} if number == 0 else {"showticklabels": False, "matches": "y"}
        layout[f"yaxis{y[1:]}"] = {
            "anchor": x,
            "type": "multicategory",
            "autorange": "reversed",
            "automargin": True,
            **first,
        }
    return layout


def _axes(number: int) -> tuple[str, str]:
    """The names of the axes of panel `number`, from 0, as plotly has them."""
    suffix = str(number + 1) if number else ""
    return f"x{suffix}", f"y{suffix}"


def summary(audit: Audit) -> str:
    """Power and accuracy of this installation in one sentence."""
    seen = [row.seen for row in audit.faults if row.seen is not None]
    named = [row.named for row in audit.faults if row.named is not None]
    alarms = [cell.alarms for cell in audit.cells]
    parts = [
        f"{sum(each.count for each in shares):,} of {sum(each.n for each in shares):,} {what}"
        for shares, what in (
            (seen, "runs with a fault are seen by their verdict alone"),
            (named, "have their stage named by diff"),
            (alarms, "healthy pairs are parted"),
        )
        if shares
    ]
    return "; ".join(parts)
