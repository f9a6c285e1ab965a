"""Two traces against each other: the first stage, step and tensor in which they differ, to the bit.

A state is recorded at some steps only. Between the last that is equal and the first sign of a difference the traces claim
an interval, never a stage.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from trainband.benchmarks.diff.mappings import names_that_differ
from trainband.benchmarks.diff.stages import COMPUTED, STAGES, STEP_STAGES, Divergence, Stage, TensorDifference
from trainband.benchmarks.trace.files import Trace
from trainband.benchmarks.trace.tensors import INITIAL

_STAGE_OF_KIND: dict[str, Stage] = {
    "statistic": "statistics",
    "gradient": "gradient",
    "parameter": "update",
    "slot": "update",
}
_OF_STEPS: dict[Stage, str] = {
    "batch": "batches",
    "random draw": "draws",
    "hyper-parameters": "learning_rates",
    "forward": "logits",
    "loss": "losses",
    "gradient": "gradient_norms",
}


# PyTorch's global generators are left out: they begin elsewhere in each process, and no layer of Keras draws from them.
_OF_LAYERS = "keras"


class NotComparable(ValueError):
    """Two traces of which no tensor of one stands for a tensor of the other; the message names the first."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """All that differs between two traces.

    Attributes:
      steps: the steps that both runs took.
      first: stage -> the first step at which a record of it differs; stages that are equal are missing. Stages outside
        the steps have INITIAL before them, and `steps` after them; an evaluation that changed the state of one run alone
        has the step before it.
      divergence: where they first part; None where nothing differs.
    """

    steps: int
    first: dict[Stage, int] = field(default_factory=dict)
    divergence: Divergence | None = None

    @property
    def equal(self) -> tuple[Stage, ...]:
        return tuple(stage for stage in STAGES if stage not in self.first)

    @property
    def consequences(self) -> tuple[Stage, ...]:
        """Stages that differ and are not where the runs part."""
        parting = self.divergence.stages if self.divergence else ()
        return tuple(stage for stage in STAGES if stage in self.first and stage not in parting)


def compare_traces(a: Trace, b: Trace) -> Comparison:
    """Compare to the bit; raises NotComparable where the models' tensors are not the same ones."""
    _check_tensors(a, b)
    steps = min(a.steps, b.steps)
    first: dict[Stage, int] = {}
    data = names_that_differ(a.header.data, b.header.data)
    hyper = names_that_differ(a.header.hyper_parameters, b.header.hyper_parameters)
    if data:
        first["data"] = INITIAL
    if hyper and steps:
        first["hyper-parameters"] = 0
    if _generators_that_differ(a, b):
        first["random draw"] = 0
    for stage, name in _OF_STEPS.items():
        step = _first_difference(getattr(a, name)[:steps], getattr(b, name)[:steps])
        _note(first, stage, step)
    states = _states(a, b)
    for state in states:
        for stage in {_STAGE_OF_KIND[d.kind] if state.step != INITIAL else "initial weights" for d in state.different}:
            _note(first, stage, state.step)
    if a.steps != b.steps:
        first["budget"] = steps
    if _evaluations_differ(a, b):
        first["evaluation"] = steps
    _note(first, "evaluation", _first_disturbed(a, b, steps))
    return Comparison(steps=steps, first=first, divergence=_divergence(first, states, data, hyper, (a, b)))


@dataclass(frozen=True, kw_only=True)
class _State:
    step: int
    different: tuple[TensorDifference, ...]


def _check_tensors(a: Trace, b: Trace) -> None:
    ours, theirs = ([(k.kind, k.name, k.position, k.shape) for k in t.header.tensors] for t in (a, b))
    if ours == theirs:
        return
    only = sorted(set(ours) ^ set(theirs), key=lambda key: (key[2], key[0]))
    kind, name, _, shape = only[0] if only else ours[0]
    raise NotComparable(
        f"the two models differ: {kind} {name} of shape {list(shape)} has no counterpart in the other run; "
        "compare runs of one recipe"
    )


def _note(first: dict[Stage, int], stage: Stage, step: int | None) -> None:
    if step is not None:
        first[stage] = min(first.get(stage, step), step)


def _bits(array: np.ndarray) -> np.ndarray:
    return array.view(f"u{array.dtype.itemsize}") if array.dtype.kind == "f" else array


def _first_difference(a: np.ndarray, b: np.ndarray) -> int | None:
    differs = (_bits(a) != _bits(b)).reshape(len(a), -1).any(axis=1)
    return int(differs.argmax()) if differs.any() else None


def _generators_that_differ(a: Trace, b: Trace) -> tuple[str, ...]:
    """The generators of Keras's own layers that stand elsewhere after equally much work: they began elsewhere, or draw otherwise.

    Their states are recorded at the end alone, so a run and a part of it cannot be compared.
    """
    if a.steps != b.steps or bool(a.header.evaluated) != bool(b.header.evaluated):
        return ()
    ours, theirs = a.header.generators, b.header.generators
    names = sorted(name for name in ours.keys() & theirs.keys() if name.startswith(_OF_LAYERS))
    return tuple(name for name in names if ours[name] != theirs[name])


