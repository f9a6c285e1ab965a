"""Traces: what a step says of itself is what it did, on every backend; and a file that cannot be read says why."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainband.benchmarks.backends.logits_digest import logits_digests, row_stride
from trainband.benchmarks.trace.files import (
    STATE_ARRAYS,
    STEP_ARRAYS,
    Header,
    Trace,
    TraceError,
    read_trace,
    write_trace,
)
from trainband.benchmarks.trace.outcome import example_losses, top_classes
from trainband.benchmarks.trace.recorder import StateRecorder
from trainband.benchmarks.trace.tensors import TensorKey, digests_of
from trainband.platforms.profiles import find_profile

GOLDEN_TRACE = Path(__file__).parents[1] / "golden" / "trace_v1.npz"
BACKENDS = {"tensorflow": "cpu", "jax": "cpu_jax", "torch": "cpu_torch"}
GOLDEN = Path(__file__).parents[1] / "golden" / "logits_digest.json"
SGD = {"name": "sgd", "momentum": 0.9, "nesterov": False}
ADAMW = {"name": "adamw", "weight_decay": 0.1}

ARRAYS = (*STEP_ARRAYS, *STATE_ARRAYS, "top_classes", "example_losses")

each_backend = pytest.mark.parametrize(
    "backend", [pytest.param(name, marks=pytest.mark.backend(name)) for name in BACKENDS]
)


def golden_logits() -> np.ndarray:
    """[steps 3, rows 4, classes 5], with both zeros, the infinities and a NaN among them."""
    values = np.linspace(-20.0, 20.0, 60, dtype=np.float32).reshape(3, 4, 5)
    values[1, 0] = [0.0, -0.0, np.inf, -np.inf, np.nan]
    return values


def test_the_digest_of_logits_never_changes_between_versions() -> None:
    expected = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert logits_digests(list(golden_logits())).tolist() == expected["digests"]


def test_a_trace_of_version_1_stays_readable(tmp_path: Path) -> None:
    """The first four steps of a run of mlp_digits, with its evaluation."""
    trace = read_trace(GOLDEN_TRACE)
    assert (trace.steps, trace.state_steps.tolist()) == (4, [-1, 0, 1, 2])
    assert trace.losses.dtype == np.float32
    assert trace.losses[0] == pytest.approx(2.3, abs=0.5)
    assert (trace.header.backend, trace.header.examples, len(trace.top_classes)) == ("tensorflow", 360, 360)
    kinds = {key.kind for key in trace.header.tensors}
    assert kinds == {"parameter", "gradient", "slot"}
    assert trace.state_digests.shape == (4, len(trace.header.tensors), 16)
    path = tmp_path / "trace.npz"
    with open(path, "wb") as file:
        write_trace(file, trace)
    again = read_trace(path)
    assert again.header == trace.header
    assert all(np.array_equal(getattr(again, name), getattr(trace, name), equal_nan=True) for name in ARRAYS)


def test_the_digest_sees_every_logit_and_their_order() -> None:
    logits = golden_logits()[0]
    changed = [logits]
    for place in np.ndindex(logits.shape):
        other = logits.copy()
        other[place] = np.nextafter(other[place], np.float32(np.inf))
        changed.append(other)
    changed += [logits[::-1], logits[:, ::-1], np.roll(logits, 1)]
    found = {tuple(words) for words in logits_digests(changed).tolist()}
    assert len(found) == len(changed)
    assert len({first for first, _ in found}) == len({second for _, second in found}) == len(changed)


@pytest.mark.parametrize(
    ("shape", "stride"),
    [((128, 10), 1), ((64, 28, 28, 1), 1), ((64, 100, 65), 6), ((2, 1024, 50257), 128), ((4, 7), 1)],
)
def test_of_many_rows_some_are_digested(shape: tuple[int, ...], stride: int) -> None:
    assert row_stride(shape) == stride
    rows = len(range(0, int(np.prod(shape[:-1])), stride))
    assert rows * shape[-1] <= 1.2 * (1 << 16) or rows == 16


def test_many_logits_have_the_digest_of_each_alone() -> None:
    many = [np.random.default_rng(step).standard_normal((1 << 11, 1 << 10), np.float32) for step in range(3)]
    assert logits_digests(many).tolist() == [logits_digests([each])[0].tolist() for each in many]


@each_backend
def test_a_device_takes_the_same_digest(frameworks: Any, backend: str) -> None:
    sizes = [[1], [3, 5], [128, 10], [7, 33, 65], [1 << 20]]
    for on_device, on_host in frameworks(backend).result(
        "observed.py", "device_digest", backend=backend, seed=1, sizes=sizes
    ):
        assert on_device == on_host


@each_backend
@pytest.mark.parametrize("optimizer", [SGD, ADAMW], ids=["sgd", "adamw"])
def test_a_step_says_what_it_did(frameworks: Any, backend: str, optimizer: dict[str, Any]) -> None:
    seen = frameworks(backend).result(
        "observed.py", "observed_steps", profile=find_profile(BACKENDS[backend]), optimizer=optimizer
    )
    assert seen["logits"] == seen["logits_seen"]
    assert max(seen["logits_error"]) < 1e-5  # against an evaluation before the step, whose kernels may round otherwise
    assert seen["learning_rates"] == [0.25, 0.125]
    for norm, gradients in zip(seen["gradient_norms"], seen["gradients"], strict=True):
        squares = sum(float(np.sum(np.square(np.array(each)))) for each in gradients)
        assert norm == pytest.approx(np.sqrt(squares), rel=1e-5)
    kinds = [key[0] for key in seen["keys"]]
    slots = 1 if optimizer is SGD else 2
    assert kinds == ["gradient"] * 4 + ["parameter"] * 4 + ["slot"] * (4 * slots)
    names = ["hidden/kernel", "hidden/bias", "logits/kernel", "logits/bias"]
    assert [key[1] for key in seen["keys"]][:8] == names * 2
    assert {key[1].partition(" ")[2] for key in seen["keys"][8:]} == ({"momentum"} if optimizer is SGD else {"m", "v"})


@each_backend
def test_digests_are_of_the_gradients_variables_and_slots_themselves(frameworks: Any, backend: str) -> None:
    seen = frameworks(backend).result(
        "observed.py", "observed_steps", profile=find_profile(BACKENDS[backend]), optimizer=SGD
    )
    initial, *after = zip(seen["digests"], seen["norms"], strict=True)
    assert np.isnan(initial[1][:4]).all()
    assert set(initial[0][:4]) == {"00" * 16}
    assert initial[0][4:8] == _hex(seen["weights"][0])
    for (digests, norms), gradients, weights in zip(after, seen["gradients"], seen["weights"][1:], strict=True):
        assert digests[:8] == _hex([*gradients, *weights])
        tensors = [np.array(each) for each in (*gradients, *weights)]
        np.testing.assert_allclose(norms[:8], [np.linalg.norm(each) for each in tensors], rtol=1e-5)
    # Momentum of Keras's rule: v = 0.9 v - rate x gradient, which is what was added to the weights.
    for position, (new, old) in enumerate(zip(seen["weights"][2], seen["weights"][1], strict=True)):
        moved = np.array(new) - np.array(old)
        np.testing.assert_allclose(np.array(seen["slots"][f"{position} momentum"]), moved, atol=1e-6)
    assert seen["hyper_parameters"]["momentum"] == 0.9


def _hex(tensors: list[Any]) -> list[str]:
    digests, _ = digests_of(np.array(each, np.float32) for each in tensors)
    return [bytes(digest).hex() for digest in digests]


@pytest.mark.parametrize(
    ("window", "expected"), [(None, [0, 1, 2, 4, 8, 9, 16, 19]), (range(6, 9), [6, 7, 8])], ids=["sparse", "window"]
)
def test_the_state_is_looked_at_ever_more_rarely(window: range | None, expected: list[int]) -> None:
    recorder: Any = object.__new__(StateRecorder)
    recorder._steps_per_epoch, recorder._window = 10, window
    assert [step for step in range(20) if recorder.due(step)] == expected


def test_losses_of_examples_average_to_the_metric() -> None:
    rng = np.random.default_rng(1)
    logits, labels = rng.standard_normal((50, 7)).astype(np.float32), rng.integers(0, 7, 50).astype(np.int32)
    from trainband.benchmarks.metric_values import metric_value

    losses = example_losses(logits, labels, "softmax_cross_entropy")
    assert losses.dtype == np.float16
    assert losses.astype(float).mean() == pytest.approx(metric_value("log_loss", logits, labels), rel=1e-3)
    assert np.mean(top_classes(logits, "softmax_cross_entropy") == labels) == metric_value("accuracy", logits, labels)
    several = (rng.random((50, 7)) < 0.5).astype(np.int32)
    losses = example_losses(logits, several, "sigmoid_cross_entropy")
    assert losses.astype(float).mean() == pytest.approx(metric_value("binary_log_loss", logits, several), rel=1e-3)
    assert top_classes(logits, "sigmoid_cross_entropy").size == 0
    images = rng.integers(0, 256, (50, 7)).astype(np.uint8)
    losses = example_losses(logits, images, "reconstruction_error")
    assert losses.astype(float).mean() == pytest.approx(metric_value("mean_squared_error", logits, images), rel=1e-3)


def small_trace() -> Trace:
    keys = tuple(
        TensorKey(kind=kind, layer="logits", role="bias", position=1, shape=(3,), dtype="float32", remark="dense/bias")
        for kind in ("gradient", "parameter")
    )
    return Trace(
        header=Header(
            run_id="20260101T000000-x",
            backend="tensorflow",
            steps_per_epoch=2,
            data={"train_inputs": "a" * 64},
            hyper_parameters={"momentum": 0.9},
            evaluated="e" * 64,
            examples=3,
            tensors=keys,
            generators={},
            state_cpu_sec=0.5,
        ),
        losses=np.float32([2.0, 1.5]),
        gradient_norms=np.float32([1.0, np.nan]),
        learning_rates=np.float32([0.1, 0.1]),
        logits=np.arange(4, dtype=np.uint32).reshape(2, 2),
        batches=np.uint32([1, 2]),
        draws=np.uint32([3, 4]),
        state_steps=np.int32([-1, 0]),
        state_digests=np.arange(64, dtype=np.uint8).reshape(2, 2, 16),
        state_norms=np.array([[np.nan, 1.0], [2.0, 3.0]]),
        top_classes=np.uint16([0, 1, 2]),
        example_losses=np.float16([0.5, 0.25, np.inf]),
    )


def stored(folder: Path, trace: Trace) -> Path:
    with open(folder / "trace.npz", "wb") as file:
        write_trace(file, trace)
    return folder / "trace.npz"


def test_a_trace_comes_back_as_it_was_written(tmp_path: Path) -> None:
    trace = small_trace()
    again = read_trace(stored(tmp_path, trace))
    assert again.header == trace.header
    for name in Trace.__annotations__:
        if name != "header":
            found, expected = getattr(again, name), getattr(trace, name)
            assert found.dtype == expected.dtype
            np.testing.assert_array_equal(found, expected)


def test_a_trace_holds_what_its_table_names_whatever_numpy_takes_for_an_array(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved: dict[str, Any] = {}
    monkeypatch.setattr(np, "savez_compressed", lambda file, **arrays: saved.update(arrays))
    stored(tmp_path, small_trace())
    assert set(saved) == set(Trace.__annotations__)


def test_a_trace_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="there is no trace"):
        read_trace(tmp_path / "trace.npz")
    path = stored(tmp_path, small_trace())
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TraceError, match="not a readable trace"):
        read_trace(path)
    path.write_bytes(b"")
    with pytest.raises(TraceError, match="not a readable trace"):
        read_trace(path)
    newer = replace(small_trace(), header=replace(small_trace().header, version=2))
    with pytest.raises(TraceError, match="trace version 2; this trainband reads version 1"):
        read_trace(stored(tmp_path, newer))
    short = replace(small_trace(), batches=np.uint32([1]))
    with pytest.raises(TraceError, match=r"batches has shape \(1,\), expected \(2,\)"):
        read_trace(stored(tmp_path, short))
