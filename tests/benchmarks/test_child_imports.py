"""What a child imports: the standard library, NumPy, Keras and its backend, and nothing else."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from trainband.benchmarks.staging import stage

ROOTS = ["trainband.benchmarks.worker", "trainband.benchmarks.fork_server", "trainband.benchmarks.measure"]
FRAMEWORKS = {"tensorflow": {"tensorflow"}, "jax": {"jax", "jaxlib"}, "torch": {"torch"}}
ANY_FRAMEWORK = {"keras"}.union(*FRAMEWORKS.values())


def nodes_of(tree: ast.AST, *, lazy: bool) -> Iterator[ast.AST]:
    """All nodes; without the insides of functions where not `lazy`, which is what runs at import."""
    for node in ast.iter_child_nodes(tree):
        yield node
        if lazy or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from nodes_of(node, lazy=lazy)


def imports_of(path: Path, stage_root: Path, *, lazy: bool) -> set[str]:
    """Dotted names that a module imports; `from a import b` is `a.b` too where that is a module of ours."""
    names = set()
    for node in nodes_of(ast.parse(path.read_text(encoding="utf-8")), lazy=lazy):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, path
            names.add(str(node.module))
            members = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= {name for name in members if file_of(name, stage_root)}
    return names


def file_of(name: str, stage_root: Path) -> Path | None:
    base = stage_root.joinpath(*name.split("."))
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


def reached(stage_root: Path, *roots: str, lazy: bool) -> dict[str, set[str]]:
    """Each module of ours that the roots reach, with the packages outside NumPy and the standard library it imports."""
    found: dict[str, set[str]] = {}
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        path = file_of(name, stage_root)
        assert path is not None, f"{name} is not staged"
        imported = imports_of(path, stage_root, lazy=lazy)
        packages = {other.split(".")[0] for other in imported}
        found[name] = packages - {"trainband", "numpy", *sys.stdlib_module_names}
        waiting += [other for other in imported if other.split(".")[0] == "trainband"]
        waiting += [name.rsplit(".", depth)[0] for depth in range(1, name.count(".") + 1)]
    return found


def beyond(found: dict[str, set[str]], allowed: set[str]) -> dict[str, set[str]]:
    return {name: others - allowed for name, others in found.items() if others - allowed}


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stage(tmp_path_factory.mktemp("cache"))


@pytest.mark.parametrize("backend", FRAMEWORKS)
def test_a_child_imports_numpy_keras_and_its_backend_alone(staged: Path, backend: str) -> None:
    folder = staged / "trainband/models/architectures"
    architectures = [f"trainband.models.architectures.{path.stem}" for path in folder.glob("[!_]*.py")]
    roots = [*ROOTS, f"trainband.benchmarks.backends.{backend}", *architectures]
    found = reached(staged, *roots, lazy=False)
    assert {"trainband.benchmarks.train", "trainband.models.layers.kit", "trainband.results.codec"} <= set(found)
    assert beyond(found, {"keras", *FRAMEWORKS[backend]}) == {}
    assert beyond(reached(staged, *roots, lazy=True), ANY_FRAMEWORK) == {}


def test_what_a_child_imports_of_results_and_platforms_is_standard_library(staged: Path) -> None:
    found = reached(staged, *ROOTS, lazy=False)
    parts = {name: others for name, others in found.items() if name.split(".")[1:2] in (["results"], ["platforms"])}
    assert {"trainband.results.records", "trainband.platforms.profile_spec"} <= set(parts)
    for name in parts:
        path = file_of(name, staged)
        assert path is not None
        packages = {other.split(".")[0] for other in imports_of(path, staged, lazy=False)}
        assert packages <= {"trainband", *sys.stdlib_module_names}, name


def test_a_child_reaches_no_framework_before_its_backend(staged: Path) -> None:
    assert beyond(reached(staged, *ROOTS, lazy=False), set()) == {}


def test_an_import_that_does_not_belong_there_would_be_seen(tmp_path: Path) -> None:
    package = tmp_path / "trainband"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "worker.py").write_text("from trainband import helper\nimport json, numpy.linalg\n")
    (package / "helper.py").write_text("import rich.table\ndef late():\n    import torch\n")
    assert beyond(reached(tmp_path, "trainband.worker", lazy=False), set()) == {"trainband.helper": {"rich"}}
    assert beyond(reached(tmp_path, "trainband.worker", lazy=True), {"rich"}) == {"trainband.helper": {"torch"}}
