"""The gate's answer for one cell, once Holm has gone over all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from trainband.results.exit_status import A_CELL_FAILED, ALL_PASS, INFRASTRUCTURE, UNDECIDED
from trainband.results.gate.evidence import CellEvidence
from trainband.results.gate.quality import ALPHA, LOOKS, ConvergenceTest, MetricTest
from trainband.results.gate.speed import LEAST_PAIRS, SpeedTest, SpeedWord, combined_word, speed_word

Outcome = Literal[
    "bit-equal", "equivalent", "better", "faster", "changed", "regressed", "slower", "undecided", "broken"
]
SHIPPING: tuple[Outcome, ...] = ("bit-equal", "equivalent", "better", "faster")
FAILED: tuple[Outcome, ...] = ("regressed", "slower", "broken")

_Quality = Literal["bit-equal", "equivalent", "better", "regressed", "undecided"]


class CellTests(NamedTuple):
    """The tests of one cell; `speed` has one a basis of the plan."""

    metrics: tuple[MetricTest, ...]
    convergence: ConvergenceTest
    speed: tuple[SpeedTest, ...]


class Rejected(NamedTuple):
    """What Holm rejects: `lost` and `gained` have one answer a metric and a last one for the convergence."""

    lost: tuple[bool, ...]
    gained: tuple[bool, ...]
    slower: tuple[bool, ...]
    faster: tuple[bool, ...]


@dataclass(frozen=True, kw_only=True)
class CellOutcome:
    """The answer for one cell.

    Attributes:
      reason: what decided, with its figures.
      notes: what a reader should know beside it.
      exit_status: what the cell alone would make of the gate's; 0 where it lets the candidate ship.
      acknowledged: somebody has taken on its change of meaning.
    """

    cell: str
    outcome: Outcome
    reason: str
    exit_status: int
    notes: tuple[str, ...] = ()
    acknowledged: bool = False
    metrics: tuple[MetricTest, ...]
    convergence: ConvergenceTest
    speed: tuple[SpeedTest, ...] = ()

    @property
    def ships(self) -> bool:
        """Whether this cell lets the candidate ship."""
        return self.exit_status == ALL_PASS


class _Answer(NamedTuple):
    outcome: Outcome
    reason: str


def cell_outcome(evidence: CellEvidence, tests: CellTests, rejected: Rejected, *, acknowledged: bool) -> CellOutcome:
    """The answer for one cell.

    In this order: a side that cannot run it; a loss of quality or of speed; what is still open; a change of meaning; a gain.
    """
    broken = _broken(evidence)
    quality = _quality(evidence, tests, rejected)
    speed = _speed(tests, rejected)
    answer = broken or _answer(evidence, quality, speed)
    return CellOutcome(
        cell=evidence.cell,
        outcome=answer.outcome,
        reason=answer.reason,
        exit_status=_exit_status(answer.outcome, evidence, acknowledged),
        notes=tuple(note for note in _notes(evidence, tests, quality, speed) if note not in answer.reason),
        acknowledged=acknowledged and answer.outcome == "changed",
        metrics=tests.metrics,
        convergence=tests.convergence,
        speed=tests.speed,
    )


def _exit_status(outcome: Outcome, evidence: CellEvidence, acknowledged: bool) -> int:
    if outcome == "broken" and evidence.baseline_error is not None:
        return INFRASTRUCTURE
    if outcome in FAILED:
        return A_CELL_FAILED
    return ALL_PASS if outcome in SHIPPING or (outcome == "changed" and acknowledged) else UNDECIDED


def _broken(evidence: CellEvidence) -> _Answer | None:
    baseline, candidate = evidence.baseline_error, evidence.candidate_error
    if candidate is not None and baseline is not None:
        return _Answer("broken", f"neither side can run it; candidate: {candidate}; baseline: {baseline}")
    if candidate is not None:
        return _Answer("broken", f"the candidate cannot run it: {candidate}")
    if baseline is not None:
        return _Answer("undecided", f"the baseline cannot run it, so there is nothing to compare with: {baseline}")
    return None


def _answer(evidence: CellEvidence, quality: tuple[_Quality, str], speed: tuple[SpeedWord, str] | None) -> _Answer:
    """The answer for a cell that both sides can run."""
    if quality[0] == "regressed":
        return _Answer("regressed", quality[1])
    if speed is not None and speed[0] == "slower":
        return _Answer("slower", speed[1])
    still_open = [reason for word, reason in (quality, *([speed] if speed else [])) if word == "undecided"]
    if evidence.starting_weights == "not compared":
        still_open.append("the weights that each side would start from by itself were not compared")
    if still_open:
        return _Answer("undecided", "; ".join(still_open))
    changes = _changes(evidence)
    if changes:
        return _Answer("changed", "; ".join((*changes, quality[1])))
    if quality[0] == "better":
        return _Answer("better", quality[1])
    if speed is not None and speed[0] == "faster":
        return _Answer("faster", f"{speed[1]}; {quality[1]}")
    return _Answer("equivalent" if quality[0] == "equivalent" else "bit-equal", quality[1])


def _changes(evidence: CellEvidence) -> list[str]:
    """Changes of meaning, in words."""
    found = []
    if evidence.semantic:
        found.append("a layer-by-layer comparison found a change of meaning")
    if evidence.starting_weights == "different" and evidence.initialisers is not None:
        names = evidence.initialisers.different
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        found.append(
            f"the sides initialise {', '.join(names[:3])}{more} differently, and pairs start from equal weights"
        )
    return found


def _quality(evidence: CellEvidence, tests: CellTests, rejected: Rejected) -> tuple[_Quality, str]:
    """The word on quality.

    A loss that is proved to be smaller than a margin, on both metrics, is `equivalent`, however significant, and so is
    such a gain. `better` besides needs what `equivalent` needs, so that a gain on one metric hides no loss on the other.
    Runs that fail to converge more often are a loss that the differences, which leave them out, cannot take back.
    """
    if evidence.bit_equal:
        return "bit-equal", f"{_count(len(evidence.pairs), 'pair')} ended bit-equal"
    sound = all(test.p_inferior is not None and test.p_inferior <= ALPHA for test in tests.metrics)
    *lost, fails_more = rejected.lost
    *gained, fails_less = rejected.gained
    if fails_more:
        return "regressed", f"{convergence_figures(tests.convergence)}, P {tests.convergence.p_regressed:.2g}"
    if any(lost) and not sound:
        worse = [
            metric_figures(test, test.p_regressed) for test, is_lost in zip(tests.metrics, lost, strict=True) if is_lost
        ]
        return "regressed", f"worse: {'; '.join(worse)}"
    if not sound:
        return "undecided", _still_open(tests.metrics)
    small = all(test.p_superior is not None and test.p_superior <= ALPHA for test in tests.metrics)
    if fails_less:
        return "better", f"{convergence_figures(tests.convergence)}, P {tests.convergence.p_better:.2g}"
    if any(gained) and not small:
        gains = [
            metric_figures(test, test.p_better) for test, is_gain in zip(tests.metrics, gained, strict=True) if is_gain
        ]
        return "better", f"better: {'; '.join(gains)}"
    return (
        "equivalent",
        f"not a margin worse: {'; '.join(metric_figures(test, test.p_inferior) for test in tests.metrics)}",
    )


def _still_open(metrics: tuple[MetricTest, ...]) -> str:
    look = metrics[0].look
    if look == 0:
        return f"fewer than {LOOKS[0]} pairs"
    figures = [
        f"{test.metric}: {_count(test.n, 'difference')} without spread"
        if test.p_inferior is None
        else metric_figures(test, test.p_inferior)
        for test in metrics
    ]
    return f"open at {look} pairs: {'; '.join(figures)}"


def metric_figures(test: MetricTest, p: float | None) -> str:
    """`accuracy -0.001 [-0.004, 0.002] of 8 pairs, margin 0.03, P 0.004`."""
    if test.lower is None or test.upper is None or p is None:
        return f"{test.metric}: no spread"
    unit = " ln" if test.scale == "log" else ""
    interval = f"{test.mean:+.3g} [{test.lower:+.3g}, {test.upper:+.3g}]{unit}"
    return f"{test.metric} {interval} of {test.n} pairs, margin {test.margin:.3g}, P {p:.2g}"


def convergence_figures(test: ConvergenceTest) -> str:
    """How many runs of either side did not converge."""
    return f"the candidate did not converge in {test.candidate_failed} of {test.look} pairs, the baseline in {test.baseline_failed}"


def _speed(tests: CellTests, rejected: Rejected) -> tuple[SpeedWord, str] | None:
    """The word on speed and the ratios that say it; None where the plan does not judge it."""
    if not tests.speed:
        return None
    words = [
        speed_word(test, slower=slower, faster=faster)
        for test, slower, faster in zip(tests.speed, rejected.slower, rejected.faster, strict=True)
    ]
    word = combined_word(words)
    said = [ratio_figures(test, own) for test, own in zip(tests.speed, words, strict=True) if own == word]
    return word, "; ".join(said)


def ratio_figures(test: SpeedTest, word: SpeedWord) -> str:
    """`speed a CPU second as fast: x 1.003 [0.991, 1.015] over 4 pairs of processes, margin 5%`."""
    where = f"speed a {'CPU' if test.basis == 'cpu' else 'wall'} second"
    if test.ratio is None:
        return f"{where} {word}: {_count(test.pairs, 'pair')} of processes, fewer than {LEAST_PAIRS}"
    if test.lower is None or test.upper is None:
        return f"{where} {word}: x {test.ratio:.3f} in each of {test.pairs} pairs of processes, without spread"
    interval = f"x {test.ratio:.3f} [{test.lower:.3f}, {test.upper:.3f}]"
    return f"{where} {word}: {interval} over {test.pairs} pairs of processes, margin {test.margin:.0%}"


def _notes(
    evidence: CellEvidence, tests: CellTests, quality: tuple[_Quality, str], speed: tuple[SpeedWord, str] | None
) -> list[str]:
    """What is known beside the reason; what the reason says already is taken out by the caller."""
    notes = [quality[1]] if evidence.pairs else []
    notes += [speed[1]] if speed is not None else []
    notes += _changes(evidence)
    if tests.convergence.baseline_failed or tests.convergence.candidate_failed:
        notes.append(convergence_figures(tests.convergence))
    if evidence.natural_equal is False and evidence.starting_weights == "alike":
        notes.append("the sides draw other initial weights, from distributions that 20 builds a side do not tell apart")
    equal = sum(pair.bit_equal for pair in evidence.pairs)
    if 0 < equal < len(evidence.pairs):
        notes.append(f"{equal} of {len(evidence.pairs)} pairs ended bit-equal, so none of them is a proof")
    if evidence.semantic is None and evidence.pairs and not evidence.bit_equal:
        notes.append("whether the difference is rounding was not settled layer by layer")
    return notes


def _count(n: int, thing: str) -> str:
    return f"{n} {thing}{'' if n == 1 else 's'}"
