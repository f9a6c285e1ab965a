"""What the pages ask a store about many runs at once: counted by the index's database, and no document is read."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from trainband.results.index_tables import JUDGEMENTS, RUNS
from trainband.results.store import Store


def cells_of(store: Store) -> list[str]:
    """The cells that were trained or judged, by name."""
    query = sa.union(sa.select(RUNS.c.cell), sa.select(JUDGEMENTS.c.cell))
    return store.ask(lambda connection: sorted(connection.scalars(query)))


def cell_states(store: Store) -> dict[str, list[Any]]:
    """Cell -> a JSON value that is another one once a run or a judgement of it has come or gone."""

    def work(connection: sa.Connection) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {}
        for table in (RUNS, JUDGEMENTS):
            query = sa.select(table.c.cell, sa.func.count(), sa.func.max(table.c.created)).group_by(table.c.cell)
            for cell, count, newest in connection.execute(query):
                found.setdefault(cell, []).append([table.name, count, newest])
        return found

    return store.ask(work)


def judged_by(store: Store, cell: str) -> dict[str, str | None]:
    """Run of `cell` -> digest of the band of the newest judgement that it triggered."""
    columns = (JUDGEMENTS.c.triggered_by, JUDGEMENTS.c.band_digest)
    query = sa.select(*columns).where(JUDGEMENTS.c.cell == cell, JUDGEMENTS.c.triggered_by.is_not(None))
    oldest_first = query.order_by(JUDGEMENTS.c.created, JUDGEMENTS.c.judgement_id)

    def work(connection: sa.Connection) -> dict[str, str | None]:
        return dict(map(tuple, connection.execute(oldest_first).all()))

    return store.ask(work)


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
