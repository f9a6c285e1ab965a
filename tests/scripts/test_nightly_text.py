"""What a night says of itself: everything that a person has to know of, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from trainband.nightly_text import night_text
from trainband.results.history.nights import Night, Waiting
from trainband.results.judgements import Judgement
from trainband.results.waivers import Waiver

NIGHT = Night(
    night_id="night",
    suite="nightly",
    began="2026-03-04T03:00:00.000+00:00",
    ended="2026-03-04T05:00:00.000+00:00",
    budget_sec=None,
    code="",
    expected_false_alarms=0.0098,
)
PASS = Judgement(
    judgement_id="j",
    created=NIGHT.began,
    sweep_id="night",
    cell="resnet20_cifar10:short@tpu",
    verdict="pass",
    reason="",
)
WAIVER = Waiver(
    cells="resnet20_cifar10:*@tpu",
    verdicts=frozenset({"fail_low"}),
    owner="kim",
    reason="bfloat16 sums",
    until=date(2026, 3, 4),
)


def said(night: Night = NIGHT, waivers: tuple[Waiver, ...] = (), today: date = date(2026, 3, 4)) -> list[str]:
    return night_text(night, [PASS, replace(PASS, verdict="waived")], [], waivers, today).splitlines()


def test_a_quiet_night_says_its_verdicts_and_how_many_would_be_false() -> None:
    assert said() == ["1 pass, 1 waived", "expected false alarms of the verdicts of a night like this: 0.0098"]


def test_waivers_are_shown_with_their_owner_and_their_end() -> None:
    other = replace(WAIVER, cells="bert*")
    [_, line, _] = said(waivers=(WAIVER, other))
    assert line == "waived: resnet20_cifar10:*@tpu (2 cells), kim, until 2026-03-04: bfloat16 sums"
    assert "kim, EXPIRED on 2026-03-04" in said(waivers=(WAIVER,), today=date(2026, 3, 5))[1]


def test_what_was_not_reached_what_changed_and_what_is_wrong_are_named() -> None:
    waiting = tuple(Waiting(what=f"cell-{number}", why="the budget ended before it") for number in range(10))
    night = replace(NIGHT, waiting=waiting, numerics_changed=("mlp_digits:smoke@cpu",), problems=("a file",))
    assert said(night)[1:4] == [
        "not reached: cell-0, cell-1, cell-2, cell-3, cell-4, cell-5, cell-6, cell-7 and 2 more",
        "numerics changed: mlp_digits:smoke@cpu",
        "problem: a file",
    ]
