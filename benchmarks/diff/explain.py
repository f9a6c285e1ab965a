"""Two runs from their traces to a cause: compared, trained again where the traces left steps out, and zoomed into."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from trainband.benchmarks.diff.cause import Cause, cause_of
from trainband.benchmarks.diff.refine import Refined, RerunError, Rerunner, Side, refine
from trainband.benchmarks.diff.stages import COMPUTED, Divergence
from trainband.benchmarks.diff.trajectory import Comparison, compare_traces
from trainband.benchmarks.diff.zoom import Zoomed, zoom


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """What is known of two runs.

    Attributes:
      refined: None where the traces had said it all, or nobody could or would train again.
      zoomed: None where nobody looked.
      failed: why something that was asked for was not looked at; empty where nothing failed.
    """

    compared: Comparison
    refined: Refined | None
    zoomed: Zoomed | None
    cause: Cause
    failed: str = ""


def explain(
    a: Side,
    b: Side,
    rerunner: Rerunner,
    *,
    again: bool = True,
    layers: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> Explanation:
    """Compare, and go on as far as asked.

    Args:
      again: where the traces leave an interval of steps, train both again.
      layers: zoom into the step at which they part.

    Raises:
      NotComparable: the runs are of different models.
    """
    compared = compare_traces(a.trace, b.trace)
    divergence, refined, zoomed, failed = compared.divergence, None, None, ""
    try:
        if again and divergence is not None and not divergence.exact:
            say(f"training both again up to step {divergence.last_step}")
            refined = refine(a, b, divergence, rerunner)
            divergence = refined.divergence
        step = _step_to_zoom(compared, divergence) if layers else None
        if step is not None:
            say(f"taking step {step} of both layer by layer")
            zoomed = zoom(a, b, step, rerunner)
    except RerunError as error:
        failed = str(error)
    exact = divergence is None or divergence.exact
    cause = cause_of(a.trace, b.trace, compared, zoomed, exact=exact)
    return Explanation(compared=compared, refined=refined, zoomed=zoomed, cause=cause, failed=failed)


def _step_to_zoom(compared: Comparison, divergence: Divergence | None) -> int | None:
    """The first step whose computed stages differ; the last step of all where the evaluation alone does."""
    if divergence is None:
        return None
    if divergence.first_step is not None and set(divergence.stages) & set(COMPUTED):
        return divergence.first_step
    steps = [step for stage, step in compared.first.items() if stage in COMPUTED]
    if steps:
        return max(0, min(steps))
    return compared.steps - 1 if "evaluation" in compared.first else None
