"""The verbs one after the other on one small store, each in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CELLS = ["mlp_digits:smoke@cpu", "mlp_digits:smoke@gpu"]
LOADED = """
import json, sys
from trainband.__main__ import entry
status = entry(sys.argv[1:])
heavy = {"tensorflow", "keras", "jax", "torch", "tensorflow_datasets"} & set(sys.modules)
print("\\n" + json.dumps([status, sorted(heavy)]))
"""

needs_tensorflow = pytest.mark.backend("tensorflow")
slow = pytest.mark.slow


@needs_tensorflow
@slow
def test_the_verbs_agree_on_one_sweep(trainband: Any) -> None:
    swept = trainband.json("sweep", *CELLS, "--seed=3")
    assert [(j["cell"], j["verdict"]) for j in swept["judgements"]] == [(CELLS[0], "pass"), (CELLS[1], "skipped")]
    [run_id] = trainband.recorded()
    [judgement, skipped] = swept["judgements"]
    assert judgement["records"] == [run_id]
    assert "GPU" in skipped["reason"]
    assert Path(swept["page"]).read_text(encoding="utf-8").count(CELLS[0])
    assert swept["throughput"] == {CELLS[0]: "no_baseline"} or swept["throughput"] == {CELLS[0]: "contended"}
    assert 0 < swept["expected_false_fails"] < 0.05

    checked = trainband.json("check")
    assert checked["status"] == 0
    [again] = checked["checked"]
    assert again["judgement"]["verdict"] == "pass"
    assert again["judgement"]["metrics"] == judgement["metrics"]

    shown = trainband.json("show", run_id[:12])
    assert shown["record"]["run_id"] == run_id
    assert shown["record"]["seed"] == 3
    text = trainband("show", run_id).stdout
    assert "verdict      ✓ pass" in text
    assert "trainband run mlp_digits:smoke@cpu --seed=3" in text

    site = trainband.store / "pages"
    assert trainband("report", f"--out={site}").returncode == 0
    assert (site / "index.html").is_file()
    assert trainband("check", "--require=gpu").returncode == 3
    assert trainband("check", "mlp_digits*", f"--index=sqlite:///{trainband.store}/another.sqlite").returncode == 0


@needs_tensorflow
@slow
def test_a_run_reports_quality_band_speed_and_verdict(trainband: Any) -> None:
    found = trainband("run", CELLS[0], "--seed=1")
    assert found.returncode == 0, found.stderr
    for part in ("accuracy", "log_loss", "band [", "examples/s", "✓ pass", "trainband run mlp_digits:smoke@cpu"):
        assert part in found.stdout
    outside = trainband("run", CELLS[0], "--seed=1", "--fault=untrained")
    assert outside.returncode == 4
    assert "undecided" in outside.stdout
    assert "planted faults: untrained" in outside.stdout
    skipped = trainband("run", CELLS[1])
    assert skipped.returncode == 4
    assert "skipped" in skipped.stdout


@needs_tensorflow
@slow
def test_calibration_is_resumed_and_writes_its_evidence(trainband: Any, tmp_path: Path) -> None:
    bands = tmp_path / "bands"
    words = ("calibrate", CELLS[0], f"--bands={bands}")
    assert trainband(*words, "--seeds=2", "--jobs=2").returncode == 4
    [path] = bands.rglob("*.json")
    first = json.loads(path.read_text())
    found = trainband(*words, "--seeds=3")
    assert found.returncode == 4
    assert found.stdout.count("seed 100000") == 1  # one was missing
    second = json.loads(path.read_text())
    assert len(first["evidence"]["samples"]) == 2
    assert second["evidence"]["samples"][:2] == first["evidence"]["samples"]
    judged = trainband("run", CELLS[0], f"--bands={bands}")
    assert judged.returncode == 4
    assert "no_band" in judged.stdout


@pytest.mark.parametrize("kind", ["models", "profiles", "cells", "suites", "datasets"])
def test_what_there_is_is_listed_for_people_and_for_machines(trainband: Any, kind: str) -> None:
    rows = trainband.json("list", kind)
    text = trainband("list", kind).stdout
    assert rows
    assert all(str(next(iter(row.values()))) in text for row in rows)


@needs_tensorflow
@pytest.mark.backend("jax")
@pytest.mark.backend("torch")
@pytest.mark.nightly
def test_one_seed_on_three_backends_is_one_table(trainband: Any) -> None:
    for profile in ("cpu", "cpu_jax", "cpu_torch"):
        assert trainband("run", f"mlp_digits:smoke@{profile}", "--seed=5").returncode == 0
    accuracy, log_loss = trainband.json("list", "backends", f"--store={trainband.store}")
    assert (accuracy["metric"], log_loss["metric"]) == ("accuracy", "log_loss")
    for row in (accuracy, log_loss):
        assert (row["equal seeds"], row["in band"]) == ("1", "3 of 3")
        assert all(row[name].endswith("(1)") for name in ("TensorFlow", "JAX", "PyTorch"))
    assert float(log_loss["largest difference"].partition(" ")[0]) < 0.01


@needs_tensorflow
@slow
def test_two_runs_part_where_one_was_changed(trainband: Any) -> None:
    for fault in ([], [], ["--fault=shuffled_labels"]):
        trainband("run", "mlp_digits:smoke@cpu_deterministic", "--seed=5", *fault)
    healthy, again, changed = trainband.recorded()
    equal = trainband("diff", healthy, again)
    assert equal.returncode == 0
    assert "equal to the bit: 440 steps" in equal.stdout
    found = trainband("diff", healthy, changed)
    assert found.returncode == 1
    assert "parts at    data: other train_labels" in found.stdout
    parted = json.loads(trainband("diff", healthy, changed, "--json").stdout)
    assert [each["name"] for each in parted["inputs"]] == ["faults"]
    assert parted["trajectory"]["divergence"]["stages"] == ["data"]
    assert parted["trajectory"]["first"]["loss"] == 0
    alone = trainband("diff", healthy)
    assert (alone.returncode, alone.stderr.count("\n")) == (2, 1)
    (trainband.store / "runs" / again / "trace.npz").write_bytes(b"")
    broken = trainband("diff", healthy, again)
    assert broken.returncode == 2
    assert "not a readable trace" in broken.stderr


@needs_tensorflow
@slow
def test_the_doctor_asks_each_backend_in_a_child(trainband: Any) -> None:
    report = trainband.json("doctor")
    works = {row["backend"]: row["works"] for row in report["backends"]}
    assert works["tensorflow"]
    profiles = {row["profile"]: row for row in report["profiles"]}
    assert profiles["cpu"]["here"]
    assert all(row["here"] or row["why"] for row in profiles.values())
    assert report["host_class"]


@needs_tensorflow
@slow
@pytest.mark.parametrize(
    "words",
    [
        ["list", "cells"],
        ["doctor"],
        ["data", "list"],
        ["data", "verify", "digits"],
        ["run", "mlp_digits:smoke@cpu"],
        ["sweep", *CELLS],
        ["check"],
        ["report"],
    ],
    ids=lambda words: words[0] + " " + words[-1],
)
def test_the_parent_imports_no_framework(trainband: Any, words: list[str]) -> None:
    store = [f"--store={trainband.store}"] if words[0] in ("run", "sweep", "check", "report") else []
    if words[0] in ("check", "report"):
        assert trainband("run", "mlp_digits:smoke@cpu").returncode == 0
    found = subprocess.run(
        [sys.executable, "-P", "-c", LOADED, *words, *store],
        capture_output=True,
        text=True,
        check=False,
        env=trainband.environ,
    )
    assert found.returncode == 0, found.stderr
    status, heavy = json.loads(found.stdout.splitlines()[-1])
    assert (status, heavy) == (0, [])


def test_data_are_prepared_listed_and_verified(
    trainband: Any, tmp_path: Path, flip: Callable[[Path, int], None]
) -> None:
    trainband.environ["TRAINBAND_CACHE"] = str(tmp_path / "cache")
    assert {row["data set"]: row["state"] for row in trainband.json("data", "list")}["digits"] == "absent"
    [row] = trainband.json("data", "prepare", "digits")
    assert row["outcome"] == "prepared"
    assert trainband.json("data", "verify", "digits")[0]["problem"] == ""
    [array] = (tmp_path / "cache").rglob("train_inputs.npy")
    flip(array, -1)
    found = trainband("data", "verify", "digits")
    assert found.returncode == 3
    assert "train_inputs" in found.stdout


@needs_tensorflow
@slow
def test_a_large_model_is_timed_and_never_judged(trainband: Any) -> None:
    cell = "mobilenet_v2:throughput@cpu"
    found = trainband("run", cell, "--json")
    assert found.returncode == 4, found.stderr
    document = json.loads(found.stdout)
    assert document["judgement"]["verdict"] == "no_band"
    assert "throughput only" in document["judgement"]["reason"]
    measurement = document["record"]["measurement"]
    assert measurement["quality"]["metrics"] == {}
    assert measurement["throughput"]["examples_per_sec"] > 0
    assert measurement["trained_examples"] == 3 * 64
    assert measurement["data"]["name"] == "synthetic_images_224"
    assert trainband("report").returncode == 0

    refused = trainband("calibrate", cell)
    assert refused.returncode == 2
    assert "it has no quality to measure" in refused.stderr


def test_synthetic_data_are_not_prepared(trainband: Any) -> None:
    found = trainband("data", "prepare", "synthetic_images_224")
    assert found.returncode == 3
    assert "drawn anew in each run" in found.stderr


@needs_tensorflow
@slow
def test_a_run_takes_initial_weights_and_batches_of_another(trainband: Any) -> None:
    cell = "mlp_digits:smoke@cpu_deterministic"
    trainband("run", cell, "--seed=5")
    [donor] = trainband.recorded()
    trainband("run", cell, "--seed=9", f"--init-from={donor}")
    trainband("run", cell, "--seed=8", f"--init-from={donor}", f"--batches-from={donor}")
    _, weights, both = trainband.recorded()
    found = json.loads(trainband("diff", donor, both, "--json").stdout)
    assert found["trajectory"]["divergence"] is None
    assert {(each["group"], each["name"]) for each in found["inputs"]} == {
        ("seed", name) for name in ("seed", "initial_weights", "batches", "draws")
    }
    parted = json.loads(trainband("diff", donor, weights, "--json").stdout)["trajectory"]["divergence"]
    assert (parted["stages"], parted["first_step"]) == (["batch"], 0)
    again = trainband.json("show", both)["record"]["command"]
    assert again.endswith("--seed=8 --initial-weights-seed=5 --batches-seed=5 --draws-seed=5")
    for words, said in (
        (["cnn_digits:smoke@cpu", f"--init-from={donor}"], "a run of mlp_digits:smoke"),
        ([cell, f"--init-from={donor}", "--initial-weights-seed=1"], "both name the seed of the initial weights"),
        ([cell, "--batches-from=nothing"], "nothing"),
    ):
        refused = trainband("run", *words)
        assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
        assert said in refused.stderr


@needs_tensorflow
@pytest.mark.nightly
def test_variance_varies_one_factor_and_trains_nothing_twice(trainband: Any) -> None:
    words = ["variance", "mlp_digits:smoke@cpu_deterministic", "--seeds=2", "--factor=batches", "--factor=hardware"]
    spreads = trainband.json(*words)["spreads"]
    assert len(trainband.recorded()) == 3
    assert trainband.json(*words)["spreads"] == spreads
    assert len(trainband.recorded()) == 3
    batches, hardware = ([each for each in spreads if each["factor"] == name] for name in ("batches", "hardware"))
    assert [each["metric"] for each in batches] == ["accuracy", "log_loss"]
    assert all(each["n"] == 2 for each in spreads)
    assert {each["distinct"] for each in batches} == {2}
    assert {(each["distinct"], each["sd"]) for each in hardware} == {(1, 0.0)}
    assert all(0 < each["lower"] < each["sd"] < each["upper"] for each in batches if each["metric"] == "log_loss")
    assert "no shares of the total" in trainband(*words).stdout
    assert trainband("variance", "mlp_digits:smoke@cpu", "--factor=wind").returncode == 2
