"""What moved between the two runs of a pair: the first divergence, and whether it is more than rounding."""

from __future__ import annotations

from trainband.benchmarks.diff.cause import Cause, Meaning
from trainband.benchmarks.diff.explain import Explanation, explain
from trainband.benchmarks.diff.refine import Rerunner, Side
from trainband.benchmarks.diff.stages import Divergence
from trainband.benchmarks.diff.trajectory import NotComparable
from trainband.results.gate.gates import Finding, Moved


def finding(baseline: Side, candidate: Side, rerunner: Rerunner) -> Finding | None:
    """None where the two trajectories are equal to the bit."""
    try:
        found = explain(baseline, candidate, rerunner, layers=True)
    except NotComparable as error:
        return Finding(says=str(error), stage="initial weights", moved="default changed", failed=str(error))
    divergence = found.refined.divergence if found.refined is not None else found.compared.divergence
    if divergence is None:
        return None
    layer, tensor, size = _place(found, divergence)
    return Finding(
        says=divergence.says,
        stage=divergence.stages[0]
        if len(divergence.stages) == 1
        else f"{divergence.stages[0]} to {divergence.stages[-1]}",
        step=divergence.first_step,
        layer=layer,
        tensor=tensor,
        size=size,
        moved=moved(found.cause),
        meanings=tuple(map(_words, found.cause.meanings)),
        distances=() if found.zoomed is None else found.zoomed.at_a_distance,
        failed=found.failed,
    )


def moved(cause: Cause) -> Moved | None:
    """The class of a change."""
    if cause.kind == "rounding only":
        return "rounding only"
    if cause.kind == "undetermined":
        return "undetermined"
    if cause.kind != "semantic":
        return None
    stages = {meaning.stage for meaning in cause.meanings}
    first = cause.meanings[0].stage
    if first in ("random draw", "batch", "initial weights") and stages <= {"random draw", "batch", "initial weights"}:
        return "random numbers only"
    return "default changed" if first in ("hyper-parameters", "initial weights") else "implementation changed"


def _place(found: Explanation, divergence: Divergence) -> tuple[str, str, float | None]:
    """Layer, tensor and size of the first difference in the stage at which the runs part.

    Layer by layer a step may round in another way, and differ in an earlier stage as well.
    """
    differences = found.zoomed.differences if found.zoomed is not None else ()
    first = next((each for each in differences if each.own and each.stage in divergence.stages), None)
    if first is not None:
        return first.layer, first.tensor, first.own
    if divergence.tensors:
        layer, _, tensor = divergence.tensors[0].name.rpartition("/")
        return layer, tensor, None
    return "", "", None


def _words(meaning: Meaning) -> str:
    place = " ".join(part for part in (meaning.stage, meaning.layer, meaning.tensor) if part)
    return place if meaning.step is None or meaning.step < 0 else f"{place}, step {meaning.step}"
