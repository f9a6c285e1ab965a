"""What a report shows of the nights: the series of each cell, regressions, canaries and what each night came to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from trainband.results.bands import Band
from trainband.results.codec import CodecError
from trainband.results.history.canaries import Canary, read_canaries
from trainband.results.history.candidates import restart_runs
from trainband.results.history.environment_marks import EnvironmentMark, environment_marks
from trainband.results.history.looking import SeriesState, look_at
from trainband.results.history.nights import Night, read_nights
from trainband.results.history.regression_files import RegressionFolder
from trainband.results.history.regressions import Regression
from trainband.results.history.store_series import fresh_runs, series_of_runs
from trainband.results.index_rows import Problem
from trainband.results.run_columns import RunColumns
from trainband.results.store import Store
from trainband.results.waivers import Waiver


@dataclass(frozen=True, kw_only=True)
class CellHistory:
    """The series of one cell and what changed around it, on every class of hosts that trained it."""

    states: tuple[SeriesState, ...] = ()
    environment: tuple[EnvironmentMark, ...] = ()


@dataclass(frozen=True, kw_only=True)
class HistoryContent:
    """Attributes:
    cells: cell -> its history.
    regressions: newest alarm first, closed ones included.
    nights: newest first.
    today: the day on which waivers and ignored regressions are looked at.
    """

    today: date = date.min
    cells: Mapping[str, CellHistory] = field(default_factory=dict)
    regressions: tuple[Regression, ...] = ()
    canaries: tuple[Canary, ...] = ()
    nights: tuple[Night, ...] = ()
    waivers: tuple[Waiver, ...] = ()

    def of_cell(self, cell: str) -> HistoryContent:
        """What of this is about one cell."""
        return replace(
            self,
            cells={cell: self.cells[cell]} if cell in self.cells else {},
            regressions=tuple(each for each in self.regressions if each.cell == cell),
            canaries=tuple(each for each in self.canaries if each.cell == cell),
        )


def history_content(store: Store, *, waivers: Iterable[Waiver], today: date) -> tuple[HistoryContent, list[Problem]]:
    """The history of a store without that of its cells, and what of it cannot be read."""
    filed, problems = RegressionFolder(store.root).all()
    nights, unread = read_nights(store.root)
    canaries, silent = _canaries(store)
    content = HistoryContent(
        today=today,
        regressions=tuple(filed),
        canaries=tuple(canaries),
        nights=tuple(nights),
        waivers=tuple(waivers),
    )
    return content, [*problems, *unread, *silent]


def cell_history(
    cell: str,
    runs: RunColumns,
    judged_by: Mapping[str, str | None],
    *,
    band: Band | None,
    device: str,
    filed: Sequence[Regression],
) -> CellHistory:
    """The history of one cell. Planted faults count where the newest run has them, as on the nights that planted them.

    Args:
      judged_by: run -> digest of the band of the newest judgement that it triggered.
    """
    fresh = fresh_runs(runs, runs.settings[runs.made_with[-1]].faults)
    series = series_of_runs(cell, fresh, judged_by, band=band, device=device, filed=filed)
    return CellHistory(
        states=tuple(look_at(each, restart_runs(each, filed)) for each in series),
        environment=tuple(environment_marks(fresh)),
    )


def _canaries(store: Store) -> tuple[list[Canary], list[Problem]]:
    try:
        return read_canaries(store.root), []
    except CodecError as error:
        return [], [Problem(path="canaries", message=str(error))]
