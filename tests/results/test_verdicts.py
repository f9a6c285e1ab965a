"""The verdict is total, follows the two stages, and never lets a structural breach pass."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

from trainband.results.bands import Band
from trainband.results.codec import CodecError
from trainband.results.evidence import Evidence
from trainband.results.exit_status import exit_status
from trainband.results.judgements import (
    Judgement,
    Verdict,
    judgement_from_json,
    judgement_to_json,
    skipped_judgement,
)
from trainband.results.metrics import MetricForm
from trainband.results.records import MetricValue, Record
from trainband.results.verdicts import judge

CELL = "mlp_digits:smoke@cpu"
GOLDEN = Path(__file__).parents[1] / "golden" / "judgement_v1.json"
# The fixture's band: accuracy in [0.9254, 0.9746], log_loss in [0.2009, 0.3112].
LOW, HIGH = 0.92, 0.98

Run = Callable[..., Record]
Judge = Callable[..., Judgement]


@pytest.fixture
def band(make_band: Callable[..., Band]) -> Band:
    return make_band()


@pytest.fixture
def verdict_of(band: Band, metrics: tuple[MetricForm, ...]) -> Judge:
    def call(trigger: Record | None, *fresh: Record, **changes: Any) -> Judgement:
        values: dict[str, Any] = {"band": band, "metrics": metrics, "band_path": "results/reference/x.json", **changes}
        return judge(judgement_id="j", created="now", cell=CELL, trigger=trigger, fresh=fresh, **values)

    return call


def fresh(make_run: Run, *accuracies: float, **fields: Any) -> list[Record]:
    return [make_run(f"fresh-{i}", seed=100 + i, accuracy=value, **fields) for i, value in enumerate(accuracies)]


def test_inside_both_bands_passes_and_names_both_metrics(make_run: Run, verdict_of: Judge, band: Band) -> None:
    judgement = verdict_of(make_run("night", sweep_id="s1"))
    assert (judgement.verdict, judgement.needs_confirmation, judgement.in_sample) == ("pass", False, False)
    assert judgement.reason == "accuracy 0.95 in [0.92538, 0.97462]; log_loss 0.25 in [0.20086, 0.31116]"
    assert (judgement.records, judgement.sweep_id) == (("night",), "s1")
    assert (judgement.band_path, judgement.band_digest) == ("results/reference/x.json", band.digest)
    assert [(item.name, item.inside) for item in judgement.metrics] == [("accuracy", True), ("log_loss", True)]


def test_a_bound_itself_is_inside(make_run: Run, verdict_of: Judge, band: Band) -> None:
    lower, upper = band.metrics[0].lower, band.metrics[0].upper
    assert verdict_of(make_run(accuracy=lower)).verdict == "pass"
    assert verdict_of(make_run(accuracy=upper)).verdict == "pass"
    assert verdict_of(make_run(accuracy=math.nextafter(lower, 0.0))).verdict == "undecided"


def test_outside_once_is_undecided_and_asks_for_two_fresh_runs(make_run: Run, verdict_of: Judge) -> None:
    for given in ([], fresh(make_run, 0.92)):
        judgement = verdict_of(make_run(accuracy=LOW), *given)
        assert (judgement.verdict, judgement.needs_confirmation) == ("undecided", True)
        assert judgement.reason.startswith("accuracy 0.92 below [0.92538, 0.97462]")
        assert judgement.reason.endswith(f"{len(given)} of 2 fresh runs to confirm it")


def test_the_mean_of_two_fresh_runs_decides_against_the_one_percent_bound(make_run: Run, verdict_of: Judge) -> None:
    # mean 0.95, sd 0.008945, t(19, 1%) sqrt(1/2 + 1/20) = 1.8833: bound 0.93315
    failed = verdict_of(make_run(accuracy=LOW), *fresh(make_run, 0.93, 0.936))
    assert failed.verdict == "fail_low"
    assert failed.metrics[0].confirm_bound == pytest.approx(0.93315, abs=1e-5)
    assert failed.metrics[0].fresh_mean == pytest.approx(0.933)
    assert failed.reason == (
        "accuracy 0.92 below [0.92538, 0.97462], confirmed by the fresh mean 0.933 against the 1% bound 0.93315"
    )
    passed = verdict_of(make_run(accuracy=LOW), *fresh(make_run, 0.93, 0.937))
    assert passed.verdict == "pass"
    assert passed.notes == ("outside the band once: accuracy",)
    assert "not confirmed" in passed.reason


def test_the_trigger_is_left_out_of_the_mean(make_run: Run, verdict_of: Judge) -> None:
    assert verdict_of(make_run(accuracy=0.6), *fresh(make_run, 0.95, 0.95)).verdict == "pass"


def test_too_good_is_a_failure_too(make_run: Run, verdict_of: Judge) -> None:
    assert verdict_of(make_run(accuracy=HIGH), *fresh(make_run, HIGH, HIGH)).verdict == "fail_high"


def test_low_means_worse_whatever_the_direction(make_run: Run, verdict_of: Judge) -> None:
    def losses(value: float) -> list[Record]:
        return fresh(make_run, 0.95, 0.95, log_loss=value)

    assert verdict_of(make_run(log_loss=0.4), *losses(0.4)).verdict == "fail_low"
    assert verdict_of(make_run(log_loss=0.15), *losses(0.15)).verdict == "fail_high"
    # The geometric mean of 0.2 and 0.4 is 0.283, under the bound 0.25 exp(1.8833 x 0.0795) = 0.2904; their mean is not.
    mixed = [make_run("a", seed=100, log_loss=0.2), make_run("b", seed=101, log_loss=0.4)]
    assert verdict_of(make_run(log_loss=0.4), *mixed).verdict == "pass"


def test_only_metrics_that_were_out_are_confirmed(make_run: Run, verdict_of: Judge) -> None:
    judgement = verdict_of(make_run(accuracy=LOW), *fresh(make_run, 0.95, 0.95, log_loss=0.9))
    assert judgement.verdict == "pass"
    assert judgement.metrics[1].fresh_mean is None


def test_worse_wins_over_better(make_run: Run, verdict_of: Judge) -> None:
    judgement = verdict_of(make_run(accuracy=HIGH, log_loss=0.4), *fresh(make_run, HIGH, HIGH, log_loss=0.4))
    assert judgement.verdict == "fail_low"
    assert judgement.reason.startswith("log_loss 0.4 above")


def test_a_side_at_the_end_of_the_range_never_fails(
    make_run: Run, make_band: Callable[..., Band], verdict_of: Judge
) -> None:
    high = make_band(changes={i: {"accuracy": 0.99 + 0.0002 * i} for i in range(20)})
    judgement = verdict_of(make_run(accuracy=1.0), band=high)
    assert judgement.verdict == "pass"
    assert "1 (cannot fail)]" in judgement.reason


@pytest.mark.parametrize(
    ("changes", "verdict", "reason"),
    [
        ({"outcome": "error"}, "error", "crash: the child died"),
        ({"outcome": "timeout"}, "timeout", "crash: the child died"),
        ({"data": {"test_digest": "9" * 64}, "quality": {}}, "error", None),
        ({"data": {"shared_rows": 2}}, "error", "data.shared_rows = 2"),
        ({"data": {"n_test": 720}}, "error", "evaluation.examples = 360, the test split has 720"),
        ({"measurement": {"trained_examples": 1344}}, "error", "trained_examples = 1344, the recipe plans 1408"),
        ({"measurement": {"device": "cpu"}, "profile_spec": {"device": "gpu"}}, "error", "device = 'cpu'"),
        ({"profile_spec": {}}, "error", "profile_spec.device = None"),
        ({"accuracy": 95.0}, "error", "accuracy = 95.0: outside [0.0, 1.0]"),
        ({"profile": "other"}, "error", "is of mlp_digits:smoke@other"),
    ],
)
def test_failures_and_breaches_never_reach_the_band(
    make_run: Run, verdict_of: Judge, changes: dict[str, Any], verdict: str, reason: str | None
) -> None:
    record = make_run("night", **changes)
    if "test_digest" in changes.get("data", {}):
        assert record.measurement is not None
        wrong = replace(record.measurement.quality.evaluation, digest="8" * 64)
        quality = replace(record.measurement.quality, evaluation=wrong)
        record = replace(record, measurement=replace(record.measurement, quality=quality))
        reason = "evaluation.digest 888888888888 is not the test split's 999999999999"
    judgement = verdict_of(record)
    assert judgement.verdict == verdict
    assert str(reason) in judgement.reason
    assert exit_status([judgement]) == 3


@pytest.mark.parametrize(
    ("metric", "reason"),
    [
        (None, "metric log_loss is missing; the record has accuracy"),
        ({"unit": "bits per example"}, "metric log_loss has unit 'bits per example', expected 'nats per example'"),
        ({"direction": "higher"}, "metric log_loss has direction 'higher', expected 'lower'"),
    ],
)
def test_a_metric_must_be_what_the_model_says(
    make_run: Run, verdict_of: Judge, metric: dict[str, Any] | None, reason: str
) -> None:
    record = make_run()
    assert record.measurement is not None
    quality = record.measurement.quality
    values: dict[str, MetricValue] = {"accuracy": quality.metrics["accuracy"]}
    if metric is not None:
        values["log_loss"] = replace(quality.metrics["log_loss"], **metric)
    record = replace(record, measurement=replace(record.measurement, quality=replace(quality, metrics=values)))
    assert verdict_of(record).reason == f"run run: {reason}"


def test_a_run_that_is_judged_by_no_metric_never_passes_not_even_with_a_band(
    make_run: Run, verdict_of: Judge, band: Band
) -> None:
    for given in (band, None):
        judgement = verdict_of(make_run("night"), metrics=(), band=given)
        assert (judgement.verdict, judgement.needs_confirmation) == ("no_band", False)
        assert judgement.reason.startswith("throughput only")


def test_no_record_is_an_error(verdict_of: Judge) -> None:
    assert verdict_of(None).verdict == "error"


def test_a_fresh_run_that_broke_confirms_nothing(make_run: Run, verdict_of: Judge) -> None:
    sound = fresh(make_run, 0.95)
    for changes in ({"outcome": "timeout"}, {"data": {"shared_rows": 1}}, {"recipe_hash": "0" * 64}):
        judgement = verdict_of(make_run(accuracy=LOW), *sound, make_run("bad", seed=200, **changes))
        assert (judgement.verdict, "bad" in judgement.reason) == ("error", True)


def test_nan_alone_is_diverged_and_can_be_confirmed(make_run: Run, verdict_of: Judge) -> None:
    for changes in ({"log_loss": math.nan}, {"log_loss": math.inf}, {"quality": {"diverged_at_step": 5}}):
        judgement = verdict_of(make_run(**changes))
        assert (judgement.verdict, judgement.needs_confirmation) == ("diverged", True)
        assert verdict_of(make_run(**changes), band=None).verdict == "diverged"


def test_a_run_nearer_to_the_untrained_model_is_undecided_alone(make_run: Run, verdict_of: Judge) -> None:
    judgement = verdict_of(make_run(accuracy=0.3))
    assert (judgement.verdict, judgement.needs_confirmation) == ("undecided", True)
    assert "accuracy = 0.3, nearer to the untrained model than 0.525" in judgement.reason


def test_two_of_three_are_diverged_and_one_is_suspect(make_run: Run, verdict_of: Judge) -> None:
    assert verdict_of(make_run(accuracy=0.3), *fresh(make_run, 0.95, 0.2)).verdict == "diverged"
    assert verdict_of(make_run(accuracy=LOW), *fresh(make_run, 0.2, 0.2)).verdict == "diverged"
    for trigger, others in ((0.3, (0.95, 0.95)), (LOW, (0.95, 0.2))):
        judgement = verdict_of(make_run(accuracy=trigger), *fresh(make_run, *others))
        assert (judgement.verdict, judgement.needs_confirmation) == ("undecided", False)
        assert judgement.notes == ("suspect: one run did not converge",)


def test_a_suspect_run_does_not_shield_the_others(make_run: Run, verdict_of: Judge) -> None:
    # One fresh value against 0.95 - t(19, 1%) sqrt(1 + 1/20) 0.008945 = 0.92673.
    for trigger, others in ((0.3, (0.92, 0.93)), (LOW, (0.926, 0.2))):
        judgement = verdict_of(make_run(accuracy=trigger), *fresh(make_run, *others))
        assert judgement.verdict == "fail_low"
        assert judgement.notes == ("suspect: one run did not converge",)
        assert "confirmed by the fresh mean" in judgement.reason
    assert verdict_of(make_run(accuracy=LOW), *fresh(make_run, 0.927, 0.2)).verdict == "undecided"


def test_without_a_usable_band_nothing_passes(
    make_run: Run, make_band: Callable[..., Band], verdict_of: Judge, band: Band, metrics: tuple[MetricForm, ...]
) -> None:
    rejected = make_band(smallest_drop={"accuracy": 0.001, "log_loss": 0.3})
    assert verdict_of(make_run(), band=None).reason == f"no band; run trainband calibrate {CELL} --seeds=20"
    assert verdict_of(make_run(), band=make_band(7)).reason == "n=7 of 20"
    assert verdict_of(make_run(), band=rejected).reason.startswith("the calibration was rejected: accuracy")
    assert verdict_of(make_run(recipe_hash="0" * 64)).reason.startswith(
        "the band is void: its evidence has recipe hash"
    )
    swapped = verdict_of(make_run(), metrics=metrics[::-1])
    assert swapped.reason == "the band was calibrated for other metrics, units, directions or scales"
    assert verdict_of(make_run(), band=None).band_digest is None
    assert exit_status([swapped]) == 4


def test_a_run_of_the_evidence_confirms_nothing(make_run: Run, verdict_of: Judge) -> None:
    judgement = verdict_of(make_run(seed=1_000_003))
    assert (judgement.verdict, judgement.in_sample) == ("pass", True)
    assert judgement.notes[0].startswith("in_sample")
    assert exit_status([judgement]) == 4
    again = verdict_of(make_run(accuracy=LOW), *fresh(make_run, 0.92), make_run("old", seed=1_000_003, accuracy=LOW))
    assert (again.verdict, again.needs_confirmation) == ("undecided", True)
    assert "run old is in_sample" in again.notes[0]


def test_a_repeated_seed_is_not_fresh(make_run: Run, verdict_of: Judge) -> None:
    trigger = make_run("night", seed=100, accuracy=LOW)
    judgement = verdict_of(trigger, *fresh(make_run, LOW, LOW))
    assert judgement.verdict == "undecided"
    assert judgement.notes == ("run fresh-0 repeats seed 100 and confirms nothing",)


def test_planted_faults_are_judged_and_flagged(make_run: Run, verdict_of: Judge) -> None:
    judgement = verdict_of(make_run("night", faults=("label_noise",)))
    assert judgement.verdict == "pass"
    assert judgement.notes == ("run night was trained with planted faults: label_noise",)


ACCURACIES = (0.95, LOW, HIGH, 0.2, math.nan, math.inf)
LOSSES = (0.25, 0.9, 0.01, 0.0, math.nan)
BANDS = ("calibrated", "partial", "rejected", "void", "none")
FRESH: tuple[tuple[float, ...], ...] = ((), (0.95,), (0.95, 0.95), (LOW, LOW), (0.2, math.nan), (LOW, LOW, LOW))


def test_every_combination_has_a_verdict_and_an_exit_status(
    make_run: Run, make_band: Callable[..., Band], metrics: tuple[MetricForm, ...], verdict_of: Judge
) -> None:
    bands: dict[str, Band | None] = {
        "calibrated": make_band(),
        "partial": make_band(7),
        "rejected": make_band(smallest_drop={"accuracy": 0.001, "log_loss": 0.3}),
        "void": make_band(recipe_hash="0" * 64),
        "none": None,
    }
    confirming = {accuracies: fresh(make_run, *accuracies) for accuracies in FRESH}
    values = itertools.product(ACCURACIES, LOSSES, (7, 1_000_000))
    triggers: list[Record | None] = [make_run(accuracy=a, log_loss=b, seed=seed) for a, b, seed in values]
    triggers += [make_run(outcome="error"), make_run(outcome="timeout"), None]
    for trigger, name, accuracies in itertools.product(triggers, BANDS, FRESH):
        judgement = verdict_of(trigger, *confirming[accuracies], band=bands[name])
        assert judgement.verdict in get_args(Verdict)
        assert judgement.reason
        assert exit_status([judgement]) in (0, 1, 3, 4)
        assert judgement_from_json(judgement_to_json(judgement)).verdict == judgement.verdict
        if judgement.verdict == "pass":
            assert name == "calibrated"
            assert trigger is not None
            assert trigger.measurement is not None
            assert all(math.isfinite(item.value) for item in trigger.measurement.quality.metrics.values())


def test_the_golden_judgement_stays_readable(make_run: Run, verdict_of: Judge) -> None:
    text = GOLDEN.read_text()
    judgement = judgement_from_json(text)
    assert judgement_to_json(judgement) == text
    assert (judgement.verdict, judgement.metrics[0].confirmed) == ("fail_low", True)
    for broken, message in (("{", "not JSON"), ("[]", "expected an object"), ('{"version": 9}', "reads version 1")):
        with pytest.raises(CodecError, match=message):
            judgement_from_json(broken)


def test_a_skipped_cell_says_why() -> None:
    judgement = skipped_judgement(judgement_id="j", created="now", cell="m:smoke@gpu", reason="no GPU found")
    assert (judgement.verdict, judgement.profile, judgement.reason) == ("skipped", "gpu", "no GPU found")


def test_evidence_of_another_model_makes_nothing_in_sample(
    make_run: Run, make_evidence: Callable[..., Evidence], band: Band, verdict_of: Judge
) -> None:
    foreign = replace(band, model="other", evidence=replace(band.evidence, model="other"))
    judgement = verdict_of(make_run(seed=1_000_003), band=foreign)
    assert (judgement.verdict, judgement.in_sample) == ("no_band", False)
