"""The matrix of the overview: models and tiers down, profiles across, one square a cell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from trainband.results.pages.content import ModelInfo, ProfileInfo, ReportContent
from trainband.results.pages.square import Square, unknown_square
from trainband.results.pages.summary import CellSummary


@dataclass(frozen=True, kw_only=True)
class MatrixRow:
    """One model at one tier."""

    model: str
    title: str
    tier: str
    squares: tuple[Square, ...]


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """Attributes:
    resting, resting_rows: profiles without a column and `model:tier` without a row: nothing in this report is theirs.
    """

    columns: tuple[ProfileInfo, ...]
    rows: tuple[MatrixRow, ...]
    resting: tuple[str, ...]
    resting_rows: tuple[str, ...]


def build_matrix(content: ReportContent, cells: Mapping[str, CellSummary]) -> Matrix:
    """The matrix of the summaries by cell; profiles that trained something stand before those that were only skipped."""
    known = {*cells, *content.planned_cells}
    trained = {_profile(cell) for cell, summary in cells.items() if summary.newest}
    columns = [item for item in _profiles(content.profiles, known) if item.name in set(map(_profile, known))]
    columns.sort(key=lambda item: item.name not in trained)
    rows, resting_rows = [], []
    for model in _models(content.models, known):
        for tier in model.tiers:
            names = [f"{model.name}:{tier}@{profile.name}" for profile in columns]
            if known.isdisjoint(names):
                resting_rows.append(f"{model.name}:{tier}")
                continue
            squares = tuple(cells[name].square if name in cells else unknown_square(name, content) for name in names)
            rows.append(MatrixRow(model=model.name, title=model.title, tier=tier, squares=squares))
    shown = {item.name for item in columns}
    resting = tuple(item.name for item in content.profiles if item.name not in shown)
    return Matrix(columns=tuple(columns), rows=tuple(rows), resting=resting, resting_rows=tuple(resting_rows))


def _profile(cell: str) -> str:
    return cell.partition("@")[2]


def _profiles(known: Sequence[ProfileInfo], cells: Iterable[str]) -> list[ProfileInfo]:
    """The profiles given, and those that only old cells still name."""
    names = {item.name for item in known}
    gone = sorted({_profile(cell) for cell in cells} - names)
    return [*known, *(ProfileInfo(name=name, title="not in the registry any more") for name in gone)]


def _models(known: Sequence[ModelInfo], cells: Iterable[str]) -> list[ModelInfo]:
    """As `_profiles`; a model keeps a tier that only old cells still name."""
    tiers: dict[str, set[str]] = {}
    for cell in cells:
        model, _, rest = cell.partition(":")
        tiers.setdefault(model, set()).add(rest.partition("@")[0])
    found = []
    for model_info in known:
        gone = sorted(tiers.pop(model_info.name, set()) - set(model_info.tiers))
        found.append(
            ModelInfo(
                name=model_info.name,
                title=model_info.title,
                tiers=(*model_info.tiers, *gone),
                metrics=model_info.metrics,
            )
        )
    for name, names in sorted(tiers.items()):
        found.append(ModelInfo(name=name, title="not in the registry any more", tiers=tuple(sorted(names)), metrics=()))
    return found
