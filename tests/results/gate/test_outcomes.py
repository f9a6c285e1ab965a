"""The gate's answer is a total function, and each word is given for its own reason only."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import combinations_with_replacement, product
from typing import Any, get_args

import numpy as np
import pytest
from scipy import stats

from trainband.results.codec import decode, encode
from trainband.results.gate.cell_outcomes import CellOutcome, Outcome
from trainband.results.gate.evidence import CellEvidence
from trainband.results.gate.initialisers import InitialiserTest
from trainband.results.gate.outcomes import GateJudgement, holm, judge_gate
from trainband.results.gate.pairs import Pair
from trainband.results.gate.speed import Block

MakePairs = Callable[..., tuple[Pair, ...]]
MakeBlocks = Callable[..., tuple[Block, ...]]
MakeCell = Callable[..., CellEvidence]

ALIKE = InitialiserTest(builds=20, tests=(), one_side_only=())
DIFFERENT = InitialiserTest(builds=20, tests=(), one_side_only=("dense/kernel",))
AS_FAST = [1.00, 1.01, 0.99, 1.00, 1.01, 0.99]


def shifted(n: int, mean: float, *, sd: float = 0.002) -> list[float]:
    """`n` values with exactly this mean, at the normal's quantiles and in an order that no look can tell."""
    scores = stats.norm.ppf((np.arange(n) + 0.5) / n)
    mixed = np.random.default_rng(n).permutation(np.stack([scores, -scores[::-1]]).mean(axis=0))
    return [float(value) for value in mean + sd * mixed]


@pytest.fixture
def qualities(make_pairs: MakePairs) -> Mapping[str, Mapping[str, Any]]:
    """Word on quality -> pairs that earn it, beside up to a thousand other cells."""
    zero = [0.0] * 8
    failing = dict.fromkeys(range(32), "candidate")
    return {
        "bit-equal": {"pairs": make_pairs([0.0], [0.0], bit_equal=[True])},
        "equivalent": {"pairs": make_pairs(zero, shifted(8, 0.0))},
        "better": {"pairs": make_pairs(shifted(32, 0.05), shifted(32, 0.2))},
        "regressed": {"pairs": make_pairs(shifted(32, -0.05), shifted(32, 0.0))},
        "undecided": {"pairs": make_pairs(zero, shifted(8, 0.0, sd=0.3))},
        "diverging": {"pairs": make_pairs([0.0] * 32, [0.0] * 32, failed=failing)},
        "no pair": {},
    }


@pytest.fixture
def speeds(make_blocks: MakeBlocks) -> Mapping[str, Mapping[str, Any]]:
    """Word on speed -> blocks that earn it, beside up to a thousand other cells."""

    def exact(ratio: float) -> list[float]:
        return [ratio * (1.0 + 0.001 * step) for step in (-2, 1, 0, 2, -1, 0, 1, -1)]

    both = {"bases": ("cpu", "wall")}
    return {
        "not judged": {},
        "as fast": {"blocks": make_blocks(AS_FAST), **both},
        "slower": {"blocks": make_blocks(exact(0.8)), **both},
        "faster": {"blocks": make_blocks(exact(1.3)), **both},
        "undecided": {"blocks": make_blocks(exact(1.0), [0.9, 1.2, 0.8, 1.1, 1.0, 1.3, 0.9, 1.0]), **both},
        "not run": both,
    }


WEIGHTS: Mapping[str, Mapping[str, Any]] = {
    "equal": {"natural_equal": True},
    "alike": {"natural_equal": False, "initialisers": ALIKE},
    "different": {"natural_equal": False, "initialisers": DIFFERENT},
    "not compared": {"natural_equal": False},
    "not built": {"natural_equal": None},
}
ERRORS: Mapping[str, Mapping[str, Any]] = {
    "runs": {},
    "candidate": {"candidate_error": "ImportError"},
    "baseline": {"baseline_error": "timeout"},
    "both": {"candidate_error": "ImportError", "baseline_error": "timeout"},
}


def expected_word(quality: str, speed: str, weights: str, semantic: bool | None, error: str) -> str:
    """The table that the code is held to, written out for itself."""
    if error != "runs":
        return "undecided" if error == "baseline" else "broken"
    if quality in ("regressed", "diverging"):
        return "regressed"
    if speed == "slower":
        return "slower"
    if quality in ("undecided", "no pair") or speed in ("undecided", "not run") or weights.startswith("not"):
        return "undecided"
    if semantic or weights == "different":
        return "changed"
    if quality != "better" and speed == "faster":
        return "faster"
    return quality


