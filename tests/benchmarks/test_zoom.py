"""Rounding or semantic: what layers of two sides make of equal inputs, and the cause that follows from it.

The steps are real ones: taken layer by layer they are the compiled step, and in float64 they agree across backends.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainband.benchmarks.cells import Cell
from trainband.benchmarks.diff.cause import Cause, Meaning, cause_of
from trainband.benchmarks.diff.explain import explain
from trainband.benchmarks.diff.refine import Rerunner, Side
from trainband.benchmarks.diff.rounding import LayerDifference, Shown, Verdict, layer_differences
from trainband.benchmarks.diff.stages import Divergence
from trainband.benchmarks.diff.trajectory import Comparison
from trainband.benchmarks.diff.zoom import Zoomed
from trainband.benchmarks.run_spec import SPEC_FILE, TRACE_FILE, spec_from_json, to_json
from trainband.benchmarks.trace.files import read_trace
from trainband.benchmarks.zoom.dump import Place, Tensors
from trainband.models.catalog import find_model
from trainband.platforms.profiles import find_profile

slow = pytest.mark.slow
nightly = pytest.mark.nightly

OUT = Place(stage="forward", layer="conv", tensor="output", dtype="float32")
GRADIENT = Place(stage="gradient", layer="conv", tensor="kernel", dtype="float32")
RNG = np.random.default_rng(3)
VALUES = RNG.normal(size=(8, 5))


def shown(place: Place, relative: float, *, narrow: float | None = None, **changes: Any) -> Shown:
    """A side whose tensor is `relative` away from `VALUES` in float64, and `narrow`, or as far, in float32."""
    own = (1.0 + (relative if narrow is None else narrow)) * VALUES
    narrow_array, wide = own.astype(np.float32), (1.0 + relative) * VALUES
    place = replace(place, **changes)
    return Shown(own=[(place, narrow_array)], narrow=[(place, narrow_array)], wide=[(place, wide)])


@pytest.mark.parametrize(
    ("relative", "narrow", "verdict"),
    [
        (0.0, 0.0, "equal"),
        (0.0, 1e-6, "rounding"),
        (9e-13, 1e-6, "rounding"),
        (2e-12, 1e-6, "below float32"),
        (5.9e-8, 1e-6, "below float32"),
        (6.1e-8, 1e-6, "semantic"),
        (np.nan, 1e-6, "semantic"),
    ],
)
def test_the_verdict_is_by_float64(relative: float, narrow: float, verdict: Verdict) -> None:
    (found,) = layer_differences(shown(OUT, 0.0), shown(OUT, relative, narrow=narrow))
    assert found.verdict == verdict
    if verdict == "rounding":
        assert found.narrow == pytest.approx(1e-6, rel=0.1)


def test_what_float64_cannot_say_is_undetermined() -> None:
    a = shown(OUT, 0.0)
    other_kernel = shown(OUT, 0.0, narrow=1e-6, other_kernel=True)
    (found,) = layer_differences(a, other_kernel)
    assert (found.verdict, found.wide) == ("undetermined", 0.0)
    (found,) = layer_differences(a, shown(OUT, 1e-3, other_kernel=True))
    assert found.verdict == "semantic"
    b = shown(OUT, 0.0, narrow=1e-6)
    float32 = replace(b, wide=[(place, array.astype(np.float32)) for place, array in b.wide])
    (found,) = layer_differences(a, float32)
    assert found.verdict == "undetermined"
    (found,) = layer_differences(a, replace(a, narrow=[]))
    assert (found.verdict, found.says) == ("undetermined", "one side does not have it")


def test_another_dtype_or_shape_is_a_change_however_it_rounds() -> None:
    (found,) = layer_differences(shown(OUT, 0.0), shown(OUT, 0.0, narrow=1e-3, dtype="bfloat16"))
    assert (found.verdict, found.says) == ("semantic", "computed in float32 | bfloat16")
    a = shown(OUT, 0.0)
    cut = [[(place, array[:-1]) for place, array in tensors] for tensors in (a.own, a.narrow, a.wide)]
    (found,) = layer_differences(a, Shown(own=cut[0], narrow=cut[1], wide=cut[2]))
    assert (found.verdict, found.says) == ("semantic", "of shape [8, 5] | [7, 5]")


def test_an_update_is_not_judged_by_the_rounding_of_its_variable() -> None:
    """Float64 variables of norm 1e3 leave 1e-13 in their difference: as much as 1e-9 of a small step."""
    size = float(np.linalg.norm(VALUES))
    place = Place(stage="update", layer="conv", tensor="kernel", base_norm=1e4 * size)
    (found,) = layer_differences(shown(place, 0.0), shown(place, 1e-12, narrow=1e-6))
    assert found.verdict == "rounding"
    (found,) = layer_differences(shown(place, 0.0), shown(place, 1e-6))
    assert found.verdict == "semantic"


def test_a_tensor_that_is_next_to_nothing_is_measured_by_its_group() -> None:
    """The true gradient of attention's key bias is 0: what is computed is rounding, of any relative size."""
    nothing = replace(GRADIENT, tensor="bias")

    def side(noise: float) -> Shown:
        tensors = [(GRADIENT, VALUES), (nothing, noise * VALUES)]
        narrow: Tensors = [(place, array.astype(np.float32)) for place, array in tensors]
        return Shown(own=narrow, narrow=narrow, wide=tensors)

    verdicts = {each.tensor: each.verdict for each in layer_differences(side(1e-20), side(-1e-20))}
    assert verdicts == {"kernel": "equal", "bias": "rounding"}


