"""Samples of NVIDIA's tool, which a script stands in for where there is none."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from trainband.benchmarks.device_load import DeviceLoad
from trainband.platforms.profiles import find_profile


@pytest.fixture
def nvidia_smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tool on the path; the test writes it."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    script = tmp_path / "nvidia-smi"
    script.touch()
    script.chmod(0o755)
    return script


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 20
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.01)


def test_every_whole_line_of_each_entry_counts_and_the_tool_is_gone_after(nvidia_smi: Path, tmp_path: Path) -> None:
    nvidia_smi.write_text(
        f"#!/bin/sh\necho $$ >{tmp_path}/pid\necho 90\necho '[N/A]'\necho 70\nprintf 1\n: >{tmp_path}/said\nexec sleep 60\n"
    )
    load = DeviceLoad(find_profile("gpu_jax"))
    for _ in range(2):
        with load:
            wait_for(tmp_path / "said")
        (tmp_path / "said").unlink()
    assert load.samples == [0.9, 0.7, 0.9, 0.7]
    assert load.mean == pytest.approx(0.8)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_tool_that_fails_says_nothing(nvidia_smi: Path) -> None:
    nvidia_smi.write_text("#!/bin/sh\necho 'NVIDIA-SMI has failed' >&2\nexit 9\n")
    with DeviceLoad(find_profile("gpu_torch")) as load:
        pass
    assert load.mean is None


def test_on_a_processor_nothing_is_asked(nvidia_smi: Path, tmp_path: Path) -> None:
    nvidia_smi.write_text(f"#!/bin/sh\n: >{tmp_path}/said\n")
    with DeviceLoad(find_profile("cpu")) as load:
        time.sleep(0.2)
    assert load.mean is None
    assert not (tmp_path / "said").exists()
