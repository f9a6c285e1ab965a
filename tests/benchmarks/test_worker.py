"""The child as its parent meets it: a folder with a spec goes in, an answer or a death comes out."""

from __future__ import annotations

import math
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainband.benchmarks.children import Exit, ForkServer, run_directly
from trainband.benchmarks.data.cache import load
from trainband.benchmarks.faults.registry import FAULTS, audited, planted
from trainband.benchmarks.run_spec import (
    ANSWER_FILE,
    SPEC_FILE,
    TRACE_FILE,
    Answer,
    RunSpec,
    answer_from_json,
    planned_examples,
    to_json,
)
from trainband.models.catalog import find_model
from trainband.models.datasets import DIGITS
from trainband.platforms.profiles import find_profile
from trainband.results.records import Measurement

MODEL = find_model("cnn_digits")
LIMIT_SEC = 120.0
needs_tensorflow = pytest.mark.backend("tensorflow")
slow = pytest.mark.slow
Train = Callable[..., Any]


def spec_of(cache_root: str, *faults: str, **changes: Any) -> RunSpec:
    spec = RunSpec(
        run_id="the-run",
        model=MODEL,
        tier="smoke",
        profile=find_profile("cpu"),
        seed=11,
        dataset=DIGITS,
        cache_root=cache_root,
        planned_examples=planned_examples(MODEL.recipe("smoke"), DIGITS.n_train),
        submitted_at=time.time(),
        faults=faults,
    )
    return replace(spec, **changes)


@pytest.fixture(scope="module")
def server(child_environ: Callable[[str], dict[str, str]]) -> Iterator[ForkServer]:
    running = ForkServer(sys.executable, "tensorflow", child_environ("cpu"))
    yield running
    running.close()


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Callable[[RunSpec], Path]:
    def folder(spec: RunSpec) -> Path:
        made = tmp_path_factory.mktemp("run")
        (made / SPEC_FILE).write_text(to_json(spec))
        return made

    return folder


@pytest.fixture(scope="module")
def answers(server: ForkServer, folders: Callable[[RunSpec], Path], digits_root: str) -> Callable[..., Answer]:
    """The answer of a run with the faults named; each run is made once, and again for another `again`."""
    known: dict[tuple[tuple[str, ...], int], Answer] = {}

    def answer(*faults: str, again: int = 0) -> Answer:
        place = (faults, again)
        if place not in known:
            folder = folders(spec_of(digits_root, *faults))
            assert server.run(folder, LIMIT_SEC) == Exit(status=0), (folder / "log.txt").read_text()
            known[place] = answer_from_json((folder / ANSWER_FILE).read_text())
        return known[place]

    return answer


@pytest.fixture
def measured(answers: Callable[..., Answer]) -> Callable[..., Measurement]:
    def measurement(*faults: str, again: int = 0) -> Measurement:
        found = answers(*faults, again=again).measurement
        assert found is not None
        return found

    return measurement


def accuracy(measurement: Measurement) -> float:
    return measurement.quality.metrics["accuracy"].value


@needs_tensorflow
@slow
def test_an_honest_run_answers_with_everything_a_verdict_needs(
    measured: Train, answers: Train, digits_root: str
) -> None:
    found, data = measured(), load(DIGITS, Path(digits_root))
    assert found.trained_examples == found.planned_examples == 10 * 44 * 32
    assert found.steps == 440
    assert (found.device, found.weights.parameters) == ("cpu x1", 9_978)
    assert accuracy(found) > 0.97
    assert found.quality.metrics["log_loss"].value < 0.3
    assert found.quality.untrained["accuracy"] < 0.4
    assert found.quality.diverged_at_step is None
    assert found.quality.evaluation.digest == data.split_digests["test"]
    assert found.quality.evaluation.examples == DIGITS.n_test
    assert (found.data.digest, found.data.train_digest) == (data.digest, data.split_digests["train"])
    assert found.data.shared_rows == found.data.shared_rows_expected
    assert found.weights.initial_digest != found.weights.final_digest
    assert {"tensorflow", "keras", "numpy"} <= set(answers().versions)


