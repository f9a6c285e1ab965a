"""What made two runs part: the first difference in meaning, which need not be the first that differs in bits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from trainband.benchmarks.diff.stages import STAGES, Stage
from trainband.benchmarks.diff.trajectory import Comparison
from trainband.benchmarks.diff.zoom import Zoomed
from trainband.benchmarks.trace.files import Trace

# What a run is given, and does not compute: a difference is never rounding.
_GIVEN: tuple[Stage, ...] = ("data", "initial weights", "batch", "random draw", "hyper-parameters", "budget")


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """A difference that is more than rounding.

    Attributes:
      step: None outside the steps; -1 for an evaluation before the first.
      layer: empty where the stage has none.
    """

    stage: Stage
    step: int | None
    layer: str = ""
    tensor: str = ""


@dataclass(frozen=True, kw_only=True)
class Cause:
    """What two runs' differences come from.

    Attributes:
      kind: `unknown` where a computed stage differs and nobody has looked whether it is rounding.
      meanings: every difference in meaning that was found, the first one first: that is the cause.
    """

    kind: Literal["none", "semantic", "rounding only", "undetermined", "unknown"]
    meanings: tuple[Meaning, ...] = ()


def cause_of(a: Trace, b: Trace, compared: Comparison, zoomed: Zoomed | None, *, exact: bool = True) -> Cause:
    """The cause of what `compared` found, with what the layers of a step show where somebody looked.

    Args:
      exact: whether that step is known to be the one at which the runs part. Where it is not, what parted them may lie
        before it, and nothing but rounding in it proves nothing.
    """
    if compared.divergence is None:
        return Cause(kind="none")
    meanings = [*_given(a, b, compared), *(_computed(zoomed) if zoomed else ())]
    meanings.sort(key=lambda found: (_when(found, compared), STAGES.index(found.stage)))
    if meanings and (zoomed is not None or not _computed_before(compared, meanings[0])):
        return Cause(kind="semantic", meanings=tuple(meanings))
    if zoomed is None:
        return Cause(kind="unknown", meanings=tuple(meanings))
    doubtful = any(each.verdict == "undetermined" and each.own for each in zoomed.differences)
    return Cause(kind="undetermined" if doubtful or not exact else "rounding only")


def _given(a: Trace, b: Trace, compared: Comparison) -> list[Meaning]:
    found = []
    for stage in _GIVEN:
        if stage in compared.first:
            inside = stage not in ("data", "initial weights", "budget")
            layer = _only_layer(compared) if stage == "initial weights" else ""
            found.append(Meaning(stage=stage, step=compared.first[stage] if inside else None, layer=layer))
    both = a.header.evaluated and b.header.evaluated
    if compared.first.get("evaluation", compared.steps) < compared.steps:  # one that changed a model's state
        found.append(Meaning(stage="evaluation", step=compared.first["evaluation"]))
    elif both and (a.header.evaluated, a.header.examples) != (b.header.evaluated, b.header.examples):
        found.append(Meaning(stage="evaluation", step=None))
    return found


def _only_layer(compared: Comparison) -> str:
    """The layer whose initial weights differ, where it is one alone and they are the first to differ."""
    divergence = compared.divergence
    if divergence is None or divergence.stages != ("initial weights",):
        return ""
    layers = {tensor.name.rpartition("/")[0] for tensor in divergence.tensors}
    return layers.pop() if len(layers) == 1 else ""


def _computed(zoomed: Zoomed) -> list[Meaning]:
    return [
        Meaning(
            stage=each.stage,
            step=None if each.stage == "evaluation" else zoomed.step,
            layer=each.layer,
            tensor=each.tensor,
        )
        for each in zoomed.semantic
    ]


def _when(found: Meaning, compared: Comparison) -> int:
    if found.step is not None:
        return found.step
    return compared.steps if found.stage in ("budget", "evaluation") else -1


def _computed_before(compared: Comparison, found: Meaning) -> bool:
    """Whether a computed stage differs before `found`, or at the same step in an earlier stage."""
    place = _when(found, compared), STAGES.index(found.stage)
    computed = set(compared.first) - set(_GIVEN)
    return any((compared.first[stage], STAGES.index(stage)) < place for stage in computed)