def test_every_combination_of_evidence_has_its_one_answer(
    qualities: Mapping[str, Mapping[str, Any]], speeds: Mapping[str, Mapping[str, Any]], make_cell: MakeCell
) -> None:
    table = [
        *product(qualities, speeds, WEIGHTS, (None, False, True), ["runs"]),
        *product(qualities, speeds, ["equal"], [True], [error for error in ERRORS if error != "runs"]),
    ]
    cells = [
        make_cell(
            f"{row}", **qualities[quality], **speeds[speed], **WEIGHTS[weights], **ERRORS[error], semantic=semantic
        )
        for row, (quality, speed, weights, semantic, error) in enumerate(table)
    ]
    acknowledged = {cell.cell for cell in cells[::2]}
    judged = judge_gate(cells, acknowledged=acknowledged)
    assert [cell.outcome for cell in judged.cells] == [expected_word(*row) for row in table]
    assert {cell.outcome for cell in judged.cells} == set(get_args(Outcome))
    for cell, row in zip(judged.cells, table, strict=True):
        assert cell.reason
        assert cell.exit_status == expected_status(cell, row[-1], cell.cell in acknowledged)
        assert cell.ships == (cell.exit_status == 0)
        assert cell.acknowledged == (cell.outcome == "changed" and cell.ships)
    assert decode(GateJudgement, json.loads(json.dumps(encode(judged), allow_nan=False))) == judged


def expected_status(cell: CellOutcome, error: str, acknowledged: bool) -> int:
    if error == "both":
        return 3
    if cell.outcome in ("regressed", "slower", "broken"):
        return 1
    return 4 if cell.outcome == "undecided" or (cell.outcome == "changed" and not acknowledged) else 0


def test_the_gates_status_and_verdict_follow_from_its_cells(
    qualities: Mapping[str, Mapping[str, Any]], make_cell: MakeCell
) -> None:
    bits = qualities["bit-equal"]
    kinds = {
        "ships": bits,
        "open": qualities["undecided"],
        "changed": {**bits, "semantic": True},
        "failed": qualities["regressed"],
        "broken": {**bits, **ERRORS["candidate"]},
        "no baseline": {**bits, **ERRORS["baseline"]},
        "neither": {**bits, **ERRORS["both"]},
    }
    for names in (names for n in (1, 2, 3) for names in combinations_with_replacement(kinds, n)):
        judged = judge_gate([make_cell(f"{row} {name}", **kinds[name]) for row, name in enumerate(names)])
        failed = {"failed", "broken"} & set(names)
        status = 3 if "neither" in names else 1 if failed else 0 if set(names) == {"ships"} else 4
        assert judged.exit_status == status, names
        stopped = failed or "changed" in names
        assert judged.verdict == ("do not ship" if stopped else "ship" if status == 0 else "undecided"), names


def test_evidence_can_be_stored_and_judged_again(
    qualities: Mapping[str, Mapping[str, Any]], speeds: Mapping[str, Mapping[str, Any]], make_cell: MakeCell
) -> None:
    cells = [
        make_cell("diverging", **qualities["diverging"]),
        make_cell("slower", **qualities["better"], **speeds["slower"], semantic=True),
    ]
    cells.append(replace(make_cell("other weights", **qualities["bit-equal"]), **WEIGHTS["different"]))
    stored = [decode(CellEvidence, json.loads(json.dumps(encode(cell), allow_nan=False))) for cell in cells]
    assert stored == cells
    assert judge_gate(stored) == judge_gate(cells)


def test_a_gate_without_cells_is_undecided() -> None:
    assert judge_gate([]) == GateJudgement(verdict="undecided", exit_status=4, hypotheses=0, cells=())


def outcome_of(evidence: CellEvidence, *others: CellEvidence) -> CellOutcome:
    return judge_gate([evidence, *others]).cells[0]