@needs_tensorflow
@slow
def test_its_curve_has_a_point_an_epoch_from_the_untrained_model_to_the_final_one(measured: Train) -> None:
    quality = measured().quality
    assert [point.epoch for point in quality.curve] == list(range(11))
    assert [point.step for point in quality.curve] == [44 * epoch for epoch in range(11)]
    assert quality.curve[0].metrics == quality.untrained
    assert quality.curve[0].train_loss is None
    assert quality.curve[-1].metrics == {name: metric.value for name, metric in quality.metrics.items()}
    assert quality.curve[-1].train_loss < quality.curve[1].train_loss


@needs_tensorflow
@slow
def test_its_throughput_is_of_training_alone(measured: Train) -> None:
    speed = measured().throughput
    assert len(speed.windows) >= 3
    assert speed.examples_per_sec > 100
    assert 0 < speed.step_ms_p50 <= speed.step_ms_p95
    assert 0 <= speed.input_wait_share < 0.5
    assert speed.flops_per_example == 3 * 2 * (9 * 1 * 16 * 64 + 9 * 16 * 32 * 64 + 512 * 10)
    assert 0 < speed.share_of_peak < 1
    assert speed.peak_host_bytes > 10**8
    assert speed.peak_device_bytes is None
    assert min(speed.compile_sec, speed.startup_sec, speed.eval_sec, speed.train_wall_sec) > 0
    # 440 steps at the median pace, the 50 that are timed one by one and the first taken out.
    expected = 389 * 32 / speed.examples_per_sec
    assert 0.3 * expected < speed.train_wall_sec < 3 * expected


@needs_tensorflow
@slow
def test_a_process_of_its_own_trains_to_the_same_bit_as_a_forked_one(
    folders: Train, child_environ: Train, server: ForkServer, digits_root: str
) -> None:
    deterministic = spec_of(digits_root, profile=find_profile("cpu_deterministic"))
    here, there = folders(deterministic), folders(deterministic)
    assert server.run(here, LIMIT_SEC) == Exit(status=0)
    environ = child_environ("cpu_deterministic")
    assert run_directly(there, python=sys.executable, environ=environ, time_limit_sec=LIMIT_SEC) == Exit(status=0)
    first, second = (answer_from_json((folder / ANSWER_FILE).read_text()).measurement for folder in (here, there))
    assert first.weights == second.weights
    assert first.quality == second.quality
    assert first.batches_digest == second.batches_digest
    assert first.recipe_hash == second.recipe_hash
    losses = [np.load(folder / TRACE_FILE)["losses"] for folder in (here, there)]
    assert len(losses[0]) == 440
    np.testing.assert_array_equal(*losses)
    assert not list(here.glob("*.partial"))


@needs_tensorflow
@slow
@pytest.mark.parametrize("fault", ["untrained", "zero_learning_rate"])
def test_a_model_that_did_not_learn_is_measured_as_one(measured: Train, fault: str) -> None:
    found = measured(fault)
    assert accuracy(found) < 0.4
    assert found.quality.metrics["log_loss"].value > 1.5
    assert found.trained_examples == found.planned_examples


@needs_tensorflow
@slow
def test_a_learning_rate_that_explodes_is_seen_at_its_step(measured: Train) -> None:
    found = measured("exploding")
    assert found.quality.diverged_at_step is not None
    assert found.quality.diverged_at_step < 44
    assert math.isnan(accuracy(found))


@needs_tensorflow
@slow
def test_permuted_labels_teach_nothing(measured: Train) -> None:
    assert accuracy(measured("shuffled_labels")) < 0.4
    assert measured("shuffled_labels").batches_digest != measured().batches_digest


@needs_tensorflow
@slow
def test_running_statistics_left_out_cost_quality_and_change_no_training(measured: Train) -> None:
    found, honest = measured("no_eval_normalization"), measured()
    assert found.quality.metrics["log_loss"].value > 1.5 * honest.quality.metrics["log_loss"].value
    assert found.batches_digest == honest.batches_digest


