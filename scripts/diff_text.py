"""A comparison of two runs, as a person reads it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from trainband.benchmarks.diff.inputs import InputDifference
from trainband.benchmarks.diff.refine import Refined
from trainband.benchmarks.diff.stages import Divergence
from trainband.benchmarks.diff.trajectory import Comparison

SHOWN = 8


def diff_text(
    names: Sequence[str], inputs: Sequence[InputDifference], compared: Comparison | None, refined: Refined | None = None
) -> str:
    """Inputs first, then the trajectory: where it parts, what is equal, what follows; None could not be compared."""
    lines = [f"A {names[0]}", f"B {names[1]}", "", "inputs", *_inputs(inputs), "", "trajectory"]
    return "\n".join([*lines, *_trajectory(compared, refined)])


def _inputs(inputs: Sequence[InputDifference]) -> Iterator[str]:
    if not inputs:
        yield "  equal"
    for group, members in groupby(inputs, key=lambda each: each.group):
        found = list(members)
        for each in found[:SHOWN]:
            yield f"  {group:<10} {each.name}: {_short(each.values[0])} | {_short(each.values[1])}"
        if len(found) > SHOWN:
            yield f"  {group:<10} and {len(found) - SHOWN} more (--json has all)"


def _short(value: object) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _trajectory(compared: Comparison | None, refined: Refined | None) -> Iterator[str]:
    if compared is None:
        yield "  not to be compared: the models differ"
        return
    if compared.divergence is None:
        yield f"  equal to the bit: {compared.steps} steps, every recorded state, and the evaluation"
        return
    divergence = refined.divergence if refined else compared.divergence
    yield f"  parts at    {_place(divergence)}: {divergence.says}"
    for tensor in divergence.tensors[:SHOWN]:
        yield f"              {tensor.kind} {tensor.name}: norm {tensor.norms[0]:.9g} | {tensor.norms[1]:.9g}"
    if len(divergence.tensors) > SHOWN:
        yield f"              and {len(divergence.tensors) - SHOWN} tensors more (--json has all)"
    for sentence in refined.unlike if refined else ():
        yield f"  observed at a distance: {sentence}"
    yield f"  equal       {', '.join(compared.equal) or 'nothing'}"
    if compared.consequences:
        yield "  follows     " + ", ".join(
            f"{stage} from step {compared.first[stage]}" for stage in compared.consequences
        )


def _place(divergence: Divergence) -> str:
    if divergence.exact:
        step = "" if divergence.last_step is None else f", step {divergence.last_step}"
        return f"{divergence.stages[0]}{step}"
    return f"{divergence.stages[0]} to {divergence.stages[-1]}, steps {divergence.first_step} to {divergence.last_step}"
