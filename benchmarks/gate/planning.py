"""A gate before it starts: its cells, their margins, and the document that it begins or goes on with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from trainband import __version__
from trainband.benchmarks.bands_on_disk import BandFolder
from trainband.benchmarks.cells import Cell
from trainband.benchmarks.gate.evidence import margins_of
from trainband.benchmarks.gate.sides import GateEnvironment
from trainband.benchmarks.judging import now_utc
from trainband.results.bands import Band
from trainband.results.gate.gates import GATE_FILE, Gate, GateCell, read_gate
from trainband.results.gate.speed import GateSide
from trainband.results.store import RunFilter, Store

_UNKNOWN_SEC = 12.0  # of a run of a cell that this store has none of
TIMED_PAIR_SEC = 16.0


class PlanError(ValueError):
    """Cells that cannot be gated together; the message says why."""


def only_backend(cells: Sequence[Cell]) -> str:
    """The backend of all cells; an environment is of one. Raises PlanError."""
    backends = sorted({cell.profile.backend for cell in cells})
    if len(backends) != 1:
        raise PlanError(
            f"these cells are of {len(backends)} backends ({', '.join(backends)}), and an environment brings one; name "
            "cells of one with --cells"
        )
    return backends[0]


def bands_of(cells: Sequence[Cell], folder: BandFolder) -> dict[str, Band]:
    """Cell -> the band whose margins count; raises NoMargin."""
    found = {}
    for cell in cells:
        band = folder.read(cell.model.name, cell.recipe.tier)
        margins_of(band, cell)
        if band is not None:
            found[cell.name] = band
    return found


def planned_gate(
    cells: Sequence[Cell],
    bands: Mapping[str, Band],
    environments: Mapping[GateSide, GateEnvironment],
    *,
    suite: str,
    host_class: str,
    code: str,
    as_of: str = "",
) -> Gate:
    """The document of a gate that has not begun; its key is all that makes two gates one experiment."""
    sides = {name: environment.side for name, environment in environments.items()}
    names = [cell.name for cell in cells]
    margins = {cell.name: margins_of(bands[cell.name], cell) for cell in cells}
    content = [sides["baseline"].key, sides["candidate"].key, names, margins, host_class, code]
    return Gate(
        key=hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16],
        created=now_utc(),
        trainband_version=__version__,
        code=code,
        host_class=host_class,
        suite=suite,
        baseline=sides["baseline"],
        candidate=sides["candidate"],
        cells=tuple(GateCell(cell=name, margins=margins[name]) for name in names),
        as_of=as_of,
    )


def begun(folder: Path, planned: Gate) -> Gate:
    """The experiment in `folder` as far as it is, or `planned`; raises GateFileError.

    What did not run is tried again: a failure is no sample.
    """
    path = folder / GATE_FILE
    if not path.exists():
        return planned
    gate = read_gate(path)
    again = (replace(r, pairs=tuple(p for p in r.pairs if not p.broken), not_timed={}) for r in gate.cells)
    return replace(gate, cells=tuple(again))


def estimated_sec(gate: Gate, store: Store, *, timed_pairs: int) -> float:
    """Wall seconds until the bits and the speed of every cell are known; what differs takes up to 31 pairs more."""
    total = 0.0
    for row in gate.cells:
        newest = next(iter(store.records(RunFilter(cell=row.cell, outcome="completed", limit=1))), None)
        seconds = newest.wall_sec if newest is not None else _UNKNOWN_SEC
        total += 0.0 if row.pairs else 2.0 * seconds
        total += TIMED_PAIR_SEC * max(0, timed_pairs - len({block.pair for block in row.blocks}))
    return total
