"""Which open cell to spend the next pairs on: the chance that its next look decides, by what it takes."""

from __future__ import annotations

from trainband.results.gate.cell_outcomes import CellOutcome
from trainband.results.gate.quality import ALPHA, LOOKS, MetricTest

UNSEEN = 0.5


def chance_to_decide(outcome: CellOutcome, look: int) -> float:
    """The chance that the look at `look` pairs shows no loss of a margin, if what was seen so far is the truth.

    One half before the first look. The metrics of a cell move together, so the less likely one counts for both.
    """
    return min((_chance(test, look) for test in outcome.metrics), default=UNSEEN)


def _chance(test: MetricTest, look: int) -> float:
    from statsmodels.stats.power import TTestPower

    if test.mean is None or test.sd is None:
        return UNSEEN
    spread = max(test.sd, test.floor or 0.0)
    if spread <= 0.0:
        return 0.0
    effect = (test.mean + test.margin) / spread
    return float(TTestPower().power(effect, look, ALPHA / len(LOOKS), alternative="larger"))
