from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

FOLDERS = ("benchmarks", "models", "platforms", "results", "scripts")
MODULE_LINES = 300
FUNCTION_LINES_95 = 40


def sources(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): path.read_text(encoding="utf-8")
        for folder in FOLDERS
        for path in sorted((root / folder).rglob("*.py"))
    }


def function_lengths(source: str) -> Iterator[int]:
    """Lines of each function from its `def`, decorators left out."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield node.end_lineno - node.lineno + 1


def percentile_95(values: list[int]) -> int:
    """The smallest value that at least 95% of `values` do not exceed."""
    return sorted(values)[-(-95 * len(values) // 100) - 1]


@pytest.mark.parametrize(("values", "expected"), [([7], 7), (list(range(1, 21)), 19), (list(range(1, 101)), 95)])
def test_the_percentile_of_hand_worked_lists(values: list[int], expected: int) -> None:
    assert percentile_95(values) == expected


def test_function_lengths_count_from_def_to_the_last_line() -> None:
    assert list(function_lengths("@d\ndef f():\n    x = 1\n\n    return x\n")) == [4]


def test_no_module_is_longer_than_a_reader_can_hold(repo_root: Path) -> None:
    lines = {path: len(source.splitlines()) for path, source in sources(repo_root).items()}
    assert {path: n for path, n in lines.items() if n > MODULE_LINES} == {}


def test_at_least_95_percent_of_the_functions_fit_on_a_screen(repo_root: Path) -> None:
    by_path = {path: list(function_lengths(source)) for path, source in sources(repo_root).items()}
    longest = sorted(((n, path) for path, lengths in by_path.items() for n in lengths), reverse=True)[:10]
    assert percentile_95([n for lengths in by_path.values() for n in lengths]) <= FUNCTION_LINES_95, longest
