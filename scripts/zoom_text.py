"""The layers of a step side by side, as a table and as a picture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from trainband.benchmarks.diff.cause import Cause
from trainband.benchmarks.diff.rounding import LayerDifference
from trainband.benchmarks.diff.zoom import Zoomed
from trainband.tables import plain_table, significant

SHOWN = 24
_COLOURS = {
    "equal": "#9e9e9e",
    "rounding": "#4477aa",
    "below float32": "#66ccee",
    "undetermined": "#ccbb44",
    "semantic": "#cc3311",
}


def zoom_text(zoomed: Zoomed) -> Iterator[str]:
    """Line by line: the first tensor that differs, and each layer's differences."""
    first = zoomed.first
    yield f"step {zoomed.step} layer by layer, {zoomed.rows} examples"
    for sentence in zoomed.at_a_distance:
        yield f"  observed at a distance: {sentence}"
    if first is not None:
        yield f"  first apart  {first.stage} {first.name}, by {_size(first.own)} of its norm"
    different = [each for each in zoomed.differences if each.own or each.verdict != "equal"]
    if different:
        yield from plain_table([_row(each) for each in different[:SHOWN]]).splitlines()
    if len(different) > SHOWN:
        yield f"and {len(different) - SHOWN} tensors more (--json has all)"


def _row(each: LayerDifference) -> dict[str, str]:
    return {
        "stage": each.stage,
        "tensor": each.name,
        "as run": _size(each.own),
        "from equal inputs": _size(each.narrow),
        "in float64": _size(each.wide),
        "verdict": each.verdict + (f" ({each.says})" if each.says else ""),
    }


def _size(relative: float | None) -> str:
    return "-" if relative is None else "0" if relative == 0.0 else significant(relative, 2)


def cause_text(cause: Cause) -> Iterator[str]:
    """What the runs' differences come from."""
    if cause.kind == "unknown":
        yield "cause        not looked for: --zoom tells rounding from a change"
    elif cause.kind in ("rounding only", "undetermined"):
        yield f"cause        {cause.kind}"
    for number, found in enumerate(cause.meanings):
        place = " ".join(part for part in (found.stage, found.layer, found.tensor) if part)
        step = "" if found.step is None else f", step {found.step}" if found.step >= 0 else ", before the first step"
        yield f"{'cause' if not number and cause.kind == 'semantic' else 'also':<12} {place}{step}"


def write_picture(path: Path, zoomed: Zoomed) -> None:
    """Relative differences of every tensor as an HTML page that opens from disk; raises OSError."""
    import plotly.graph_objects as go

    figure = go.Figure()
    least = 1e-17
    for verdict, colour in _COLOURS.items():
        found = [each for each in zoomed.differences if each.verdict == verdict]
        figure.add_bar(
            x=[max(each.own or 0.0, least) for each in found],
            y=[f"{each.stage} {each.name}" for each in found],
            orientation="h",
            name=verdict,
            marker_color=colour,
            text=[_size(each.own) for each in found],
            textposition="outside",
            cliponaxis=False,
            hovertext=[f"from equal inputs {_size(each.narrow)}, in float64 {_size(each.wide)}" for each in found],
        )
    names = [f"{each.stage} {each.name}" for each in zoomed.differences]
    figure.update_yaxes(categoryorder="array", categoryarray=names[::-1], automargin=True)
    figure.update_xaxes(type="log", exponentformat="power", title="relative difference as run")
    figure.update_layout(
        title=f"Step {zoomed.step}, layer by layer", height=160 + 18 * len(names), template="plotly_white"
    )
    figure.update_layout(legend_title_text="from equal inputs", uniformtext={"minsize": 9, "mode": "show"})
    path.write_text(figure.to_html(include_plotlyjs=True), encoding="utf-8")