@needs_tensorflow
@slow
def test_test_rows_in_the_training_split_are_counted(measured: Train) -> None:
    found = measured("test_rows_in_train")
    assert found.data.shared_rows == DIGITS.n_test > found.data.shared_rows_expected
    assert found.quality.evaluation.digest == measured().quality.evaluation.digest


@needs_tensorflow
@slow
def test_a_thread_that_counts_costs_processor_time_and_changes_no_training(measured: Train) -> None:
    honest = measured()
    # Beside a busy process the thread may be starved, a run long: one of three runs has to show what it costs.
    for again in range(3):
        found = measured("busy_thread", again=again)
        assert found.batches_digest == honest.batches_digest
        if found.throughput.examples_per_cpu_sec < 0.8 * honest.throughput.examples_per_cpu_sec:
            return
    pytest.fail("three runs beside the counting thread cost hardly more processor time than a run without it")


@needs_tensorflow
@slow
def test_an_evaluation_that_reads_the_training_split_has_its_digest(measured: Train) -> None:
    found = measured("evaluate_on_train")
    assert found.quality.evaluation.digest == found.data.train_digest != found.data.test_digest
    assert found.quality.evaluation.examples == DIGITS.n_train


@needs_tensorflow
@pytest.mark.parametrize(
    ("fault", "limit_sec", "expected"),
    [
        ("killed", LIMIT_SEC, Exit(signal=signal.SIGKILL)),
        ("garbage", LIMIT_SEC, Exit(status=0)),
        ("silent_exit", LIMIT_SEC, Exit(status=0)),
        ("hanging", 0.5, Exit(timed_out=True)),
    ],
)
def test_a_child_that_does_not_answer_says_how_it_ended(
    server: ForkServer, folders: Train, digits_root: str, fault: str, limit_sec: float, expected: Exit
) -> None:
    folder = folders(spec_of(digits_root, fault))
    assert server.run(folder, limit_sec) == expected
    assert not (folder / TRACE_FILE).exists()
    assert (folder / ANSWER_FILE).exists() is (fault == "garbage")
    if fault == "garbage":
        with pytest.raises(ValueError):
            answer_from_json((folder / ANSWER_FILE).read_text())


def test_every_fault_that_is_not_audited_is_tested_here() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    others = FAULTS.keys() - {fault.name for fault in audited()}
    assert [name for name in sorted(others) if f'"{name}"' not in source] == []


def test_an_unknown_fault_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="no fault 'gremlin'; there are untrained, zero_learning_rate"):
        planted(["gremlin"])


@needs_tensorflow
def test_data_that_are_not_there_are_a_failure_with_a_way_out(
    server: ForkServer, folders: Train, tmp_path: Path
) -> None:
    folder = folders(spec_of(str(tmp_path)))
    assert server.run(folder, LIMIT_SEC) == Exit(status=0)
    failure = answer_from_json((folder / ANSWER_FILE).read_text()).failure
    assert failure is not None
    assert failure.kind == "data"
    assert "run `trainband data prepare digits`" in failure.message


@needs_tensorflow
def test_a_profile_that_the_backend_cannot_serve_is_a_failure(
    server: ForkServer, folders: Train, digits_root: str
) -> None:
    odd = replace(MODEL, recipes=(replace(MODEL.recipes[0], batch_size=33),))
    folder = folders(spec_of(digits_root, model=odd, profile=find_profile("cpu_mirrored")))
    assert server.run(folder, LIMIT_SEC) == Exit(status=0)
    failure = answer_from_json((folder / ANSWER_FILE).read_text()).failure
    assert failure is not None
    assert (failure.kind, failure.message) == ("backend", "recipe.batch_size = 33: not a multiple of 2 replicas")


@needs_tensorflow
def test_a_spec_that_cannot_be_read_is_a_crash_with_its_reason_in_the_log(server: ForkServer, tmp_path: Path) -> None:
    (tmp_path / SPEC_FILE).write_text('{"version": 1}')
    assert server.run(tmp_path, LIMIT_SEC) == Exit(status=1)
    assert "RunSpec: key 'run_id' is missing" in (tmp_path / "log.txt").read_text()
