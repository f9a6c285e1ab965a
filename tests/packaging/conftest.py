from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SOURCES = ["setup.py", "pyproject.toml", "LICENSE", "benchmarks", "models", "platforms", "results", "scripts"]


@pytest.fixture(scope="session")
def source_copy(repo_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a wheel is built from, away from the checkout and from what earlier builds left there."""
    copy = tmp_path_factory.mktemp("source")
    for name in SOURCES:
        source = repo_root / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy / name)
    return copy


@pytest.fixture(scope="session")
def wheel(source_copy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built by way of the source distribution: what that leaves out is missing here too."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-P", "-m", "build", "--no-isolation", "--outdir", str(out), str(source_copy)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = out.glob("*.whl")
    return built
