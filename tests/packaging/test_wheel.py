from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

FOLDERS = {
    "benchmarks": "trainband/benchmarks",
    "models": "trainband/models",
    "platforms": "trainband/platforms",
    "results": "trainband/results",
    "scripts": "trainband",
}
LOOK_FROM_OUTSIDE = """
import importlib.resources, importlib.util, sys, tomllib
import trainband
print(trainband.__version__)
for name in ("benchmarks", "models", "platforms", "results"):
    module = importlib.import_module("trainband." + name)
    assert module.__file__.startswith(sys.prefix), module.__file__
    assert importlib.util.find_spec(name) is None, name
profile = importlib.resources.files("trainband.platforms") / "profiles" / "cpu.toml"
print(tomllib.loads(profile.read_text(encoding="utf-8"))["title"])
"""


def is_shell_script(path: Path) -> bool:
    return path.suffix in ("", ".sh")


def files_of_the_package(source: Path) -> set[str]:
    return {
        f"{target}/{path.relative_to(source / folder).as_posix()}"
        for folder, target in FOLDERS.items()
        for path in (source / folder).rglob("*")
        if path.is_file() and not path.name.startswith(".") and not is_shell_script(path)
    }


def test_the_wheel_holds_each_module_and_data_file_and_nothing_else(wheel: Path, source_copy: Path) -> None:
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert names == files_of_the_package(source_copy)
    assert {"trainband/py.typed", "trainband/platforms/profiles/cpu.toml"} <= names


def test_the_installed_wheel_imports_and_reads_its_data_far_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "env", with_pip=False)
    python = str(tmp_path / "env" / "bin" / "python")
    install = [sys.executable, "-P", "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*install, str(wheel)], check=True, timeout=120)

    run = [python, "-I", "-c", LOOK_FROM_OUTSIDE]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stderr
    version, title = done.stdout.splitlines()
    assert wheel.name == f"trainband-{version}-py3-none-any.whl"
    assert title


def test_the_wheel_carries_the_licence(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (licence,) = [name for name in archive.namelist() if name.endswith(".dist-info/licenses/LICENSE")]
    assert "Apache License" in archive.read(licence).decode()
