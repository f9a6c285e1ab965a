from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from trainband.benchmarks.staging import stage


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stage(tmp_path_factory.mktemp("cache"))


def test_the_same_sources_are_staged_once(staged: Path) -> None:
    marker = staged / "marker"
    marker.touch()
    assert stage(staged.parents[1]) == staged
    assert marker.exists()
    marker.unlink()


def test_nothing_but_the_package_is_staged(staged: Path) -> None:
    assert [path.name for path in staged.iterdir()] == ["trainband"]
    assert {path.name for path in staged.parent.iterdir()} == {staged.name}
    assert {path.suffix for path in staged.rglob("*") if path.is_file()} == {".py"}
    assert {path.name for path in (staged / "trainband").iterdir() if path.is_dir()} == {
        "benchmarks",
        "models",
        "platforms",
        "results",
    }


def test_many_stagings_at_once_give_one_whole_copy(tmp_path: Path, staged: Path) -> None:
    with ThreadPoolExecutor(4) as executor:
        found = {future.result() for future in [executor.submit(stage, tmp_path) for _ in range(4)]}
    assert len(found) == 1
    [copy] = found
    assert [path.name for path in copy.parent.iterdir()] == [staged.name]
    assert sorted(p.relative_to(copy) for p in copy.rglob("*.py")) == sorted(
        p.relative_to(staged) for p in staged.rglob("*.py")
    )


def test_an_interpreter_that_does_not_have_us_imports_the_copy(staged: Path) -> None:
    script = (
        "import sys, trainband.benchmarks.run_spec, trainband.results.records as records, trainband.models.catalog\n"
        "print(records.__file__)\n"
        "print(sorted({'tensorflow', 'keras', 'jax', 'torch', 'absl', 'sqlalchemy', 'filelock'} & set(sys.modules)))\n"
    )
    # -I and -S: neither site-packages nor an editable install can help.
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(staged)!r})\n{script}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [str(staged / "trainband" / "results" / "records.py"), "[]"]
