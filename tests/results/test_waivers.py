"""A waiver is dated and owned, stands in front of the verdicts it names, and shows when it is not needed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from trainband.results.judgements import Judgement, WaivedVerdict, judgement_from_json, judgement_to_json
from trainband.results.waivers import Waiver, WaiverError, apply_waiver, read_waivers

FAILED = Judgement(
    judgement_id="j", created="now", sweep_id=None, cell="mlp:smoke@tpu", verdict="fail_low", reason="accuracy 0.9"
)
WAIVER = Waiver(
    cells="mlp:*@tpu",
    verdicts=frozenset({"fail_low"}),
    owner="kim",
    reason="bfloat16 sums",
    until=date(2026, 3, 31),
)
LAST_DAY = date(2026, 3, 31)


def test_it_holds_until_the_end_of_its_last_day() -> None:
    waived = apply_waiver(FAILED, [WAIVER], LAST_DAY)
    assert waived.verdict == "waived"
    assert waived.waived == WaivedVerdict(verdict="fail_low", owner="kim", reason="bfloat16 sums", until="2026-03-31")
    assert waived.reason == FAILED.reason
    assert judgement_from_json(judgement_to_json(waived)) == waived


def test_an_expired_one_does_nothing_but_a_note() -> None:
    judgement = apply_waiver(FAILED, [WAIVER], date(2026, 4, 1))
    assert judgement.verdict == "fail_low"
    assert judgement.notes == ("waiver of kim expired on 2026-03-31: bfloat16 sums",)


def test_an_unexpected_pass_is_noted() -> None:
    judgement = apply_waiver(replace(FAILED, verdict="pass"), [WAIVER], LAST_DAY)
    assert judgement.verdict == "pass"
    assert judgement.notes == ("unexpected pass: waived by kim until 2026-03-31: bfloat16 sums",)


def test_other_cells_and_other_verdicts_are_left_alone() -> None:
    for other in (replace(FAILED, cell="mlp:smoke@cpu"), replace(FAILED, verdict="error")):
        assert apply_waiver(other, [WAIVER], LAST_DAY) == other


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"verdicts": frozenset({"pass"})}, "verdicts \\['pass'\\]; can waive diverged, error"),
        ({"verdicts": frozenset()}, "verdicts none"),
        ({"owner": " "}, "owner is empty"),
    ],
)
def test_a_waiver_without_owner_or_sense_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(WAIVER, **change)


GOOD = """
[[waiver]]
cells = "mlp:*@tpu"
verdicts = ["fail_low"]
owner = "kim"
reason = "bfloat16 sums"
until = 2026-03-31
"""


def test_waivers_are_read_from_a_file_beside_the_bands(tmp_path: Path) -> None:
    assert read_waivers(tmp_path / "waivers.toml") == ()
    (tmp_path / "waivers.toml").write_text(GOOD)
    assert read_waivers(tmp_path / "waivers.toml") == (WAIVER,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[waiver", "waivers.toml: "),
        (GOOD.replace("waiver]]", "waver]]"), "waver: give"),
        (GOOD.replace('owner = "kim"', ""), "waiver 1: owner: give each of"),
        (GOOD + "forever = true", "waiver 1: forever: give each of"),
        (GOOD.replace("2026-03-31", '"2026-03-31"'), "until is a date"),
        (GOOD.replace('"fail_low"', '"pass"'), "can waive diverged, error"),
        (GOOD.replace('"kim"', '" "'), "owner is empty"),
        (GOOD.replace('"kim"', "7"), "waivers.toml: "),
    ],
)
def test_a_wrong_waiver_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "waivers.toml"
    path.write_text(text)
    with pytest.raises(WaiverError) as caught:
        read_waivers(path)
    assert str(path) in str(caught.value)
    assert message in str(caught.value)
