"""Receipts of two runs that differ in one respect: the answer, and the reasons that it gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainband.benchmarks.diff.refine import Side
from trainband.benchmarks.replay.receipt import Receipt, make_receipt, receipt_from_json, receipt_to_json
from trainband.benchmarks.replay.replay import cores_here
from trainband.benchmarks.trace.files import Header, Trace
from trainband.benchmarks.trace.tensors import TensorKey
from trainband.results.band_files import read_band
from trainband.results.bands import Band
from trainband.results.codec import CodecError
from trainband.results.records import Measurement, Record, record_from_json

TESTS = Path(__file__).resolve().parents[1]
GOLDEN = TESTS / "golden"
STEPS = 3


def trace() -> Trace:
    key = TensorKey(kind="parameter", layer="logits", role="bias", position=0, shape=(2,), dtype="float32", slot="")
    header = Header(
        run_id="run",
        backend="tensorflow",
        steps_per_epoch=STEPS,
        data={"train_inputs": "a"},
        hyper_parameters={"momentum": 0.9},
        evaluated="rows",
        examples=2,
        tensors=(key,),
        generators={},
        state_cpu_sec=0.0,
    )
    return Trace(
        header=header,
        losses=np.ones(STEPS, np.float32),
        gradient_norms=np.ones(STEPS, np.float32),
        learning_rates=np.ones(STEPS, np.float32),
        logits=np.ones((STEPS, 2), np.uint32),
        batches=np.ones(STEPS, np.uint32),
        draws=np.ones(STEPS, np.uint32),
        state_steps=np.arange(-1, STEPS, dtype=np.int32),
        state_digests=np.zeros((STEPS + 1, 1, 16), np.uint8),
        state_norms=np.ones((STEPS + 1, 1)),
        top_classes=np.zeros(2, np.uint16),
        example_losses=np.ones(2, np.float16),
    )


def changed(name: str, step: int = 1) -> Trace:
    """A trace of which one array differs from `step` on."""
    array = getattr(trace(), name).copy()
    array[step:] = array[step:] + 1
    return replace(trace(), **{name: array})


def band() -> Band:
    return read_band(TESTS.parent / "results" / "reference" / "mlp_digits" / "smoke.json")


def record(
    run_id: str,
    *,
    metrics: Mapping[str, float] | None = None,
    weights: str = "f",
    deterministic: bool = True,
    **fields: Any,
) -> Record:
    """A run of the cell that `band` is of."""
    golden = record_from_json((GOLDEN / "record_v1.json").read_text(encoding="utf-8"))
    evidence, measurement = band().evidence, golden.measurement
    assert isinstance(measurement, Measurement)
    values = {
        name: replace(each, value=(metrics or {}).get(name, each.value))
        for name, each in measurement.quality.metrics.items()
    }
    measurement = replace(
        measurement,
        quality=replace(measurement.quality, metrics=values),
        weights=replace(measurement.weights, final_digest=weights * 64),
        data=replace(measurement.data, digest=evidence.data_digest),
        recipe_hash=evidence.recipe_hash,
    )
    golden = replace(
        golden, run_id=run_id, measurement=measurement, profile_spec={"deterministic": deterministic}, fingerprint={}
    )
    return replace(golden, **fields)


def receipt_of(a: Record, b: Record, *, again: Trace | None = None, judged: bool = True) -> Receipt:
    sides = [
        Side(folder=Path(each.run_id), record=each, trace=seen) for each, seen in ((a, trace()), (b, again or trace()))
    ]
    return make_receipt(sides[0], sides[1], band() if judged else None, "rebuilt")


def test_runs_that_are_equal_to_the_bit() -> None:
    found = receipt_of(record("A"), record("B"), judged=False)
    assert (found.run, found.replay, found.answer, found.reasons, found.inputs) == ("A", "B", "bit-exact", (), ())
    elsewhere = receipt_of(record("A"), record("B", host_class="another"))
    assert (elsewhere.answer, elsewhere.reasons) == ("bit-exact", ())
    assert [each.name for each in elsewhere.inputs] == ["host_class"]


def test_metrics_that_not_a_number_can_be_equal_to_the_bit() -> None:
    lost = {"log_loss": float("nan")}
    assert receipt_of(record("A", metrics=lost), record("B", metrics=lost)).answer == "bit-exact"


def test_runs_that_end_as_much_alike_as_fresh_seeds() -> None:
    other = record("B", metrics={"accuracy": 0.972}, weights="e", fingerprint={"distributions": {"numpy": "2.0.0"}})
    mine = record("A", fingerprint={"distributions": {"numpy": "1.26.4", "trainband": "0.1.0"}}, deterministic=False)
    found = receipt_of(mine, other, again=changed("logits"))
    assert found.answer == "within noise"
    assert found.trajectory is not None
    assert found.trajectory.divergence is not None
    assert (found.trajectory.divergence.stages, found.trajectory.divergence.last_step) == (("forward",), 1)
    assert [metric.within for metric in found.metrics] == [True, True]
    assert found.reasons == (
        "profile cpu does not ask for determinism: two runs of one seed may differ",
        "profile: deterministic False | True",
        "packages: numpy 1.26.4 | 2.0.0",
    )


def test_runs_that_end_further_apart_than_fresh_seeds() -> None:
    found = receipt_of(record("A"), record("B", metrics={"accuracy": 0.9}, weights="e"), again=changed("losses"))
    assert found.answer == "different"
    assert [metric.within for metric in found.metrics] == [False, True]
    assert found.reasons == (
        "nothing that was recorded explains it: the inputs are equal and the profile is deterministic",
    )


@pytest.mark.parametrize("given", ["batches", "draws", "learning_rates"])
def test_runs_that_were_given_other_things_are_different_however_they_end(given: str) -> None:
    found = receipt_of(record("A"), record("B", weights="e"), again=changed(given))
    assert [metric.within for metric in found.metrics] == [True, True]
    assert found.answer == "different"


def test_noise_is_not_claimed_without_a_band() -> None:
    b = record("B", weights="e")
    found = receipt_of(record("A"), b, again=changed("losses"), judged=False)
    assert (found.answer, found.metrics) == ("different", ())
    assert found.reasons[-1].startswith("within noise cannot be claimed: no band; run trainband calibrate mlp_digits")
    assert b.measurement is not None
    void = replace(b, measurement=replace(b.measurement, recipe_hash="0" * 64))
    assert "within noise cannot be claimed: the band is void" in receipt_of(record("A"), void).reasons[-1]


def test_a_file_that_was_changed_since_is_suspected() -> None:
    traced = receipt_of(record("A"), record("B"), again=changed("losses"))
    assert "the traces are not: one of them may have been changed since" in traced.reasons[-1]
    assert traced.answer == "different"
    recorded = receipt_of(record("A"), record("B", weights="e"))
    assert recorded.answer == "different"
    assert "a record may have been changed since" in recorded.reasons[-1]


def test_models_that_cannot_be_compared_are_different() -> None:
    other = replace(trace().header.tensors[0], shape=(3,))
    again = replace(trace(), header=replace(trace().header, tensors=(other,)))
    found = receipt_of(record("A"), record("B"), again=again)
    assert (found.answer, found.trajectory) == ("different", None)
    assert found.reasons[0].startswith("the two models differ: parameter logits/bias")


def test_many_differences_are_counted_and_what_computes_is_named_first() -> None:
    packages = {**{f"p{index}": "1" for index in range(4)}, "tensorflow": "2"}
    found = receipt_of(
        record("A"), record("B", fingerprint={"distributions": packages}, weights="e"), again=changed("losses")
    )
    assert found.reasons[0] == "packages: tensorflow none | 2, p0 none | 1, p1 none | 1 and 2 more"


def test_the_golden_receipt_stays_readable() -> None:
    text = (GOLDEN / "receipt_v1.json").read_text(encoding="utf-8")
    found = receipt_from_json(text)
    assert (found.run, found.replay, found.answer, found.environment) == ("A", "B", "within noise", "rebuilt")
    assert found.reasons[1] == "host: host_class host | another"
    assert found.trajectory is not None
    assert found.trajectory.consequences == ()
    assert [metric.within for metric in found.metrics] == [True, True]
    assert receipt_to_json(found) == text
    with pytest.raises(CodecError, match=r"receipt\.version = 2: this release reads version 1"):
        receipt_from_json(text.replace('"version": 1', '"version": 2'))
    with pytest.raises(CodecError, match="not JSON"):
        receipt_from_json("{")


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [(None, None), ((0,), (0,)), ((2, 3), (2, 3)), ((9,), (3,)), ((8, 9), (2, 3)), ((0, 1, 2, 3, 4), (0, 1, 2, 3))],
)
def test_cores_are_the_recorded_ones_or_as_many(
    monkeypatch: pytest.MonkeyPatch, recorded: tuple[int, ...] | None, expected: tuple[int, ...] | None
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)
    assert cores_here(recorded) == expected
