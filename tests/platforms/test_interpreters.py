"""Interpreters: what another Python has installed, and what its framework reports, each asked once in a child."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from trainband.platforms import interpreters
from trainband.platforms.interpreters import InterpreterError, describe_interpreter, installed_distributions


def test_a_child_answers_as_this_process_does() -> None:
    asked, own = describe_interpreter(sys.executable), describe_interpreter()
    assert (asked.version, asked.implementation) == (own.version, own.implementation)
    # This process may see more: what lies in the working directory or on PYTHONPATH is not installed.
    assert asked.distributions.items() <= own.distributions.items()
    assert installed_distributions()["pytest"] == pytest.__version__


def test_names_are_compared_as_installers_do() -> None:
    assert interpreters.normalized("nvidia_cuDNN.-CU12") == "nvidia-cudnn-cu12"


def script(folder: Path, body: str) -> str:
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("echo first >&2; echo 'no module named json' >&2; exit 3", r"exited with 3: no module named json$"),
        ("echo hello", r"answered 'hello': not JSON$"),
        ("sleep 20 & sleep 20", r"gave no answer within 0.5 s$"),
    ],
)
def test_an_interpreter_that_fails_is_said_in_one_line(tmp_path: Path, body: str, message: str) -> None:
    with pytest.raises(InterpreterError, match=message) as caught:
        describe_interpreter(script(tmp_path, body), time_limit_sec=0.5)
    assert "\n" not in str(caught.value)


def test_an_interpreter_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InterpreterError, match=r"'.*/none' cannot be run: No such file"):
        describe_interpreter(str(tmp_path / "none"))


def test_a_framework_reports_its_build_and_devices(tmp_path: Path) -> None:
    """A stand-in for torch: the report is about what the child imports, and noise on stdout does not spoil it."""
    (tmp_path / "torch.py").write_text(
        "import types\nprint('noise on stdout')\n__version__ = '9.9+cu1'\n"
        "version = types.SimpleNamespace(cuda='1.2', hip=None, git_version='abc')\n"
        "class __config__:\n    show = staticmethod(lambda: 'cfg')\n    parallel_info = staticmethod(lambda: 'omp')\n"
        "backends = types.SimpleNamespace(cudnn=types.SimpleNamespace(version=lambda: 90100))\n"
        "p = types.SimpleNamespace(name='H200', total_memory=5, major=9, minor=0)\n"
        "cuda = types.SimpleNamespace(device_count=lambda: 1, get_device_properties=lambda i: p)\n"
    )
    command = [sys.executable, "-m", "trainband.platforms.device_report", "torch"]
    environ = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    report = json.loads(done.stdout)
    assert report["build"]["version"] == "9.9+cu1"
    assert report["build"]["cuda"] == "1.2"
    assert [device["name"] for device in report["devices"]] == ["cpu", "H200"]


def test_an_unknown_backend_is_a_usage_error() -> None:
    with pytest.raises(InterpreterError, match=r"exited with 2: usage: device_report BACKEND, one of tensorflow, jax"):
        interpreters.read_device_report(sys.executable, "theano", environ=os.environ)


@pytest.mark.backend("jax")
def test_the_report_needs_nothing_of_ours_in_the_interpreter() -> None:
    report = interpreters.read_device_report(sys.executable, "jax", environ={**os.environ, "JAX_PLATFORMS": "cpu"})
    assert report["build"]["backend"] == "jax"
    assert report["devices"][0]["kind"] == "cpu"
