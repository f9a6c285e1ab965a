"""What a gate's report says of a first pair that differs: the class of the change, and its place."""

from __future__ import annotations

from typing import Any, cast

import pytest

from trainband.benchmarks.diff.cause import Cause, Meaning
from trainband.benchmarks.diff.explain import Explanation
from trainband.benchmarks.diff.rounding import LayerDifference
from trainband.benchmarks.diff.stages import Divergence
from trainband.benchmarks.diff.trajectory import Comparison
from trainband.benchmarks.diff.zoom import Zoomed
from trainband.benchmarks.gate import findings
from trainband.benchmarks.gate.findings import finding, moved


@pytest.mark.parametrize(
    ("stages", "word"),
    [
        (["random draw"], "random numbers only"),
        (["batch", "random draw"], "random numbers only"),
        (["initial weights"], "random numbers only"),
        (["random draw", "update"], "implementation changed"),
        (["hyper-parameters", "update"], "default changed"),
        (["initial weights", "hyper-parameters"], "default changed"),
        (["forward"], "implementation changed"),
    ],
)
def test_a_change_of_meaning_has_a_class(stages: list[Any], word: str) -> None:
    meanings = tuple(Meaning(stage=stage, step=0) for stage in stages)
    assert moved(Cause(kind="semantic", meanings=meanings)) == word


@pytest.mark.parametrize(
    ("kind", "word"), [("rounding only", "rounding only"), ("undetermined", "undetermined"), ("unknown", None)]
)
def test_what_is_no_change_of_meaning_is_told_as_it_is(kind: Any, word: str | None) -> None:
    assert moved(Cause(kind=kind)) == word


def difference(stage: Any, layer: str, own: float | None) -> LayerDifference:
    return LayerDifference(
        stage=stage, layer=layer, tensor="kernel", call=0, own=own, narrow=0.0, wide=0.0, verdict="rounding"
    )


def test_the_place_is_the_first_difference_of_the_stage_at_which_the_runs_part(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    divergence = Divergence(stages=("gradient",), says="its gradient is not", first_step=2, last_step=2)
    seen = [
        difference("forward", "conv", 1e-8),  # at a distance: compiled, the forward pass is equal
        difference("gradient", "logits", 0.0),
        difference("gradient", "norm", None),
        difference("gradient", "conv", 3e-8),
        difference("gradient", "stem", 4e-8),
    ]
    explained = Explanation(
        compared=Comparison(steps=9, first={"gradient": 2}, divergence=divergence),
        refined=None,
        zoomed=Zoomed(step=2, rows=32, differences=tuple(seen), at_a_distance=("B rounds in another way",)),
        cause=Cause(kind="rounding only"),
    )
    monkeypatch.setattr(findings, "explain", lambda *_, **__: explained)
    found = finding(cast(Any, None), cast(Any, None), cast(Any, None))
    assert found is not None
    assert (found.stage, found.step, found.layer, found.tensor, found.size) == ("gradient", 2, "conv", "kernel", 3e-8)
    assert (found.moved, found.distances) == ("rounding only", ("B rounds in another way",))
