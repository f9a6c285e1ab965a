"""What the pages ask a store about many runs at once: counted by the index's database, and no document is read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from trainband.results.index_rows import RunRow
from trainband.results.index_tables import JUDGEMENTS, JUDGEMENTS_NEWEST_FIRST, RUNS, RUNS_NEWEST_FIRST
from trainband.results.index_values import COLUMNS, columns_of, run_rows
from trainband.results.kept_columns import KeptColumns, keep, read_kept
from trainband.results.run_columns import RunColumns
from trainband.results.store import Store

_KEPT_AGAIN = 30  # runs since what is kept: to write it costs as much as to read it three times

# Made once: to put a question together takes as long as to answer it.
_RUNS_SINCE = (
    sa.select(*COLUMNS)
    .where(RUNS.c.cell == sa.bindparam("cell"), RUNS.c.created > sa.bindparam("since"))
    .order_by(RUNS.c.created, RUNS.c.run_id)
)
_JUDGED = (
    sa.select(JUDGEMENTS.c.created, JUDGEMENTS.c.triggered_by, JUDGEMENTS.c.band_digest, JUDGEMENTS.c.document)
    .where(JUDGEMENTS.c.cell == sa.bindparam("cell"))
    .order_by(*JUDGEMENTS_NEWEST_FIRST)
    .limit(sa.bindparam("limit"))
)


def cell_states(store: Store) -> dict[str, list[Any]]:
    """Cell that was trained or judged -> a JSON value that is another one once a run or a judgement of it has come or gone."""

    def work(connection: sa.Connection) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {}
        for table in (RUNS, JUDGEMENTS):
            query = sa.select(table.c.cell, sa.func.count(), sa.func.max(table.c.created)).group_by(table.c.cell)
            for cell, count, newest in connection.execute(query):
                found.setdefault(cell, []).append([table.name, count, newest])
        return found

    return store.ask(work)


@dataclass(frozen=True, kw_only=True)
class CellEntries:
    """What the index has of a cell.

    Attributes:
      runs: all that are its own.
      judgements: the documents of its newest judgements, newest first.
      judged_by: run -> digest of the band of the newest judgement that it triggered.
    """

    runs: RunColumns
    judgements: Sequence[Mapping[str, Any]]
    judged_by: Mapping[str, str | None]


def cell_entries(
    store: Store, cell: str, *, state: Sequence[Any], judgements: int, sweep_id: str | None = None
) -> CellEntries:
    """What there is of `cell`, asked for together: its pages are made of thousands of short answers.

    Args:
      state: of the cell, by `cell_states`.
      judgements: so many documents at most.
      sweep_id: judgements of this sweep alone, unless it is None.
    """
    kept = read_kept(store.root, cell) if sweep_id is None else None
    found = store.ask(lambda connection: _since(connection, cell, judgements, kept, state)) if kept else None
    if kept is not None and found is not None and len(found.runs) - len(kept.runs) < _KEPT_AGAIN:
        return found
    if found is None:
        found = store.ask(lambda connection: _all(connection, cell, judgements, sweep_id))
    keep(store.root, cell, KeptColumns(state=state, runs=found.runs, judged_by=found.judged_by))
    return found


def _all(connection: sa.Connection, cell: str, judgements: int, sweep_id: str | None) -> CellEntries:
    return CellEntries(
        runs=_runs(connection, cell),
        judgements=[row.document for row in _newest(connection, cell, judgements, sweep_id)],
        judged_by=_judged_by(connection, cell),
    )


def _since(
    connection: sa.Connection, cell: str, judgements: int, kept: KeptColumns, state: Sequence[Any]
) -> CellEntries | None:
    """What is kept and what came since; None where these two are not what the index has."""
    (runs, newest_run), (judged, newest_judgement) = (_counted(kept.state, table) for table in (RUNS, JUDGEMENTS))
    (runs_now, _), (judged_now, _) = (_counted(state, table) for table in (RUNS, JUDGEMENTS))
    fresh = _runs(connection, cell, since=newest_run)
    rows = _newest(connection, cell, judgements)
    new = [row for row in rows if row.created > newest_judgement]
    if runs != len(kept.runs) or runs + len(fresh) != runs_now or judged + len(new) != judged_now:
        return None
    later = {row.triggered_by: row.band_digest for row in reversed(new) if row.triggered_by is not None}
    return CellEntries(
        runs=kept.runs + fresh,
        judgements=[row.document for row in rows],
        judged_by={**kept.judged_by, **later},
    )


def _counted(state: Sequence[Any], table: sa.Table) -> tuple[int, str]:
    """How many rows of the table a cell's state counts, and when the newest of them was made."""
    found = {name: (count, newest) for name, count, newest in state}
    return found.get(table.name, (0, ""))


def _runs(connection: sa.Connection, cell: str, since: str = "") -> RunColumns:
    return columns_of(connection.execute(_RUNS_SINCE, {"cell": cell, "since": since}).all())


def _newest(connection: sa.Connection, cell: str, limit: int, sweep_id: str | None = None) -> Sequence[Any]:
    """The newest judgements, newest first."""
    query = _JUDGED if sweep_id is None else _JUDGED.where(JUDGEMENTS.c.sweep_id == sweep_id)
    return connection.execute(query, {"cell": cell, "limit": limit}).all()


def judged_by(store: Store, cell: str) -> Mapping[str, str | None]:
    """As `CellEntries.judged_by`."""
    return store.ask(lambda connection: _judged_by(connection, cell))


def _judged_by(connection: sa.Connection, cell: str) -> Mapping[str, str | None]:
    columns = (JUDGEMENTS.c.triggered_by, JUDGEMENTS.c.band_digest)
    query = sa.select(*columns).where(JUDGEMENTS.c.cell == cell, JUDGEMENTS.c.triggered_by.is_not(None))
    oldest_first = query.order_by(JUDGEMENTS.c.created, JUDGEMENTS.c.judgement_id)
    return dict(map(tuple, connection.execute(oldest_first).all()))


def rows_of_sweeps(store: Store, sweep_ids: Collection[str]) -> dict[str, list[RunRow]]:
    """Each of these sweeps that has runs -> its runs, newest first."""
    query = sa.select(RUNS).where(RUNS.c.sweep_id.in_(sweep_ids))
    newest_first = query.order_by(*RUNS_NEWEST_FIRST)
    found: dict[str, list[RunRow]] = {}
    for row in store.ask(lambda connection: run_rows(connection.execute(newest_first).all())):
        found.setdefault(str(row.sweep_id), []).append(row)
    return found


def verdicts_of_sweeps(store: Store) -> dict[str, dict[str, int]]:
    """Sweep -> verdict -> how many judgements."""
    columns = (JUDGEMENTS.c.sweep_id, JUDGEMENTS.c.verdict)
    query = sa.select(*columns, sa.func.count()).where(JUDGEMENTS.c.sweep_id.is_not(None)).group_by(*columns)

    def work(connection: sa.Connection) -> dict[str, dict[str, int]]:
        found: dict[str, dict[str, int]] = {}
        for sweep_id, verdict, count in connection.execute(query):
            found.setdefault(sweep_id, {})[verdict] = count
        return found

    return store.ask(work)
