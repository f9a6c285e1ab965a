"""A band follows from its evidence alone, states its guarantee, and says itself when it must not judge."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import fmean, stdev

import pytest

from trainband.results.band_files import band_from_json, band_path, band_to_json, read_band, write_band
from trainband.results.bands import (
    Band,
    band_from_evidence,
    sweep_false_fails,
    unusable_reason,
    verify_band,
    void_reason,
)
from trainband.results.codec import CodecError
from trainband.results.evidence import Evidence
from trainband.results.metric_bands import inside
from trainband.results.metrics import MetricForm

ROOT = Path(__file__).parents[2]
REFERENCE = sorted((ROOT / "results" / "reference").glob("*/*.json"))
GOLDEN = ROOT / "tests" / "golden" / "band_v1.json"


def test_bounds_are_mean_plus_minus_howes_factor_times_sd(make_band: Callable[..., Band]) -> None:
    band = make_band()
    accuracy, log_loss = band.metrics
    values = [sample.metrics["accuracy"] for sample in band.evidence.samples]
    assert (accuracy.n, accuracy.coverage, accuracy.confidence) == (20, 0.95, 0.95)
    assert accuracy.factor == pytest.approx(2.7523, abs=1e-4)
    assert accuracy.sd == pytest.approx(stdev(values))
    assert accuracy.lower == pytest.approx(fmean(values) - 2.7523 * stdev(values), abs=1e-5)
    assert accuracy.upper == pytest.approx(fmean(values) + 2.7523 * stdev(values), abs=1e-5)
    assert log_loss.center == pytest.approx(0.25)
    assert log_loss.upper / log_loss.center == pytest.approx(math.exp(2.7523 * log_loss.sd), rel=1e-5)
    assert log_loss.center / log_loss.lower == pytest.approx(log_loss.upper / log_loss.center)
    assert band.status == "calibrated"


def test_a_proportions_sd_is_not_taken_below_binomial_noise_or_half_an_example(make_band: Callable[..., Band]) -> None:
    quiet = make_band(sd_accuracy=0.0001).metrics[0]
    assert quiet.sample_sd < 0.0002
    assert quiet.floors["sqrt(error rate / (2 n_test))"] == pytest.approx(math.sqrt(0.05 / 720), rel=1e-3)
    assert quiet.sd == max(quiet.floors.values())
    perfect = make_band(changes={i: {"accuracy": 1.0} for i in range(20)}).metrics[0]
    assert (perfect.sample_sd, perfect.sd) == (0.0, 0.5 / 360)


def test_a_bound_beyond_the_metrics_range_is_clipped_and_cannot_fail(make_band: Callable[..., Band]) -> None:
    accuracy = make_band(changes={i: {"accuracy": 0.99 + 0.0002 * i} for i in range(20)}).metrics[0]
    assert (accuracy.upper, accuracy.upper_cannot_fail, accuracy.lower_cannot_fail) == (1.0, True, False)
    assert inside(accuracy, 1.0)


def test_power_uses_the_upper_limit_of_the_sd(make_band: Callable[..., Band]) -> None:
    accuracy = make_band().metrics[0]
    assert accuracy.sd_upper == pytest.approx(1.277 * accuracy.sample_sd, rel=1e-3)
    assert accuracy.detectable_drop is not None
    # At n = 20 a drop of 2.18 calibrated sd is found in a week although runs scatter 1.28 times as much.
    assert accuracy.detectable_drop == pytest.approx(2.18 * accuracy.sd, rel=0.005)
    assert accuracy.detectable_drop < accuracy.margin.value == 0.03


def test_seeds_that_did_not_converge_leave_mean_and_sd_but_stay_counted(make_band: Callable[..., Band]) -> None:
    band = make_band(21, changes={0: {"accuracy": 0.11}, 1: {"log_loss": math.nan}})
    assert (band.n, band.nonconvergent, band.metrics[0].n) == (21, 2, 19)
    assert band.nonconvergent_upper == pytest.approx(0.271, abs=1e-3)
    assert band.metrics[0].mean > 0.94
    assert [sample.converged for sample in band.evidence.samples[:3]] == [False, False, True]
    assert verify_band(band) == ()


@pytest.mark.parametrize("n", [1, 2, 7, 19])
def test_fewer_than_twenty_seeds_are_evidence_without_a_verdict(make_band: Callable[..., Band], n: int) -> None:
    band = make_band(n)
    assert (band.status, band.rejected_because) == ("partial", None)
    assert len(band.metrics) == (0 if n < 2 else 2)
    assert verify_band(band) == ()


def test_a_band_that_an_untrained_model_passes_is_rejected(make_band: Callable[..., Band]) -> None:
    band = make_band(changes={4: {"untrained": {"accuracy": 0.949, "log_loss": 0.252}}})
    assert band.status == "rejected"
    assert "the untrained model of seed 1000004 would pass (accuracy 0.949, log_loss 0.252)" in str(
        band.rejected_because
    )
    assert make_band(changes={4: {"untrained": {"accuracy": 0.949, "log_loss": 2.4}}}).status == "calibrated"


@pytest.mark.parametrize("metric", ["accuracy", "log_loss"])
def test_a_band_that_cannot_find_the_margin_is_rejected(make_band: Callable[..., Band], metric: str) -> None:
    band = make_band(smallest_drop={"accuracy": 0.03, "log_loss": 0.3, metric: 0.001})
    assert band.status == "rejected"
    assert str(band.rejected_because).startswith(f"{metric}: the smallest loss found with 80% power within a week is")
    assert "more than the margin" in str(band.rejected_because)


@pytest.mark.parametrize(("drop", "status"), [(0.03, "calibrated"), (0.02, "rejected")])
def test_a_band_that_cannot_find_the_declared_drop_is_rejected(
    make_band: Callable[..., Band], drop: float, status: str
) -> None:
    # An sd of 1% finds 2.2%: far within the margin of 10% of the log-loss, and still more than a declared 2%.
    values = {i: {"log_loss": 0.25 * math.exp(0.01 * (-1) ** i)} for i in range(20)}
    band = make_band(changes=values, smallest_drop={"accuracy": 0.03, "log_loss": drop})
    assert band.status == status
    assert band.metrics[1].margin.value == pytest.approx(0.1)
    if status == "rejected":
        assert "more than the declared smallest_drop 0.02; train longer" in str(band.rejected_because)


def test_training_that_does_not_improve_is_rejected(make_band: Callable[..., Band]) -> None:
    band = make_band(untrained={"accuracy": 0.99, "log_loss": 0.01})
    assert "training does not improve on the untrained model" in str(band.rejected_because)


def test_mostly_failing_training_is_rejected(make_band: Callable[..., Band]) -> None:
    band = make_band(changes={i: {"log_loss": math.inf} for i in range(10)})
    assert "10 of 20 seeds did not converge" in str(band.rejected_because)
    assert make_band(changes={i: {"log_loss": math.inf} for i in range(9)}).rejected_because is None


def test_equal_values_without_a_floor_are_rejected(make_band: Callable[..., Band]) -> None:
    band = make_band(changes={i: {"log_loss": 0.25} for i in range(20)})
    assert "log_loss: all 20 values are 0.25; no sd, so no interval" in str(band.rejected_because)
    zero = make_band(changes={3: {"log_loss": 0.0}})
    assert "no place on a log scale" in str(zero.rejected_because)


def test_a_sample_without_the_metric_is_an_error(
    make_evidence: Callable[..., Evidence], metrics: tuple[MetricForm, ...]
) -> None:
    with pytest.raises(ValueError, match="run calibration-00: metric 'f1' is missing; it has accuracy, log_loss"):
        band_from_evidence(make_evidence(3), (replace(metrics[0], name="f1"),), {}, "now")


def test_evidence_of_another_recipe_or_other_data_is_void(make_band: Callable[..., Band]) -> None:
    band = make_band()
    assert void_reason(band, "f" * 64, "d" * 64) is None
    for recipe, data, name in (("0" * 64, "d" * 64, "recipe hash"), ("f" * 64, "0" * 64, "data digest")):
        reason = void_reason(band, recipe, data)
        assert reason is not None
        assert name in reason
        assert reason.endswith("run trainband calibrate mlp_digits:smoke@cpu --seeds=20")


def test_why_a_band_cannot_judge(make_band: Callable[..., Band]) -> None:
    def why(band: Band | None, cell: str = "mlp_digits:smoke@cpu") -> str | None:
        return unusable_reason(band, cell, "f" * 64, "d" * 64)

    assert why(make_band()) is None
    assert why(make_band(), "mlp_digits:smoke@cpu_jax") is None
    assert why(None) == "no band; run trainband calibrate mlp_digits:smoke@cpu --seeds=20"
    assert why(make_band(7)) == "n=7 of 20"
    assert why(make_band(), "other:smoke@cpu") == "the band is of mlp_digits:smoke"
    assert str(why(make_band(smallest_drop={"accuracy": 0.001, "log_loss": 0.3}))).startswith(
        "the calibration was rejected: accuracy"
    )


def test_expected_false_fails_of_a_sweep_sum_over_cells_metrics_and_sides(make_band: Callable[..., Band]) -> None:
    band = make_band()
    # Two metrics, each 4.9e-4 a night at n = 20.
    assert band.false_fails_a_night == pytest.approx(9.8e-4, rel=0.01)
    assert sweep_false_fails([band] * 200) == pytest.approx(0.196, rel=0.01)
    assert sweep_false_fails([make_band(7)]) == 0.0


def test_a_file_read_and_written_again_is_the_same_to_the_byte(tmp_path: Path, make_band: Callable[..., Band]) -> None:
    path = band_path(tmp_path, "mlp_digits", "smoke")
    write_band(path, make_band(21, changes={1: {"log_loss": math.nan}}))
    first = path.read_bytes()
    write_band(path, read_band(path))
    assert path.read_bytes() == first
    assert [item.name for item in path.parent.iterdir()] == ["smoke.json"]


def test_an_edited_bound_is_found(make_band: Callable[..., Band]) -> None:
    band = make_band()
    edited = replace(band, metrics=(replace(band.metrics[0], lower=0.5), band.metrics[1]))
    assert verify_band(band) == ()
    (difference,) = verify_band(edited)
    assert difference.startswith("band.metrics[0].lower: stored 0.5, the samples give 0.92")


def test_a_damaged_or_newer_file_is_refused_by_name(tmp_path: Path, make_band: Callable[..., Band]) -> None:
    path = tmp_path / "smoke.json"
    for text, message in (("{", "not JSON"), ("[]", "expected an object"), ('{"version": 2}', "reads version 1")):
        path.write_text(text)
        with pytest.raises(CodecError, match=f"smoke.json: .*{message}"):
            read_band(path)


def test_the_golden_band_file_stays_readable(make_band: Callable[..., Band]) -> None:
    band = read_band(GOLDEN)
    assert band_to_json(band) == GOLDEN.read_text()
    assert verify_band(band) == ()
    assert band.status == "calibrated"
    assert band_from_json(band_to_json(make_band())).forms == band.forms


@pytest.mark.parametrize("path", REFERENCE, ids=lambda path: "/".join(path.parts[-2:]))
def test_every_committed_band_follows_from_its_samples(path: Path) -> None:
    band = read_band(path)
    assert path == band_path(ROOT / "results" / "reference", band.model, band.tier)
    assert band_to_json(band) == path.read_text()
    assert verify_band(band) == ()


def test_importing_bands_and_verdicts_loads_neither_numpy_nor_scipy() -> None:
    code = (
        "import sys, trainband.results.verdicts, trainband.results.throughput, trainband.results.waivers\n"
        "sys.exit(', '.join(sorted({'numpy', 'scipy', 'statsmodels'} & set(sys.modules))) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
