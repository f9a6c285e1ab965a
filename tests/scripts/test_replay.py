"""Runs under other environments, and runs trained again, as commands."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

CELL = "mlp_digits:smoke@cpu_deterministic"
needs_tensorflow = pytest.mark.backend("tensorflow")


def trained(trainband: Any, *words: str) -> str:
    """Train once; the id of the run."""
    known = set(trainband.recorded())
    found = trainband(*words)
    assert found.returncode == 0, found.stderr
    [made] = set(trainband.recorded()) - known
    return made


def receipt_of(trainband: Any, run_id: str) -> Any:
    return json.loads((trainband.store / "runs" / run_id / "receipt.json").read_text(encoding="utf-8"))


@needs_tensorflow
@pytest.mark.slow
def test_a_run_is_trained_again_to_the_bit_and_a_changed_trace_is_noticed(trainband: Any) -> None:
    first = trained(trainband, "run", CELL, "--seed=5", "--initial-weights-seed=6")
    found = trainband("replay", first)
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout.splitlines()[-1] == "receipt       ✓ bit-exact"
    [again] = set(trainband.recorded()) - {first}
    receipt = receipt_of(trainband, again)
    assert (receipt["run"], receipt["replay"], receipt["answer"]) == (first, again, "bit-exact")
    assert (receipt["environment"], receipt["reasons"]) == ("recorded", [])
    assert {each["group"] for each in receipt["inputs"]} <= {"code"}  # where the checkout is edited meanwhile
    record = trainband.json("show", again)["record"]
    assert (record["command"], record["seed"], record["seed_role"]) == (f"trainband replay {first}", 5, "pinned")
    assert record["factor_seeds"]["initial_weights"] == 6

    path = trainband.store / "runs" / first / "trace.npz"
    with np.load(path) as stored:
        arrays = dict(stored)
    arrays["losses"][7] += 1e-6
    np.savez_compressed(path, **arrays)
    changed = trainband("replay", first, "--json")
    assert changed.returncode == 1
    receipt = json.loads(changed.stdout)["receipt"]
    assert receipt["answer"] == "different"
    assert receipt["trajectory"]["first"] == {"loss": 7}
    assert "one of them may have been changed since" in receipt["reasons"][-1]

    path.write_bytes(b"")
    for words, said in (
        ([first], "not a readable trace"),
        (["nothing"], "begins with 'nothing'"),
        ([first, again], "give one run id"),
    ):
        refused = trainband("replay", *words)
        assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
        assert said in refused.stderr


def test_words_that_name_no_environment_are_refused(trainband: Any, tmp_path: Path) -> None:
    settings = tmp_path / "uv.toml"
    settings.write_text("no-index = true\n")
    trainband.environ |= {"UV_CONFIG_FILE": str(settings), "PIP_CONFIG_FILE": "/dev/null", "PIP_FIND_LINKS": ""}
    for words, status, said in (
        (["--environment=tensorflow=2.16"], 2, "'tensorflow=2.16' is no requirement"),
        (["--environment=/nowhere/python"], 2, "there is no file /nowhere/python"),
        (["--as-of=2024-06-28"], 2, "--as-of limits what --environment solves"),
        (["--environment=tensorflow", "--as-of=June"], 2, "--as-of=June: no day of the form 2024-06-28"),
        (["--environment=tensorflow==2.16.2"], 3, "cannot solve tensorflow==2.16.2: "),
        (["--environment=/bin/false"], 3, "interpreter '/bin/false' exited with 1"),
    ):
        refused = trainband("run", CELL, *words)
        assert (refused.returncode, refused.stderr.count("\n")) == (status, 1), refused.stderr
        assert said in refused.stderr
    assert trainband.recorded() == []


@pytest.mark.nightly
def test_runs_of_two_tensorflows_are_built_again_trained_again_and_told_apart(trainband: Any, tmp_path: Path) -> None:
    trainband.environ["TRAINBAND_CACHE"] = str(tmp_path / "cache")
    old, new = (
        trained(trainband, "run", CELL, "--seed=3", f"--environment=tensorflow=={version}")
        for version in ("2.16.2", "2.19.1")
    )
    for run_id, versions in ((old, ("2.16.2", "3.4.1")), (new, ("2.19.1", "3.11.2"))):
        record = trainband.json("show", run_id)["record"]
        installed = record["fingerprint"]["distributions"]
        assert (installed["tensorflow"], installed["keras"]) == versions
        assert "trainband" not in installed
        assert record["fingerprint"]["framework"]["version"] == versions[0]
        assert f"--environment=tensorflow=={versions[0]} --as-of=" in record["command"]

    parted = json.loads(trainband("diff", old, new, "--json").stdout)
    assert "tensorflow" in {each["name"] for each in parted["inputs"] if each["group"] == "packages"}
    assert parted["trajectory"]["divergence"]["stages"] == ["gradient"]
    assert parted["trajectory"]["divergence"]["last_step"] == 0

    shutil.rmtree(tmp_path / "cache" / "environments")
    found = trainband("replay", new)
    assert found.returncode == 0, found.stderr
    assert found.stdout.splitlines()[-1] == "receipt       ✓ bit-exact"
    assert "building the environment of run" in found.stderr
    [again] = set(trainband.recorded()) - {old, new}
    assert receipt_of(trainband, again)["environment"] == "rebuilt"
    shutil.rmtree(tmp_path / "cache" / "environments")
    (trainband.store / "runs" / new / "lock.txt").unlink()
    from_versions = trainband("replay", new)
    assert (from_versions.returncode, from_versions.stdout.splitlines()[-1]) == (0, "receipt       ✓ bit-exact")
