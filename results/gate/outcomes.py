"""The gate's answer: a total function of what is known of every planned cell.

Quality: two co-primary metrics a cell and the runs that did not converge, all of them in one family for Holm, planned
cells without a p included as p = 1. Speed: one family more, of the planned cells' ratios. A cell ships where its quality
is shown not to be a margin worse, on both metrics, and its speed, where the plan judges it, as well; the gate ships where
every planned cell does. That is an intersection of tests, so it needs no correction.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from trainband.results.exit_status import A_CELL_FAILED, ALL_PASS, INFRASTRUCTURE, UNDECIDED
from trainband.results.gate.cell_outcomes import CellOutcome, CellTests, Rejected, cell_outcome
from trainband.results.gate.evidence import CellEvidence
from trainband.results.gate.quality import ALPHA, convergence_test, metric_test
from trainband.results.gate.speed import SPEED_MARGIN, speed_test

GateVerdict = Literal["ship", "do not ship", "undecided"]


@dataclass(frozen=True, kw_only=True)
class GateJudgement:
    """The gate's answer.

    Attributes:
      verdict: `do not ship` where a cell failed or a change of meaning is not acknowledged, `ship` where every planned
        cell ships, else `undecided`.
      exit_status: 3 where a cell runs on neither side, 1 where one failed, 4 where one is undecided or changed, 0.
      hypotheses: of quality, among which Holm shares the level.
    """

    verdict: GateVerdict
    exit_status: int
    hypotheses: int
    cells: tuple[CellOutcome, ...]


def judge_gate(
    cells: Sequence[CellEvidence], *, speed_margin: float = SPEED_MARGIN, acknowledged: Collection[str] = ()
) -> GateJudgement:
    """The judgement of all planned cells.

    Args:
      cells: every planned cell, whether it ran or not: Holm counts them all.
      speed_margin: the loss of throughput that matters, as a fraction.
      acknowledged: cells whose change of meaning may ship.

    Raises:
      ValueError: a cell is planned twice, or an acknowledged one is not planned.
    """
    planned = [evidence.cell for evidence in cells]
    twice = next((cell for cell in planned if planned.count(cell) > 1), None)
    if twice is not None:
        raise ValueError(f"cells: {twice!r} is planned twice")
    unknown = sorted(set(acknowledged) - set(planned))
    if unknown:
        raise ValueError(f"acknowledged: {unknown[0]!r} is not planned; the plan has {', '.join(planned) or 'no cell'}")
    hypotheses = sum(len(evidence.metrics) + 1 for evidence in cells)
    tests = [_tests(evidence, speed_margin, hypotheses) for evidence in cells]
    outcomes = tuple(
        cell_outcome(evidence, test, found, acknowledged=evidence.cell in acknowledged)
        for evidence, test, found in zip(cells, tests, _holm_over_all(tests), strict=True)
    )
    return GateJudgement(
        verdict=_verdict(outcomes), exit_status=_exit_status(outcomes), hypotheses=hypotheses, cells=outcomes
    )


def _tests(evidence: CellEvidence, speed_margin: float, hypotheses: int) -> CellTests:
    return CellTests(
        metrics=tuple(metric_test(metric, evidence.pairs, hypotheses=hypotheses) for metric in evidence.metrics),
        convergence=convergence_test(evidence.pairs),
        speed=tuple(speed_test(evidence.blocks, basis, margin=speed_margin) for basis in evidence.bases),
    )


def _holm_over_all(tests: Sequence[CellTests]) -> list[Rejected]:
    lost = holm([[*(each.p_regressed for each in test.metrics), test.convergence.p_regressed] for test in tests])
    gained = holm([[*(each.p_better for each in test.metrics), test.convergence.p_better] for test in tests])
    slower = holm([[each.p_slower for each in test.speed] for test in tests])
    faster = holm([[each.p_faster for each in test.speed] for test in tests])
    return [Rejected(*found) for found in zip(lost, gained, slower, faster, strict=True)]


def holm(p: Sequence[Sequence[float | None]], *, level: float = ALPHA) -> list[tuple[bool, ...]]:
    """What Holm rejects at `level` in one family, grouped as `p` is; None is a hypothesis without evidence: p = 1."""
    from statsmodels.stats.multitest import multipletests

    flat = [1.0 if value is None else value for group in p for value in group]
    if min(flat, default=1.0) > level / max(len(flat), 1):  # Holm's first step; statsmodels takes 0.1 s for every call
        return [(False,) * len(group) for group in p]
    answers = iter(multipletests(flat, alpha=level, method="holm")[0].tolist())
    return [tuple(next(answers) for _ in group) for group in p]


def _verdict(outcomes: Sequence[CellOutcome]) -> GateVerdict:
    failed = [each for each in outcomes if each.exit_status == A_CELL_FAILED]
    if failed or any(each.outcome == "changed" and not each.ships for each in outcomes):
        return "do not ship"
    return "ship" if outcomes and all(each.ships for each in outcomes) else "undecided"


def _exit_status(outcomes: Sequence[CellOutcome]) -> int:
    found = {each.exit_status for each in outcomes} or {UNDECIDED}
    return next(status for status in (INFRASTRUCTURE, A_CELL_FAILED, UNDECIDED, ALL_PASS) if status in found)
