"""What is exported of a store, and what each verdict comes to."""

from __future__ import annotations

from typing import get_args

import pytest

from trainband.results.codec import encode
from trainband.results.exit_status import exit_status
from trainband.results.exports.collect import export_rows
from trainband.results.exports.rows import RESULTS, ExportError, ExportRow
from trainband.results.judgements import Judgement, Verdict
from trainband.results.store import Store, StoreError

SWEEP = "20260303T030000-quick-abcdef"
STATUS = {"passed": 0, "waived": 0, "failed": 1, "error": 3, "open": 4, "skipped": 4}


@pytest.mark.parametrize("verdict", get_args(Verdict))
def test_a_result_says_what_the_exit_status_says(verdict: Verdict) -> None:
    judgement = Judgement(judgement_id="j", created="now", sweep_id=None, cell="m:t@p", verdict=verdict, reason="")
    assert exit_status([judgement]) == STATUS[RESULTS[verdict]]


def test_every_verdict_has_a_row_and_its_result(rows: dict[str, ExportRow]) -> None:
    assert {profile: (row.verdict, row.result) for profile, row in rows.items()} == {
        "pass": ("pass", "passed"),
        "in_sample": ("pass", "open"),
        "fail_low": ("fail_low", "failed"),
        "fail_high": ("fail_high", "failed"),
        "diverged": ("diverged", "failed"),
        "error": ("error", "error"),
        "timeout": ("timeout", "error"),
        "no_band": ("no_band", "open"),
        "undecided": ("undecided", "open"),
        "waived": ("waived", "waived"),
        "skipped": ("skipped", "skipped"),
        "required": ("skipped", "error"),
        "planned": ("planned", "open"),
    }


def test_a_row_has_the_band_beside_the_value_in_the_metrics_own_unit(rows: dict[str, ExportRow]) -> None:
    accuracy, log_loss, *speed = rows["fail_low"].metrics
    assert (accuracy.name, accuracy.value, accuracy.unit, accuracy.direction) == (
        "accuracy",
        0.90,
        "fraction",
        "higher",
    )
    assert (accuracy.lower, accuracy.upper) == (pytest.approx(0.92538, abs=1e-5), pytest.approx(0.97462, abs=1e-5))
    assert (accuracy.inside, accuracy.fresh_mean) == (False, pytest.approx(0.90))
    assert (log_loss.name, log_loss.direction, log_loss.inside) == ("log_loss", "lower", True)
    assert [metric.name for metric in speed][:2] == ["examples_per_sec", "examples_per_cpu_sec"]
    assert {metric.inside for metric in rows["no_band"].metrics} == {None}
    assert rows["error"].metrics == ()
    assert rows["planned"].reason == "asked for and not judged: the sweep is interrupted"
    assert rows["waived"].story.startswith(
        "fail_low, waived by kim until 2027-01-31 (bfloat16 sums in the last layer): "
    )


def test_a_side_that_cannot_fail_is_no_bound(store: Store) -> None:
    [document] = [each for each in store.judgements() if each["verdict"] == "pass" and not each["in_sample"]]
    changed = {**document, "judgement_id": "later", "created": "2026-03-04T00:00:00+00:00", "sweep_id": None}
    changed["metrics"] = [{**metric, "upper_cannot_fail": True} for metric in document["metrics"]]
    store.write_judgement(changed)
    [row] = export_rows(store, since="2026-03-04")
    assert row.metrics[0].lower is not None
    assert row.metrics[0].upper is None


def test_since_takes_what_was_judged_from_then_on_and_neither_what_stands(store: Store) -> None:
    assert [row.profile for row in export_rows(store, since="2026-03-03T03:10:00")] == ["required", "skipped"]
    standing = export_rows(store)
    assert len(standing) == 12  # what was planned and not judged belongs to its sweep alone
    old = next(encode(row.judgement) for row in standing if row.profile == "pass")
    store.write_judgement({**old, "judgement_id": "newer", "created": "2026-03-05T00:00:00+00:00", "sweep_id": "s2"})
    assert {row.judgement.judgement_id for row in export_rows(store) if row.profile == "pass" and row.judgement} == {
        "newer"
    }


def test_nothing_to_export_is_said(store: Store) -> None:
    with pytest.raises(ExportError, match="no judgement since 2026-04-01"):
        export_rows(store, since="2026-04-01")
    with pytest.raises(StoreError, match="no sweep 'another'"):
        export_rows(store, sweep_id="another")


def test_a_run_that_cannot_be_read_keeps_its_verdict_and_says_so(store: Store, rows: dict[str, ExportRow]) -> None:
    run_id = rows["pass"].run_id
    assert run_id is not None
    (store.run_path(run_id) / "record.json").write_text("{")
    row = next(row for row in export_rows(store, sweep_id=SWEEP) if row.profile == "pass")
    assert (row.verdict, row.record, row.run_id, row.metrics) == ("pass", None, run_id, ())
    assert "cannot read the record" in row.notes[-1]