def test_differences_stand_in_the_order_of_a_step() -> None:
    places = [
        Place(stage=stage, layer=layer, tensor="output")  # type: ignore[arg-type]
        for layer in ("first", "last")
        for stage in ("forward", "gradient", "update")
    ]
    side = Shown(own=[(p, VALUES) for p in places], narrow=[(p, VALUES) for p in places], wide=[])
    order = [(each.stage, each.layer) for each in layer_differences(side, side)]
    assert order == [
        ("forward", "first"),
        ("forward", "last"),
        ("gradient", "last"),
        ("gradient", "first"),
        ("update", "first"),
        ("update", "last"),
    ]


class _Header:
    evaluated, examples = "rows", 5


class _Trace:
    header = _Header


def zoomed(*verdicts: Verdict, step: int = 0) -> Zoomed:
    differences = tuple(
        LayerDifference(
            stage="forward",
            layer=f"layer{i}",
            tensor="output",
            call=0,
            own=1e-7,
            narrow=1e-7,
            wide=0.0,
            verdict=verdict,
        )
        for i, verdict in enumerate(verdicts)
    )
    return Zoomed(step=step, rows=8, differences=differences)


def cause(first: dict[Any, int], seen: Zoomed | None, *, exact: bool = True) -> Cause:
    trace: Any = _Trace
    divergence = Divergence(stages=("forward",), says="", first_step=0, last_step=0)
    return cause_of(trace, trace, Comparison(steps=100, first=first, divergence=divergence), seen, exact=exact)


def test_the_cause_is_the_first_difference_in_meaning() -> None:
    everywhere: dict[Any, int] = {"forward": 0, "gradient": 0, "update": 0}
    assert cause(everywhere, None).kind == "unknown"
    assert cause(everywhere, zoomed("rounding", "equal")).kind == "rounding only"
    assert cause(everywhere, zoomed("rounding", "undetermined")).kind == "undetermined"
    assert cause(everywhere, zoomed("rounding", "equal"), exact=False).kind == "undetermined"
    assert cause(everywhere, zoomed("semantic"), exact=False).kind == "semantic"
    found = cause(everywhere, zoomed("rounding", "semantic", "rounding", "semantic"))
    assert found.kind == "semantic"
    assert [meaning.layer for meaning in found.meanings] == ["layer1", "layer3"]


def test_what_is_given_is_never_rounding() -> None:
    late: dict[Any, int] = {"forward": 0, "update": 0, "hyper-parameters": 40}
    found = cause(late, zoomed("rounding"))
    assert found.meanings == (Meaning(stage="hyper-parameters", step=40),)
    assert cause(late, None).kind == "unknown"
    found = cause(late, zoomed("semantic"))
    assert [meaning.stage for meaning in found.meanings] == ["forward", "hyper-parameters"]
    assert cause({"batch": 3, "forward": 3}, None) == Cause(kind="semantic", meanings=(Meaning(stage="batch", step=3),))


def side_of(lab: Any, profile: str, *, model: str = "cnn_digits", seed: int = 0) -> Side:
    """A real run on `profile`, of two epochs."""
    whole = find_model(model)
    recipe = replace(whole.recipe("smoke"), epochs=2)
    cell = Cell(model=replace(whole, recipes=(recipe,)), recipe=recipe, profile=find_profile(profile))
    record = lab.run(seed=seed, cell=cell)
    folder = lab.store.run_path(record.run_id)
    return Side(folder=folder, record=record, trace=read_trace(folder / TRACE_FILE))


def explained(lab: Any, a: Side, b: Side, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    return explain(a, b, Rerunner(pool=lab.runner.pool, cache_root=lab.runner.cache_root), layers=True)


@pytest.mark.backend("tensorflow")
@slow
def test_a_changed_loss_is_named_and_the_layers_are_equal(
    lab: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other side's loss is smoothed: of all tensors that differ the loss alone does so from equal inputs."""
    a = side_of(lab, "cpu_deterministic")
    spec = spec_from_json((a.folder / SPEC_FILE).read_text("utf-8"))
    smoothed = replace(spec.recipe, label_smoothing=0.3)
    changed = replace(spec, model=replace(spec.model, recipes=(smoothed,)))
    record = lab.run(seed=0, cell=Cell(model=changed.model, recipe=smoothed, profile=spec.profile))
    folder = lab.store.run_path(record.run_id)
    assert (folder / SPEC_FILE).read_text("utf-8") != to_json(spec)
    found = explained(lab, a, Side(folder=folder, record=record, trace=read_trace(folder / TRACE_FILE)), monkeypatch)
    assert found.failed == ""
    assert found.cause.kind == "semantic"
    assert (found.cause.meanings[0].stage, found.cause.meanings[0].step) == ("loss", 0)
    assert found.zoomed.at_a_distance == ()
    assert {each.stage for each in found.zoomed.semantic} == {"loss"}
    assert all(each.narrow == 0.0 for each in found.zoomed.differences if each.stage not in ("loss", "update"))


@pytest.mark.backend("tensorflow")
@pytest.mark.backend("torch")
@nightly
def test_two_backends_part_by_rounding_only(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = side_of(lab, "cpu_deterministic"), side_of(lab, "cpu_deterministic_torch")
    found = explained(lab, a, b, monkeypatch)
    assert found.failed == ""
    assert found.compared.divergence.stages == ("forward",)
    assert found.zoomed.at_a_distance == ()
    assert found.zoomed.semantic == ()
    assert max(each.narrow for each in found.zoomed.differences if each.narrow) < 1e-4
    undetermined = {each.layer for each in found.zoomed.differences if each.verdict == "undetermined"}
    assert undetermined <= {"norm0", "norm1"}  # TensorFlow's fused kernel has no float64
