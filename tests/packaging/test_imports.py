from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

FOLDERS = ("benchmarks", "models", "platforms", "results", "scripts")
# Folder -> the folders of ours that it may import. scripts/ is the package root, `trainband` itself.
MAY_IMPORT = {
    "models": {"models"},
    "platforms": {"platforms"},
    "results": {"results"},
    "benchmarks": {"benchmarks", "models", "platforms", "results"},
    "scripts": set(FOLDERS),
}


def imported_modules(source: str) -> Iterator[tuple[int, str]]:
    """Line and dotted name of each import, `from a import b` as `a.b`; a relative import begins with a dot."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


def folder_of(name: str) -> str | None:
    """The folder of ours that `name` is imported from; None where it is somebody else's, or the version alone."""
    first, *rest = name.split(".")
    if first != "trainband" or rest == ["__version__"]:
        return None
    return rest[0] if rest and rest[0] in FOLDERS else "scripts"


def bare_or_relative(source: str) -> list[tuple[int, str]]:
    return [(line, name) for line, name in imported_modules(source) if name.split(".")[0] in ("", *FOLDERS)]


def against_the_order(source: str, *, folder: str) -> list[tuple[int, str]]:
    found = ((line, name, folder_of(name)) for line, name in imported_modules(source))
    return [(line, name) for line, name, target in found if target is not None and target not in MAY_IMPORT[folder]]


def modules_below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if "__pycache__" not in path.parts)


@pytest.mark.parametrize(
    ("line", "is_refused"),
    [
        ("import models", True),
        ("import models.specs as specs", True),
        ("from results.codec import encode", True),
        ("def f():\n    import scripts", True),
        ("from . import specs", True),
        ("from ..models import specs", True),
        ("from trainband.models import specs", False),
        ("import modelsmith", False),
        ("from pandas import models", False),
    ],
)
def test_bare_and_relative_imports_are_seen(line: str, is_refused: bool) -> None:
    assert bool(bare_or_relative(line)) is is_refused


@pytest.mark.parametrize(
    ("folder", "line", "is_refused"),
    [
        ("models", "from trainband.results import codec", True),
        ("models", "from trainband import results", True),
        ("results", "import trainband", True),
        ("benchmarks", "from trainband import __version__", False),
        ("benchmarks", "from trainband import flags", True),
        ("benchmarks", "from trainband.results.codec import encode", False),
        ("models", "from trainband.models import specs", False),
        ("scripts", "from trainband import benchmarks", False),
    ],
)
def test_imports_against_the_order_are_seen(folder: str, line: str, is_refused: bool) -> None:
    assert bool(against_the_order(line, folder=folder)) is is_refused


@pytest.mark.parametrize("folder", [*FOLDERS, "tests"])
def test_our_modules_are_imported_as_trainband_alone(repo_root: Path, folder: str) -> None:
    found = {
        str(path): bare_or_relative(path.read_text(encoding="utf-8")) for path in modules_below(repo_root / folder)
    }
    assert found
    assert {path: imports for path, imports in found.items() if imports} == {}


@pytest.mark.parametrize("folder", FOLDERS)
def test_imports_go_one_way(repo_root: Path, folder: str) -> None:
    found = {
        str(path): against_the_order(path.read_text(encoding="utf-8"), folder=folder)
        for path in modules_below(repo_root / folder)
    }
    assert {path: imports for path, imports in found.items() if imports} == {}
