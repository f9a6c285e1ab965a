"""Whether one setting is worse than another, asked many times over in one search: the level is shared out in advance.

A search does not know how many comparisons it will take, so each is tested at 5% / 32, and the 33rd is refused. The chance
that a search of settings that are all alike ever finds a loss is at most 5%, whatever it asks next.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from trainband.results.gate.cell_outcomes import convergence_figures, metric_figures, ratio_figures
from trainband.results.gate.outcomes import holm
from trainband.results.gate.pairs import GateMetric, Pair
from trainband.results.gate.quality import ALPHA, LOOKS, convergence_test, metric_test
from trainband.results.gate.speed import Block, speed_test, timed_enough
from trainband.results.throughput import Basis

PROBES = 32
LEVEL = ALPHA / PROBES
MOST_PAIRS = 12
# Of the margin: an interval so narrow settles a loss of a margin at the level above, with the fewest pairs as well.
NARROW = 0.25

Answer = Literal["good", "bad", "unresolved"]


class Probed(NamedTuple):
    """An answer and its figures; `unresolved` before the tests are through asks for more pairs."""

    answer: Answer
    reason: str


def quality_probe(metrics: Sequence[GateMetric], pairs: Sequence[Pair]) -> Probed:
    """`bad` where quality is lost, `good` where a loss of a margin is rejected on every metric, as at the gate.

    Args:
      pairs: of one cell, the one setting as the baseline and the other one as the candidate.
    """
    if all(pair.bit_equal for pair in pairs) and any(pair.converged for pair in pairs):
        return Probed("good", f"{len(pairs)} of {len(pairs)} pairs ended bit-equal")
    hypotheses = len(metrics) + 1
    tests = [metric_test(metric, pairs, hypotheses=hypotheses * PROBES) for metric in metrics]
    converging = convergence_test(pairs)
    [(*lost, fails_more)] = holm([[*(test.p_regressed for test in tests), converging.p_regressed]], level=LEVEL)
    sound = all(test.p_inferior is not None and test.p_inferior <= LEVEL for test in tests)
    if fails_more:
        return Probed("bad", convergence_figures(converging))
    if any(lost) and not sound:
        said = [metric_figures(test, test.p_regressed) for test, worse in zip(tests, lost, strict=True) if worse]
        return Probed("bad", f"worse: {'; '.join(said)}")
    if tests[0].look == 0:
        return Probed("unresolved", f"fewer than {LOOKS[0]} pairs")
    said = [metric_figures(test, test.p_inferior) for test in tests]
    return Probed("good" if sound else "unresolved", f"{'not a margin worse' if sound else 'open'}: {'; '.join(said)}")


def speed_probe(blocks: Sequence[Block], basis: Basis) -> Probed:
    """`bad` where the second setting is slower by more than the margin, `good` where a loss of the margin is rejected."""
    test = speed_test(blocks, basis)
    slower = test.p_slower is not None and test.p_slower <= LEVEL and (test.ratio or 1.0) < 1.0 - test.margin
    if slower:
        return Probed("bad", ratio_figures(test, "slower"))
    if test.p_inferior is not None and test.p_inferior <= LEVEL:
        return Probed("good", ratio_figures(test, "as fast"))
    return Probed("unresolved", ratio_figures(test, "undecided"))


def enough_pairs(blocks: Sequence[Block], basis: Basis) -> bool:
    """Whether a search has timed enough: a narrow interval, or 12 pairs."""
    return timed_enough(speed_test(blocks, basis), narrow=NARROW, most=MOST_PAIRS)
