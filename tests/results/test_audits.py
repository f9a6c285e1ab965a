"""The audit as a document: its counts, what it says as a whole, its file and its chart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from trainband.audit_table import audit_rows, audit_text
from trainband.results.audits import Audit, FaultRow, HealthyRow, read_audit, share, write_audit
from trainband.results.codec import CodecError
from trainband.results.pages.audit_figure import audit_figure, summary, write_audit_figure

GOLDEN = Path(__file__).parent.parent / "golden" / "audit_v1.json"
CELL = "cnn_digits:smoke@cpu_deterministic"
SEEN = FaultRow(
    cell=CELL,
    fault="slow_statistics",
    title="the running statistics of one layer follow half as fast",
    stage="statistics",
    layer="norm1",
    seen=share(1, 4),
    verdicts={"pass": 3, "undecided": 1},
    named=share(4, 4),
    causes={"statistics, step 0": 4},
    layers_named=share(4, 4),
)
PLACELESS = FaultRow(
    cell=CELL,
    fault="large_epsilon",
    title="Adam's epsilon is 10 times itself",
    stage="hyper-parameters",
    no_place="sgd has no epsilon",
)
AUDIT = Audit(
    created="2026-11-24T03:00:00.000+00:00",
    trainband_version="0.1.0",
    host_class="intel-6-207-2-661e82d6-2c-16g",
    versions={"tensorflow": "2.21.0"},
    seeds=(0, 1, 2, 3),
    cells=(
        HealthyRow(
            cell=CELL,
            recipe_hash="a" * 64,
            band_digest="b" * 64,
            alarms=share(0, 4),
            causes={"nothing": 4},
            outside=share(0, 4),
            verdicts={"pass": 4},
        ),
    ),
    faults=(SEEN, PLACELESS),
)


def test_limits_of_a_share_are_clopper_and_pearsons() -> None:
    none, some, whole = share(0, 10), share(3, 10), share(10, 10)
    assert (none.lower, none.upper) == pytest.approx((0.0, 1 - 0.025**0.1))
    assert (some.lower, some.upper) == pytest.approx((0.06674, 0.65245), abs=1e-5)
    assert (whole.lower, whole.upper) == pytest.approx((0.025**0.1, 1.0))


def test_it_passes_where_every_stage_is_named_and_no_healthy_pair_is_parted() -> None:
    [cell] = AUDIT.cells
    assert AUDIT.passed
    assert not replace(AUDIT, faults=(replace(SEEN, named=share(3, 4)), PLACELESS)).passed
    assert not replace(AUDIT, cells=(replace(cell, alarms=share(1, 4)),)).passed


def test_a_stored_audit_of_version_1_stays_readable(tmp_path: Path) -> None:
    assert read_audit(GOLDEN) == AUDIT
    write_audit(tmp_path / "audit.json", AUDIT)
    assert (tmp_path / "audit.json").read_text() == GOLDEN.read_text()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "not JSON"),
        ("[]", "audit.version = None"),
        ('{"version": 2}', "audit.version = 2: this release reads version 1"),
        ('{"version": 1, "odd": 0}', "unknown key 'odd'"),
    ],
)
def test_another_file_is_refused_with_the_reason(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "audit.json").write_text(text)
    with pytest.raises(CodecError, match=why):
        read_audit(tmp_path / "audit.json")


def test_the_table_has_a_row_for_each_fault_and_says_where_there_is_no_place() -> None:
    seen, placeless = audit_rows(AUDIT)
    assert (seen["seen by the verdict"], seen["stage named"], seen["layer named"]) == (
        "1 of 4 [0.01, 0.81]",
        "4 of 4",
        "4 of 4",
    )
    assert placeless["stage named"] == "no place: sgd has no epsilon"
    assert "diff names the stage in every run of 1 of 1 faults with a place" in audit_text(AUDIT)


def test_the_chart_shows_both_ways_of_finding_a_fault(tmp_path: Path) -> None:
    places, verdict, diff = audit_figure(AUDIT)["data"]
    assert places["y"] == [["statistics", "hyper-parameters"], ["slow_statistics", "large_epsilon"]]
    assert places["text"] == ["", "no place: sgd has no epsilon"]
    assert (verdict["x"], diff["x"]) == ([0.25], [1.0])
    assert verdict["error_x"]["array"] == [share(1, 4).upper - 0.25]
    assert summary(AUDIT) == (
        "1 of 4 runs with a fault are seen by their verdict alone; 4 of 4 have their stage named by diff; "
        "0 of 4 healthy pairs are parted"
    )
    write_audit_figure(tmp_path / "audit.html", AUDIT)
    page = (tmp_path / "audit.html").read_text(encoding="utf-8")
    assert "slow_statistics" in page
    assert 'src="http' not in page