def test_a_significant_loss_within_the_margin_is_equivalent_and_so_is_such_a_gain(
    make_cell: MakeCell, make_pairs: MakePairs
) -> None:
    for sign in (-1.0, 1.0):
        pairs = make_pairs(shifted(32, sign * 0.01), shifted(32, sign * 0.03))
        found = outcome_of(make_cell(pairs=pairs))
        p = found.metrics[0].p_regressed if sign < 0 else found.metrics[0].p_better
        assert p is not None
        assert p < 1e-6
        assert found.outcome == "equivalent"


def test_a_gain_on_one_metric_hides_no_open_or_lost_other(make_cell: MakeCell, make_pairs: MakePairs) -> None:
    gain = shifted(16, 0.1)
    assert outcome_of(make_cell(pairs=make_pairs(gain, shifted(16, 0.0)))).outcome == "better"
    assert outcome_of(make_cell(pairs=make_pairs(gain, shifted(16, 0.0, sd=0.5)))).outcome == "undecided"
    lost = outcome_of(make_cell(pairs=make_pairs(gain, shifted(16, -0.3))))
    assert lost.outcome == "regressed"
    assert "log_loss" in lost.reason
    assert "accuracy" not in lost.reason


def test_both_metrics_must_be_equivalent(make_cell: MakeCell, make_pairs: MakePairs) -> None:
    calm, wild = shifted(8, 0.0), shifted(8, 0.0, sd=0.5)
    assert outcome_of(make_cell(pairs=make_pairs(calm, calm))).outcome == "equivalent"
    assert outcome_of(make_cell(pairs=make_pairs(calm, wild))).outcome == "undecided"
    assert outcome_of(make_cell(pairs=make_pairs(wild, calm))).outcome == "undecided"


def test_holm_counts_the_planned_cells_that_have_not_run(make_cell: MakeCell, make_pairs: MakePairs) -> None:
    """A loss whose p lies between .05 / 3 and .05 / 15 is one among one cell, and none among five."""
    losing = make_cell("losing", pairs=make_pairs(shifted(8, -0.05, sd=0.035), [0.0] * 8))
    alone = outcome_of(losing)
    p = alone.metrics[0].p_regressed
    assert p is not None
    assert 0.05 / 15 < p < 0.05 / 3
    assert alone.outcome == "regressed"
    missing = [make_cell(f"missing {row}") for row in range(4)]
    assert outcome_of(losing, *missing).outcome == "undecided"
    wider = judge_gate([losing, *missing])
    assert (wider.hypotheses, wider.exit_status) == (15, 4)
    small, large = alone.metrics[0].smallest_loss_found, wider.cells[0].metrics[0].smallest_loss_found
    assert small is not None
    assert large is not None
    assert small < large


def test_holm_by_hand() -> None:
    # .05 / 4, then .05 / 3 for the second; the third, at .05 / 2, is not rejected, so neither is what follows.
    assert holm([[0.012, None], [0.016, 0.03]]) == [(True, False), (True, False)]
    assert holm([[0.013, None], [0.016, 0.03]]) == [(False, False), (False, False)]
    assert holm([[], [0.05]]) == [(), (True,)]
    assert holm([]) == []


def test_runs_that_fail_to_converge_more_often_regress_an_otherwise_equivalent_cell(
    make_cell: MakeCell, make_pairs: MakePairs
) -> None:
    calm = shifted(16, 0.0)
    failed = dict.fromkeys(range(8, 16), "candidate")
    lost = outcome_of(make_cell(pairs=make_pairs(calm, calm, failed=failed)))
    assert lost.outcome == "regressed"
    assert "the candidate did not converge in 8 of 16 pairs, the baseline in 0" in lost.reason
    few = outcome_of(make_cell(pairs=make_pairs(calm, calm, failed={8: "candidate"})))
    assert few.outcome == "equivalent"
    assert "the candidate did not converge in 1 of 16 pairs, the baseline in 0" in few.notes
    mended = outcome_of(make_cell(pairs=make_pairs(calm, calm, failed=dict.fromkeys(failed, "baseline"))))
    assert mended.outcome == "better"


def test_one_bit_equal_pair_proves_quality_until_another_pair_differs(
    make_cell: MakeCell, make_pairs: MakePairs
) -> None:
    zeros = [0.0] * 4
    for n in (1, 4):
        assert (
            outcome_of(make_cell(pairs=make_pairs(zeros[:n], zeros[:n], bit_equal=[True] * n))).outcome == "bit-equal"
        )
    mixed = outcome_of(make_cell(pairs=make_pairs(zeros, [0.0, -0.6, 0.0, 0.0], bit_equal=[True, False, True, True])))
    assert mixed.outcome == "undecided"
    assert "3 of 4 pairs ended bit-equal, so none of them is a proof" in mixed.notes
    nan = outcome_of(make_cell(pairs=make_pairs([0.0], [0.0], bit_equal=[True], failed={0: "both"})))
    assert nan.outcome == "undecided"


