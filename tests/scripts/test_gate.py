"""Gates as commands: interpreters whose only difference is planted here, and each outcome with its exit status."""

from __future__ import annotations

import json
import signal
import stat
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

CELL = "cnn_digits:smoke@cpu_deterministic"
needs_tensorflow = pytest.mark.backend("tensorflow")


def interpreter(folder: Path, name: str, *lines: str) -> str:
    """A program that is this Python after some lines of shell."""
    path = folder / name
    path.write_text("\n".join(["#!/bin/sh", *lines, f'exec "{sys.executable}" "$@"']) + "\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def gate(trainband: Any, baseline: str, candidate: str, *words: str, status: int) -> Any:
    """The report of a gate of one cell, and what it said."""
    known = ["--cells=" + CELL] if not any(word.startswith("--cells") for word in words) else []
    found = trainband("gate", f"--baseline={baseline}", f"--candidate={candidate}", *known, *words)
    assert found.returncode == status, found.stdout + found.stderr
    [path] = [line.split()[1] for line in found.stdout.splitlines() if line.startswith("json:")]
    return json.loads(Path(path).read_text(encoding="utf-8")), found


@needs_tensorflow
@pytest.mark.slow
def test_an_environment_may_take_its_own_place_and_one_pair_proves_it(trainband: Any, tmp_path: Path) -> None:
    python = interpreter(tmp_path, "python")
    found, said = gate(trainband, python, python, "--speed=none", status=0)
    assert "the packages are equal" in said.stderr
    assert found["judgement"]["verdict"] == "ship"
    [cell] = found["judgement"]["cells"]
    assert cell["outcome"] == "bit-equal"
    [row] = found["gate"]["cells"]
    assert len(row["pairs"]) == 1
    runs = trainband.recorded()
    assert sorted(runs) == sorted([row["pairs"][0]["baseline"], row["pairs"][0]["candidate"]])
    again, _ = gate(trainband, python, python, "--speed=none", status=0)
    assert trainband.recorded() == runs
    assert again["gate"]["cells"] == found["gate"]["cells"]
    folder = trainband.store / "gates" / found["gate"]["key"]
    [suite] = ElementTree.parse(folder / "report.xml").getroot()
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("1", "0", "0")
    assert (folder / "report.md").read_text().startswith("## ship: ")
    assert "bit-equal" in (folder / "report.html").read_text()


@needs_tensorflow
@pytest.mark.slow
def test_a_candidate_that_crashes_is_broken_and_says_how(trainband: Any, tmp_path: Path) -> None:
    bad = tmp_path / "bad" / "tensorflow"
    bad.mkdir(parents=True)
    (bad / "__init__.py").write_text("raise ImportError('libtensorflow was built for another moon')\n")
    python = interpreter(tmp_path, "good")
    broken = interpreter(tmp_path, "broken", f'export PYTHONPATH="{bad.parent}:$PYTHONPATH"')
    found, _ = gate(trainband, python, broken, status=1)
    [cell] = found["judgement"]["cells"]
    assert (cell["outcome"], found["judgement"]["verdict"]) == ("broken", "do not ship")
    assert "exit status 1: ImportError: libtensorflow was built for another moon" in cell["reason"]
    found, _ = gate(trainband, broken, python, status=4)
    assert found["judgement"]["cells"][0]["outcome"] == "undecided"
    found, _ = gate(trainband, broken, broken, status=3)
    assert found["judgement"]["cells"][0]["outcome"] == "broken"


@needs_tensorflow
@pytest.mark.slow
def test_other_kernels_are_named_and_shown_equivalent_after_an_interrupt(trainband: Any, tmp_path: Path) -> None:
    python = interpreter(tmp_path, "plain")
    other = interpreter(tmp_path, "other", "export TF_ENABLE_ONEDNN_OPTS=0")
    words = ["gate", f"--baseline={python}", f"--candidate={other}", f"--cells={CELL}", "--speed=none"]
    process = trainband.start(*words)
    trainband.until(lambda: len(trainband.recorded()) >= 4, "two pairs")
    process.send_signal(signal.SIGINT)
    assert trainband.finished(process).returncode == 130
    assert trainband.unfinished() == []
    [path] = (trainband.store / "gates").glob("*/gate.json")
    before = json.loads(path.read_text(encoding="utf-8"))["cells"][0]
    assert 1 <= len(before["pairs"]) < 4
    found, said = gate(trainband, python, other, "--speed=none", status=0)
    [row] = found["gate"]["cells"]
    assert row["pairs"][: len(before["pairs"])] == before["pairs"]
    assert len(row["pairs"]) == 4
    assert len({pair["seed"] for pair in row["pairs"]}) == 4
    [cell] = found["judgement"]["cells"]
    assert cell["outcome"] == "equivalent"
    finding = row["finding"]
    assert (finding["stage"], finding["step"], finding["layer"]) == ("forward", 0, "conv0")
    assert finding["moved"] == "undetermined"  # the fused normalisation has no float64
    assert finding["meanings"] == []
    assert f"{CELL}: equivalent" in said.stdout


def test_the_sides_are_of_one_python(trainband: Any, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import platform\nplatform.python_version = lambda: '3.9.1'\n")
    other = interpreter(tmp_path, "other", f'export PYTHONPATH="{tmp_path}"')
    found = trainband("gate", f"--baseline={sys.executable}", f"--candidate={other}", f"--cells={CELL}")
    assert (found.returncode, found.stderr.count("\n")) == (2, 1), found.stderr
    assert "the sides are of two Pythons, CPython 3.1" in found.stderr
    assert "and CPython 3.9.1 on " in found.stderr


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ([], 2, "give --baseline and --candidate"),
        (["--baseline=x", "--candidate=y", "--budget=soon"], 2, "--budget=soon: no time such as"),
        (
            ["--baseline=x", "--candidate=y", "--cells=cnn_digits:smoke@cpu*"],
            2,
            "of 3 backends (jax, tensorflow, torch)",
        ),
        (["--baseline=x", "--candidate=y", "--cells=vgg16:throughput@cpu"], 2, "has no quality to gate"),
        (["--baseline=x", "--candidate=y", "--cells=resnet20_cifar10:full@cpu"], 2, "has no calibrated band"),
        (["--baseline=x", "--candidate=y", f"--cells={CELL}", "--acknowledge=vit:smoke@cpu"], 2, "no planned cell"),
        (["--baseline=/nowhere/python", "--candidate=y", f"--cells={CELL}"], 2, "there is no file /nowhere/python"),
        (
            [f"--baseline={sys.executable}", "--candidate=/bin/false", f"--cells={CELL}"],
            3,
            "'/bin/false' exited with 1",
        ),
    ],
)
def test_what_cannot_be_gated_is_one_line(trainband: Any, words: list[str], status: int, said: str) -> None:
    found = trainband("gate", *words)
    assert (found.returncode, found.stderr.count("\n")) == (status, 1), found.stderr
    assert said in found.stderr
    assert trainband.recorded() == []