def _states(a: Trace, b: Trace) -> list[_State]:
    """The states that both recorded, in order, with what differs in each."""
    common, ours, theirs = np.intersect1d(a.state_steps, b.state_steps, return_indices=True)
    found = []
    for step, i, j in zip(common.tolist(), ours, theirs, strict=True):
        differ = (a.state_digests[i] != b.state_digests[j]).any(axis=1)
        found.append(
            _State(
                step=step,
                different=tuple(
                    TensorDifference(
                        kind=key.kind,
                        name=key.name,
                        norms=(float(a.state_norms[i, place]), float(b.state_norms[j, place])),
                    )
                    for place, key in enumerate(a.header.tensors)
                    if differ[place]
                ),
            )
        )
    return found


def _evaluations_differ(a: Trace, b: Trace) -> bool:
    """Whether both were evaluated, and not alike; a run that was trained again up to a step is not evaluated."""
    if not (a.header.evaluated and b.header.evaluated):
        return False
    if (a.header.evaluated, a.header.examples) != (b.header.evaluated, b.header.examples):
        return True
    pairs = ((a.top_classes, b.top_classes), (a.example_losses, b.example_losses))
    return any(x.shape != y.shape or bool((_bits(x) != _bits(y)).any()) for x, y in pairs)


def _first_disturbed(a: Trace, b: Trace, steps: int) -> int | None:
    """The first step after which an evaluation changed the state of one run alone."""
    alone = {*a.header.disturbed} ^ {*b.header.disturbed}
    return min((step for step in alone if step < steps), default=None)


def _divergence(
    first: dict[Stage, int],
    states: list[_State],
    data: tuple[str, ...],
    hyper: tuple[str, ...],
    traces: tuple[Trace, Trace],
) -> Divergence | None:
    if "data" in first:
        return Divergence(stages=("data",), says=f"other {', '.join(data)}", names=data)
    if "initial weights" in first:
        different = states[0].different
        says = f"{len(different)} of {len(traces[0].header.tensors)} tensors differ before the first step"
        return Divergence(stages=("initial weights",), says=says, tensors=different)
    within = {stage: step for stage, step in first.items() if stage in STEP_STAGES}
    steps = min(trace.steps for trace in traces)
    evaluated = first.get("evaluation", steps)
    if evaluated < min(within.values(), default=steps):
        return Divergence(stages=("evaluation",), says=_disturbing(evaluated))
    if within:
        step = min(within.values())
        stage = min((stage for stage in within if within[stage] == step), key=STAGES.index)
        if stage not in COMPUTED:
            return _fed(stage, step, hyper, traces)
        return _computed(stage, step, states)
    if "budget" in first:
        return Divergence(
            stages=("budget",), says=f"{traces[0].steps} and {traces[1].steps} steps, equal as far as both go"
        )
    if "evaluation" in first:
        return Divergence(stages=("evaluation",), says=_evaluation(*traces))
    return None


def _disturbing(step: int) -> str:
    when = "before the first step" if step == INITIAL else f"after step {step}"
    return f"the evaluation {when} changes the running statistics of one run; the state that it finds is equal"


def _evaluation(a: Trace, b: Trace) -> str:
    if a.header.examples != b.header.examples:
        return f"{a.header.examples} and {b.header.examples} examples are evaluated, by equal weights"
    if a.header.evaluated != b.header.evaluated:
        return "other rows are evaluated, by equal weights"
    return "equal rows, evaluated by equal weights, have other losses"


def _fed(stage: Stage, step: int, hyper: tuple[str, ...], traces: tuple[Trace, Trace]) -> Divergence:
    """A difference in what a step is given: recorded at each step, so the step is exact."""
    names: tuple[str, ...] = ()
    if stage == "hyper-parameters":
        names, says = _hyper_parameters(step, hyper, traces)
    elif stage == "batch":
        says = "another batch is fed"
    elif _first_difference(*(trace.draws[: step + 1] for trace in traces)) is not None:
        says = "random layers get other keys"
    else:
        names = _generators_that_differ(*traces)
        says = "the framework's own generators are in other states"
    return Divergence(stages=(stage,), first_step=step, last_step=step, says=says, names=names)


def _hyper_parameters(step: int, hyper: tuple[str, ...], traces: tuple[Trace, Trace]) -> tuple[tuple[str, ...], str]:
    held = [dict(trace.header.hyper_parameters) if step == 0 else {} for trace in traces]
    for values, trace in zip(held, traces, strict=True):
        values["learning_rate"] = float(trace.learning_rates[step])
    names = tuple(n for n in (*hyper, "learning_rate") if held[0].get(n) != held[1].get(n))
    return names, ", ".join(f"{name} {held[0].get(name)} and {held[1].get(name)}" for name in names)


def _computed(stage: Stage, step: int, states: list[_State]) -> Divergence:
    """A difference in what a step computes: in `step` only where the state before it is known to be equal."""
    equal = max(state.step for state in states if state.step < step and not state.different)
    here = next((state.different for state in states if state.step == step), ())
    if equal == step - 1:
        return Divergence(
            stages=(stage,),
            first_step=step,
            last_step=step,
            says=f"the state before step {step} is equal, its {stage} is not",
            tensors=tuple(d for d in here if _STAGE_OF_KIND[d.kind] == stage),
        )
    return Divergence(
        stages=COMPUTED,
        first_step=equal + 1,
        last_step=step,
        says=f"the state after step {equal} is equal, the {stage} of step {step} is not; no state between them is recorded",
        tensors=here,
    )
