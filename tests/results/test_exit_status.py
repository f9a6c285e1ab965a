"""The exit status follows the verdicts, by 3 > 1 > 4 > 0."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import get_args

import pytest

from trainband.results.exit_status import exit_status
from trainband.results.judgements import Judgement, Verdict

OF_ONE: dict[Verdict, int] = {
    "pass": 0,
    "waived": 0,
    "fail_low": 1,
    "fail_high": 1,
    "diverged": 1,
    "error": 3,
    "timeout": 3,
    "no_band": 4,
    "undecided": 4,
    "skipped": 4,
}
PRECEDENCE = (0, 4, 1, 3)


def of(verdict: Verdict, profile: str = "cpu") -> Judgement:
    return Judgement(
        judgement_id="j", created="now", sweep_id=None, cell=f"mlp:smoke@{profile}", verdict=verdict, reason="because"
    )


@pytest.mark.parametrize("verdict", get_args(Verdict))
def test_of_one_cell(verdict: Verdict) -> None:
    assert exit_status([of(verdict)]) == OF_ONE[verdict]


@pytest.mark.parametrize(("first", "second"), list(itertools.product(get_args(Verdict), repeat=2)))
def test_of_two_cells_the_stronger_wins_and_skipped_counts_as_nothing(first: Verdict, second: Verdict) -> None:
    judged = [verdict for verdict in (first, second) if verdict != "skipped"]
    expected = max((OF_ONE[verdict] for verdict in judged), key=PRECEDENCE.index, default=4)
    assert exit_status([of(first), of(second)]) == expected


def test_nothing_judged_is_undecided() -> None:
    assert exit_status([]) == 4


@pytest.mark.parametrize(
    ("required", "expected"),
    [(frozenset(), 0), (frozenset({"cpu"}), 0), (frozenset({"gpu"}), 3), (frozenset({"tpu"}), 3)],
)
def test_a_required_profile_that_was_skipped_or_is_absent_is_infrastructure(
    required: frozenset[str], expected: int
) -> None:
    assert exit_status([of("pass"), of("skipped", "gpu")], required) == expected


def test_infrastructure_goes_before_a_failed_cell() -> None:
    assert exit_status([of("fail_low"), of("skipped", "gpu")], frozenset({"gpu"})) == 3


def test_a_pass_of_the_bands_own_evidence_decides_nothing() -> None:
    inside = replace(of("pass"), in_sample=True)
    assert exit_status([inside]) == 4
    assert exit_status([of("fail_low"), inside]) == 1
