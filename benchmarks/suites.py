"""Suites: named sets of cells as TOML files, with unknown keys refused."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from importlib.resources import files
from typing import Any

from trainband.benchmarks.cells import Cell, CellError, did_you_mean, select_cells
from trainband.results.codec import CodecError, decode


class SuiteError(ValueError):
    """A suite that does not exist or cannot be read."""


@dataclass(frozen=True, kw_only=True)
class Suite:
    """What a sweep runs.

    Attributes:
      cells: globs over `model:tier@profile`.
      seeds: runs of each cell.
      required: profiles that must be available; a skipped one makes the sweep an infrastructure failure.
    """

    name: str
    title: str
    cells: tuple[str, ...]
    seeds: int = 1
    required: tuple[str, ...] = ()

    def select(self, cells: Sequence[Cell]) -> list[Cell]:
        """The suite's cells out of all; raises SuiteError where a glob names none."""
        try:
            return select_cells(self.cells, cells)
        except CellError as error:
            raise SuiteError(f"suite {self.name!r}: {error}") from error


def load_suites() -> dict[str, Suite]:
    """Every suite that ships with the package, by name."""
    found = {}
    for entry in sorted(files("trainband.benchmarks").joinpath("suites").iterdir(), key=lambda item: item.name):
        if entry.name.endswith(".toml"):
            found[entry.name.removesuffix(".toml")] = parse_suite(entry.read_text(encoding="utf-8"), entry.name)
    return found


def parse_suite(text: str, source: str) -> Suite:
    """The suite in a TOML text; raises SuiteError that names `source`, the key and the value."""
    try:
        data: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SuiteError(f"{source}: not TOML: {error}") from error
    known = [f.name for f in fields(Suite)]
    for key in data:
        if key not in known:
            raise SuiteError(f"{source}: unknown key {key!r}{did_you_mean(key, known)}; known keys: {', '.join(known)}")
    try:
        suite = decode(Suite, data, source)
    except CodecError as error:
        raise SuiteError(str(error)) from error
    if suite.seeds < 1:
        raise SuiteError(f"{source}: seeds = {suite.seeds}: must be at least 1")
    return suite


def find_suite(name: str) -> Suite:
    """The suite called `name`; raises SuiteError with those that there are."""
    suites = load_suites()
    if name not in suites:
        raise SuiteError(f"no suite {name!r}{did_you_mean(name, suites)}; there are {', '.join(map(repr, suites))}")
    return suites[name]