def test_other_natural_weights_show_in_the_answer(make_cell: MakeCell, make_pairs: MakePairs) -> None:
    cell = make_cell(pairs=make_pairs([0.0], [0.0], bit_equal=[True]))
    assert outcome_of(replace(cell, natural_equal=None)).outcome == "undecided"
    assert "by itself were not compared" in outcome_of(replace(cell, natural_equal=False)).reason
    alike = outcome_of(replace(cell, natural_equal=False, initialisers=ALIKE))
    assert alike.outcome == "bit-equal"
    assert any("20 builds a side do not tell apart" in note for note in alike.notes)
    other = outcome_of(replace(cell, natural_equal=False, initialisers=DIFFERENT))
    assert (other.outcome, other.exit_status) == ("changed", 4)
    assert "initialise dense/kernel differently" in other.reason


def test_a_change_of_meaning_ships_once_it_is_acknowledged(make_cell: MakeCell, make_pairs: MakePairs) -> None:
    cell = make_cell("a", pairs=make_pairs(shifted(8, 0.0), shifted(8, 0.0)), semantic=True)
    refused, taken = judge_gate([cell]), judge_gate([cell], acknowledged=["a"])
    assert (refused.verdict, refused.exit_status, refused.cells[0].outcome) == ("do not ship", 4, "changed")
    assert (taken.verdict, taken.exit_status, taken.cells[0].outcome) == ("ship", 0, "changed")
    regressed = make_cell("a", pairs=make_pairs(shifted(32, -0.1), shifted(32, 0.0)), semantic=True)
    assert judge_gate([regressed], acknowledged=["a"]).exit_status == 1


def test_a_loss_of_speed_on_either_basis_is_a_loss(
    make_cell: MakeCell, make_pairs: MakePairs, make_blocks: MakeBlocks
) -> None:
    slow = [0.80, 0.81, 0.79, 0.80, 0.81, 0.79]
    bits = make_cell(pairs=make_pairs([0.0], [0.0], bit_equal=[True]), bases=("cpu", "wall"))
    for cpu, wall in ((slow, AS_FAST), (AS_FAST, slow)):
        found = outcome_of(replace(bits, blocks=make_blocks(cpu, wall)))
        assert found.outcome == "slower"
        assert f"speed a {'CPU' if cpu is slow else 'wall'} second slower: x 0.800" in found.reason
    assert outcome_of(replace(bits, blocks=make_blocks(AS_FAST, slow), bases=("cpu",))).outcome == "bit-equal"
    assert judge_gate([replace(bits, blocks=make_blocks(slow))], speed_margin=0.30).exit_status == 0


def test_holm_of_speed_counts_the_planned_ratios(
    make_cell: MakeCell, make_pairs: MakePairs, make_blocks: MakeBlocks
) -> None:
    """A p between .05 / 8 and .05 / 2 is slower among one cell's two ratios, and undecided among four cells'."""
    slow = make_cell(
        "slow",
        pairs=make_pairs([0.0], [0.0], bit_equal=[True]),
        blocks=make_blocks([0.85, 0.95, 0.93, 0.90]),
        bases=("cpu", "wall"),
    )
    alone = outcome_of(slow)
    p = alone.speed[0].p_slower
    assert p is not None
    assert 0.05 / 8 < p < 0.05 / 2
    assert alone.outcome == "slower"
    missing = [make_cell(f"missing {row}", bases=("cpu", "wall")) for row in range(3)]
    assert outcome_of(slow, *missing).outcome == "undecided"


def test_a_plan_that_names_a_cell_twice_or_acknowledges_another_one_is_refused(make_cell: MakeCell) -> None:
    with pytest.raises(ValueError, match="'a' is planned twice"):
        judge_gate([make_cell("a"), make_cell("a")])
    with pytest.raises(ValueError, match="acknowledged: 'b' is not planned; the plan has a"):
        judge_gate([make_cell("a")], acknowledged=["b"])
