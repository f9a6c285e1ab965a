"""What a zoom found, as a table, as a cause and as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from trainband.benchmarks.diff.cause import Cause, Meaning
from trainband.benchmarks.diff.rounding import LayerDifference
from trainband.benchmarks.diff.zoom import Zoomed
from trainband.zoom_text import SHOWN, cause_text, write_picture, zoom_text


def tensor(layer: str, **fields: Any) -> LayerDifference:
    given = {"stage": "forward", "tensor": "output", "call": 0, "own": 1e-7, "narrow": 0.0, "wide": 0.0}
    return LayerDifference(layer=layer, **{"verdict": "equal", **given, **fields})


ZOOMED = Zoomed(
    step=3,
    rows=32,
    differences=(
        tensor("rescale", own=0.0),
        tensor("conv", own=5.7e-8, narrow=5.7e-8, verdict="rounding"),
        tensor("norm", own=2e-3, narrow=1.9e-3, wide=1.9e-3, verdict="semantic", says="computed in float32 | bfloat16"),
        tensor("conv", stage="gradient", tensor="kernel", call=1, own=None),
        tensor("", stage="loss", tensor="slope", own=None, narrow=1e-7, wide=None, verdict="undetermined"),
    ),
    at_a_distance=("B rounds in another way",),
)


def test_the_table_has_what_differs_and_the_first_of_it() -> None:
    lines = list(zoom_text(ZOOMED))
    assert lines[:3] == [
        "step 3 layer by layer, 32 examples",
        "  observed at a distance: B rounds in another way",
        "  first apart  forward conv output, by 5.7e-08 of its norm",
    ]
    assert [line.split() for line in lines[5:]] == [
        ["forward", "conv", "output", "5.7e-08", "5.7e-08", "0", "rounding"],
        [
            "forward",
            "norm",
            "output",
            "0.002",
            "0.0019",
            "0.0019",
            *["semantic", "(computed", "in", "float32", "|", "bfloat16)"],
        ],
        ["loss", "slope", "-", "1e-07", "-", "undetermined"],
    ]
    many = Zoomed(step=0, rows=1, differences=(tensor("conv"),) * (SHOWN + 2))
    assert list(zoom_text(many))[-1] == "and 2 tensors more (--json has all)"


@pytest.mark.parametrize(
    ("cause", "lines"),
    [
        (Cause(kind="none"), []),
        (Cause(kind="rounding only"), ["cause        rounding only"]),
        (Cause(kind="unknown"), ["cause        not looked for: --zoom tells rounding from a change"]),
        (
            Cause(
                kind="semantic",
                meanings=(
                    Meaning(stage="evaluation", step=-1),
                    Meaning(stage="forward", step=3, layer="norm", tensor="output"),
                    Meaning(stage="budget", step=None),
                ),
            ),
            [
                "cause        evaluation, before the first step",
                "also         forward norm output, step 3",
                "also         budget",
            ],
        ),
    ],
    ids=lambda value: value.kind if isinstance(value, Cause) else None,
)
def test_the_cause_is_the_first_meaning_and_the_others_stand_below(cause: Cause, lines: list[str]) -> None:
    assert list(cause_text(cause)) == lines


def test_the_picture_is_a_page_of_its_own_with_every_tensor(tmp_path: Path) -> None:
    write_picture(tmp_path / "layers.html", ZOOMED)
    page = (tmp_path / "layers.html").read_text(encoding="utf-8")
    for each in ZOOMED.differences:
        assert f'"{each.stage} {each.name}"' in page
    assert "<script src=" not in page
