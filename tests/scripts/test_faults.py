"""What goes wrong in earnest: each case ends as documented, and loses no finished run."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CELL = "mlp_digits:smoke@cpu"
Flip = Callable[[Path, int], None]
SWEEP = [CELL, "mlp_digits:smoke@cpu_1thread", "cnn_digits:smoke@cpu"]

pytestmark = [pytest.mark.slow, pytest.mark.backend("tensorflow")]


def test_a_child_killed_by_hand_is_an_error_with_a_record(trainband: Any) -> None:
    process = trainband.start("run", CELL, "--fault=hanging")
    [child] = trainband.until(lambda: trainband.training(process), "no child trains")
    os.kill(child.pid, signal.SIGKILL)
    found = trainband.finished(process)
    assert found.returncode == 3
    assert "the child was killed by SIGKILL" in found.stdout
    assert len(trainband.recorded()) == 1
    assert trainband.unfinished() == []


def test_a_killed_sweep_is_resumed_and_trains_nothing_twice(trainband: Any) -> None:
    process = trainband.start("sweep", *SWEEP)
    trainband.until(lambda: len(trainband.recorded()) >= 1 and trainband.training(process), "no second run begins")
    children = trainband.descendants(process)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    trainband.until(lambda: trainband.gone(children), "children outlive their parent")
    before = trainband.recorded()
    assert 1 <= len(trainband.triggers()) < len(SWEEP)

    resumed = trainband.json("sweep", *SWEEP, "--resume")
    assert [j["cell"] for j in resumed["judgements"]] == sorted(SWEEP, key=[CELL, SWEEP[1], SWEEP[2]].index)
    assert {j["verdict"] for j in resumed["judgements"]} == {"pass"}
    after = trainband.recorded()
    assert set(before) < set(after)
    assert len(trainband.triggers()) == len(SWEEP)
    assert trainband.unfinished() == []
    assert len(trainband.json("check")["checked"]) == len(SWEEP)


def test_a_killed_run_is_resumed_and_not_under_other_settings(trainband: Any) -> None:
    cell = "cnn_digits:smoke@cpu_deterministic"
    words = ["run", cell, "--resume", "--checkpoint-every=0"]

    process = trainband.start(*words, "--seed=3")
    [path] = trainband.until(
        lambda: list((trainband.store / "checkpoints").glob("*/checkpoint.npz")), "no checkpoint is kept"
    )
    children = trainband.descendants(process)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    trainband.until(lambda: trainband.gone(children), "children outlive their parent")
    assert trainband.recorded() == []

    trainband.environ["OMP_NUM_THREADS"] = "1"
    refused = trainband(*words)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert f"variable OMP_NUM_THREADS was none and is 1; bring that back, or remove {path.parent}" in refused.stderr
    del trainband.environ["OMP_NUM_THREADS"]

    resumed = trainband(*words[:3])
    assert resumed.returncode == 0, resumed.stderr
    [run_id] = trainband.recorded()
    record = trainband.json("show", run_id)["record"]
    assert record["seed"] == 3
    [step] = record["measurement"]["resumed_at_steps"]
    assert 0 < step < record["measurement"]["steps"] == 440
    assert record["measurement"]["trained_examples"] == record["measurement"]["planned_examples"]
    assert f"going on from step {step}\n" in resumed.stderr
    assert f"resumed at step {step}\n" in resumed.stdout
    assert (list((trainband.store / "checkpoints").iterdir()), trainband.unfinished()) == ([], [])
    assert trainband("run", cell, "--checkpoint-every=5").returncode == 2


def test_ctrl_c_leaves_no_process_and_no_half_run(trainband: Any) -> None:
    process = trainband.start("sweep", CELL, "--fault=hanging")
    trainband.until(lambda: trainband.training(process), "no child trains")
    children = trainband.descendants(process)
    os.kill(process.pid, signal.SIGINT)
    found = trainband.finished(process)
    assert found.returncode == 130
    assert "interrupted; what was recorded is kept" in found.stderr
    assert trainband.gone(children)
    assert (trainband.recorded(), trainband.unfinished()) == ([], [])
    [sweep] = (json.loads(path.read_text()) for path in (trainband.store / "sweeps").glob("*.json"))
    assert sweep["status"] == "interrupted"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--fault=hanging", "--time-limit=3"], "the run was stopped at its time limit of 3 s"),
        (["--fault=garbage"], "the child's answer cannot be read"),
        (["--fault=silent_exit"], "the child left no answer"),
    ],
    ids=["time limit", "garbage", "no answer"],
)
def test_a_run_that_ends_badly_is_recorded_with_its_reason(trainband: Any, words: list[str], said: str) -> None:
    found = trainband("run", CELL, *words)
    assert found.returncode == 3
    assert said in found.stdout
    [run_id] = trainband.recorded()
    assert said in trainband("show", run_id).stdout
    assert trainband("check").returncode == 3


def test_a_full_disk_loses_no_finished_run(trainband: Any, small_disk: Path, fill: Callable[[Path], None]) -> None:
    trainband.store = small_disk / "store"
    assert trainband("run", CELL, "--seed=1").returncode == 0
    [first] = trainband.recorded()
    filler = small_disk / "filler"
    fill(filler)
    full = trainband("run", CELL, "--seed=2")
    assert full.returncode == 3
    assert "no space left on device" in full.stderr
    assert "--store" in full.stderr
    assert trainband.recorded() == [first]

    filler.unlink()
    assert trainband("show", first).returncode == 0
    assert trainband("run", CELL, "--seed=2").returncode == 0
    assert trainband.unfinished() == []
    assert len(trainband.recorded()) == 2


def test_two_sweeps_at_once_share_a_store(trainband: Any) -> None:
    both = [trainband.start("sweep", CELL, SWEEP[1], "--json") for _ in range(2)]
    found = [trainband.finished(process) for process in both]
    assert [item.returncode for item in found] == [0, 0], [item.stderr for item in found]
    sweeps = [json.loads(item.stdout) for item in found]
    assert len({sweep["sweep_id"] for sweep in sweeps}) == 2
    assert sum(len(sweep["judgements"]) for sweep in sweeps) == 4
    assert len(trainband.triggers()) == 4
    for sweep in sweeps:
        assert len(trainband.json("check", f"--sweep={sweep['sweep_id']}")["checked"]) == 2


def test_a_corrupt_cache_is_named_and_never_trained_on(trainband: Any, tmp_path: Path, flip: Flip) -> None:
    trainband.environ["TRAINBAND_CACHE"] = str(tmp_path / "cache")
    assert trainband("data", "prepare", "digits").returncode == 0
    [array] = (tmp_path / "cache").rglob("train_inputs.npy")
    flip(array, -1)
    found = trainband("run", CELL)
    assert found.returncode == 3
    assert "train_inputs" in found.stdout
    [run_id] = trainband.recorded()
    assert trainband.json("show", run_id)["record"]["measurement"] is None


def test_a_corrupt_archive_is_named(trainband: Any, tmp_path: Path, flip: Flip) -> None:
    mirror = os.environ.get("TRAINBAND_DATA_MIRROR")
    if not mirror:
        pytest.skip("TRAINBAND_DATA_MIRROR is not set: a corrupt archive is NOT tested")
    shutil.copytree(Path(mirror) / "mnist", tmp_path / "archives" / "mnist")
    archive = tmp_path / "archives" / "mnist" / "t10k-images-idx3-ubyte.gz"
    flip(archive, archive.stat().st_size // 2)
    trainband.environ.pop("TRAINBAND_DATA_DIR", None)
    trainband.environ["TRAINBAND_CACHE"] = str(tmp_path / "cache")
    found = trainband("data", "prepare", "mnist", f"--mirror={tmp_path}/archives")
    assert found.returncode == 3
    assert "t10k-images-idx3-ubyte.gz" in found.stderr
    assert not list((tmp_path / "cache").rglob("*.npy"))


def test_a_sweep_outlives_the_reader_of_its_output(trainband: Any) -> None:
    process = trainband.start("sweep", CELL, "--fault=silent_exit")
    process.stdout.close()
    assert process.wait(timeout=300) == 3
    assert len(trainband.recorded()) == 1
    [sweep] = (json.loads(path.read_text()) for path in (trainband.store / "sweeps").glob("*.json"))
    assert sweep["status"] == "finished"


def test_check_says_which_records_it_cannot_read(trainband: Any) -> None:
    assert trainband("run", CELL, "--seed=1").returncode == 0
    assert trainband("run", CELL, "--seed=2").returncode == 0
    newest = trainband.store / "runs" / trainband.recorded()[-1] / "record.json"
    newest.write_text(newest.read_text()[:100])
    found = trainband("check")
    assert found.returncode == 3
    assert newest.parent.name in found.stderr


def test_a_known_failure_that_somebody_owns_is_waived(trainband: Any, tmp_path: Path) -> None:
    bands = tmp_path / "bands"
    bands.mkdir()
    waiver = {"cells": "mlp_digits:*", "verdicts": ["error"], "owner": "kim", "reason": "broken driver"}
    lines = [f"{name} = {json.dumps(value)}" for name, value in waiver.items()]
    (bands / "waivers.toml").write_text("\n".join(["[[waiver]]", *lines, "until = 2999-12-31", ""]))
    found = trainband("run", CELL, "--fault=silent_exit", f"--bands={bands}")
    assert found.returncode == 0
    assert "~ waived" in found.stdout
