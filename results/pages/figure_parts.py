"""Parts of plotly figures. A colour is the name of a variable of the style sheet; `report.js` puts it in."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from typing import Any

from trainband.results.metric_bands import MetricBand
from trainband.results.metrics import from_scale
from trainband.results.pages.formats import printable
from trainband.results.pages.gauges import scale_edges

Figure = dict[str, Any]

_DIGITS_SHOWN = 6  # of the largest value of a list
_PAD = 0.08


def on_axis(value: float | None, unit: str) -> float | None:
    """`value` as an axis shows it, a fraction as percent; None where it is not finite."""
    if value is None or not math.isfinite(value):
        return None
    return 100.0 * value if unit == "fraction" else value


def axes_layout(x: Figure, y: Figure, **fields: Any) -> Figure:
    """The layout of a chart with one x and one y axis; `x`, `y` and `fields` add to what all charts share."""
    axis = {
        "gridcolor": "--grid",
        "linecolor": "--line",
        "zeroline": False,
        "ticks": "outside",
        "tickcolor": "--line",
        "fixedrange": True,
        "automargin": True,
    }
    return {
        "font": {"color": "--ink", "size": 13, "family": "system-ui, sans-serif"},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 8, "r": 12, "t": 8, "b": 8},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "bgcolor": "rgba(0,0,0,0)"},
        "hoverlabel": {"bgcolor": "--surface", "bordercolor": "--line", "font": {"color": "--ink"}},
        "dragmode": False,
        "xaxis": {**axis, **x},
        "yaxis": {**axis, **y},
        **fields,
    }


def chart_text(text: str) -> str:
    """`text` as a figure may hold it: plotly takes some HTML, and no page can show a lone surrogate."""
    return html.escape(printable(text))


def chart_texts(texts: Sequence[str]) -> list[str]:
    """`chart_text` of each: of a thousand names that need no change, all are looked at together."""
    joined = " ".join(texts)
    return list(texts) if chart_text(joined) == joined else list(map(chart_text, texts))


def axis_title(*lines: str) -> Figure:
    """`lines` beside an axis."""
    return {"text": "<br>".join(map(chart_text, lines)), "standoff": 8}


def decimals_shown(values: Any) -> int:
    """The decimal places to which a chart shows an array of finite values."""
    import numpy as np

    largest = float(np.abs(values).max(initial=0.0))
    return _DIGITS_SHOWN - 1 - math.floor(math.log10(largest)) if largest else 0


def rectangle(axes: tuple[str, str], box: tuple[Any, Any, Any, Any], color: str) -> Figure:
    """A shade below the data; `box` is x0, y0, x1, y1 on the `axes`, such as ("x", "paper")."""
    x0, y0, x1, y1 = box
    return {
        "type": "rect",
        "xref": axes[0],
        "yref": axes[1],
        "x0": x0,
        "y0": y0,
        "x1": x1,
        "y1": y1,
        "fillcolor": color,
        "line": {"width": 0},
        "layer": "below",
    }


def segment(axes: tuple[str, str], box: tuple[Any, Any, Any, Any], color: str, dash: str = "solid") -> Figure:
    """A line below the data, as `rectangle`."""
    x0, y0, x1, y1 = box
    line = {"color": color, "width": 1.5, "dash": dash}
    return {
        "type": "line",
        "xref": axes[0],
        "yref": axes[1],
        "x0": x0,
        "y0": y0,
        "x1": x1,
        "y1": y1,
        "line": line,
        "layer": "below",
    }


def padded_span(values: Sequence[float]) -> tuple[float, float]:
    """The range of an axis that shows all `values`."""
    if not values:
        return 0.0, 1.0
    low, high = min(values), max(values)
    pad = _PAD * (high - low) or max(abs(high) * _PAD, 1e-6)
    return low - pad, high + pad


def finite_on_axis(values: Sequence[float], unit: str) -> list[float]:
    """Those of `values` that an axis can show, as it shows them."""
    return [shown for value in values if (shown := on_axis(value, unit)) is not None]


def band_edges(band: MetricBand | None, unit: str) -> list[float]:
    """The bounds of `band` as an axis shows them; none without a band."""
    if band is None:
        return []
    return [value for edge in scale_edges(band) if (value := on_axis(from_scale(band, edge), unit)) is not None]
