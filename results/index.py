"""The index of a store in a database: a copy of what its directories say, made for questions, and remade at will.

This module imports SQLAlchemy, so it is itself imported only once an index is opened.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import logging
import sqlite3
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import event, exc, pool

from trainband.results.folder_names import Names, differences
from trainband.results.index_rows import Entries, JudgementFilter, Problem, RunFilter, RunRow, utc_text
from trainband.results.index_tables import (
    JUDGEMENTS,
    JUDGEMENTS_NEWEST_FIRST,
    META,
    PROBLEMS,
    RUNS,
    RUNS_NEWEST_FIRST,
    SCHEMA_VERSION,
    TABLES,
)
from trainband.results.index_values import judgement_values, run_rows, run_values
from trainband.results.store_errors import IndexDamaged, IndexUnavailable

T = TypeVar("T")

_BUSY_TIMEOUT_SEC = 30.0
_RETRY_DELAYS_SEC = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
_WRITE = "trainband_write"
_GLOB = frozenset("*?[")
_JOINING = frozenset({"sqlite"})  # others hold the length of such a text down, or call the function another name
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL)


class Index:
    """A database with the tables `runs`, `judgements`, `problems` and `trainband_index` (schema version, store).

    Every call is a connection and a transaction of its own, so that an Index may outlive a fork and a lost connection.

    Args:
      url: any SQLAlchemy URL; `sqlite://` lives in memory.
      store_id: whose runs these are. A database that holds another store's is refused, unless `owned`.
      owned: the database is the store's own file, to be taken over whatever it holds.

    Raises:
      IndexUnavailable: the URL has no known form, or its driver is not installed.
    """

    def __init__(self, url: str, *, store_id: str, owned: bool = False) -> None:
        self._engine = _engine(url)
        logging.getLogger(f"sqlalchemy.pool.impl.{type(self._engine.pool).__name__}").addFilter(_is_error)
        self._store_id = store_id
        self._owned = owned
        self.name = self._engine.url.render_as_string(hide_password=True)

    def prepare(self) -> bool:
        """Makes the tables where they are missing or of another schema version; True if it did, so that all are empty."""
        if self._do(self._is_current):
            return False
        try:
            return self._do(self._make_tables, write=True)
        except IndexDamaged:
            raise
        except IndexUnavailable:
            if not self._do(self._is_current):  # else another process made them between our look and our attempt
                raise
            return False

    def put(self, entries: Entries) -> None:
        """Inserts or replaces `entries`."""
        self._do(lambda connection: _put(connection, entries), write=True)

    def reload(self, entries: Entries, listing: Callable[[], Names]) -> None:
        """Puts `entries` and drops what `listing`, called in the transaction, no longer has.

        A run directory stands before its row is inserted, so a run that came after `entries` were read is kept.
        """

        def work(connection: sa.Connection) -> None:
            _put(connection, entries)
            _drop(connection, differences(_known_names(connection), listing())[0])

        self._do(work, write=True)

    def known_names(self) -> Names:
        """The name of every entry."""
        return self._do(_known_names)

    def runs(self, where: RunFilter) -> list[RunRow]:
        """The runs that `where` asks for, newest first."""
        names = ("model", "tier", "profile", "sweep_id", "outcome")

        def work(connection: sa.Connection) -> list[RunRow]:
            query = _narrowed(connection, RUNS, where, names).order_by(*RUNS_NEWEST_FIRST)
            return run_rows(connection.execute(query.limit(where.limit)).all())

        return self._do(work)

    def judgements(self, where: JudgementFilter) -> list[dict[str, Any]]:
        """The documents of the judgements that `where` asks for, newest first."""

        def work(connection: sa.Connection) -> list[dict[str, Any]]:
            query = _narrowed(connection, JUDGEMENTS, where, ("verdict", "sweep_id")).order_by(*JUDGEMENTS_NEWEST_FIRST)
            query = query.limit(where.limit) if where.run_id is None else query
            rows = [row for row in connection.execute(query) if where.run_id is None or where.run_id in row.records]
            return [dict(row.document) for row in rows[: where.limit]]

        return self._do(work)

    def ask(self, question: Callable[[sa.Connection], T]) -> T:
        """The answer to a question that only reads; it may be asked again where another process was in the way."""
        return self._do(question)

    def problems(self) -> list[Problem]:
        """The entries that could not be read, by path."""
        query = sa.select(PROBLEMS).order_by(PROBLEMS.c.path)
        return self._do(
            lambda connection: [Problem(path=row.path, message=row.message) for row in connection.execute(query)]
        )

    def close(self) -> None:
        """Gives up what an index in memory holds; others hold nothing between calls."""
        self._engine.dispose()

    def _is_current(self, connection: sa.Connection) -> bool:
        return self._schema(connection) == SCHEMA_VERSION

    def _schema(self, connection: sa.Connection) -> int | None:
        """The schema version found, None if there are no tables of ours; raises where the database is somebody else's."""
        inspector = sa.inspect(connection)
        # Ours appear together: asked for in this order, another process that is making them is not taken for a stranger.
        others = any(inspector.has_table(table.name) for table in TABLES.sorted_tables if table is not META)
        if not inspector.has_table(META.name):
            if others and not self._owned:
                raise IndexUnavailable(
                    f"the database {self.name} holds tables of this name that are not trainband's; give another with --index"
                )
            return None
        row = connection.execute(sa.text(f"SELECT * FROM {META.name}")).mappings().first()
        if row is None or (self._owned and row.get("store_id") != self._store_id):
            return None
        if row.get("store_id") != self._store_id:
            raise IndexUnavailable(
                f"the database {self.name} is the index of another store; give each store a database of its own with --index"
            )
        version = row.get("schema_version")
        return version if isinstance(version, int) else None

    def _make_tables(self, connection: sa.Connection) -> bool:
        if self._schema(connection) == SCHEMA_VERSION:
            return False
        TABLES.drop_all(connection)
        TABLES.create_all(connection)
        connection.execute(META.insert().values(schema_version=SCHEMA_VERSION, store_id=self._store_id))
        return True

    def _do(self, work: Callable[[sa.Connection], T], *, write: bool = False) -> T:
        """Runs `work` in a transaction; again after a pause where another process was in the way."""
        for delay_sec in (*_RETRY_DELAYS_SEC, None):
            try:
                with self._engine.connect() as connection:
                    connection = connection.execution_options(**{_WRITE: write})
                    with connection.begin():
                        return work(connection)
            except exc.SQLAlchemyError as error:
                if delay_sec is None or not _was_in_the_way(error):
                    raise self._explained(error) from error
                time.sleep(delay_sec)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _explained(self, error: exc.SQLAlchemyError) -> IndexUnavailable:
        reason = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
        kind = IndexDamaged if _sqlite_code(error) in _DAMAGED else IndexUnavailable
        return kind(f"the index {self.name} cannot be used: {reason}; check it, or give another database with --index")


def _engine(url: str) -> sa.Engine:
    try:
        parsed = sa.make_url(url)
        if parsed.get_backend_name() != "sqlite":
            return sa.create_engine(parsed, poolclass=pool.NullPool)
        in_memory = parsed.database in (None, "", ":memory:")
        engine = sa.create_engine(
            parsed,
            poolclass=pool.StaticPool if in_memory else pool.NullPool,
            connect_args={"timeout": _BUSY_TIMEOUT_SEC, "check_same_thread": not in_memory},
        )
    except (exc.SQLAlchemyError, ImportError) as error:
        shown = url.partition("://")[0]
        raise IndexUnavailable(
            f"--index={shown}://... cannot be opened: {error}; give a SQLAlchemy URL such as sqlite:////path/index.sqlite or "
            "postgresql+psycopg://host/database, and install its driver"
        ) from error
    event.listen(engine, "connect", _on_sqlite_connect)
    event.listen(engine, "begin", _on_sqlite_begin)
    return engine


def _is_error(record: logging.LogRecord) -> bool:
    """An interrupt while a connection closes is passed on by the pool, and is no error for it to log."""
    kind = record.exc_info[0] if record.exc_info else None
    return kind is None or issubclass(kind, Exception)


def _on_sqlite_connect(connection: Any, _: object) -> None:
    connection.isolation_level = None  # sqlite3 leaves BEGIN to _on_sqlite_begin
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")


def _on_sqlite_begin(connection: sa.Connection) -> None:
    """A writer takes its lock at once: one that begins as a reader and is overtaken could never finish."""
    writes = connection.get_execution_options().get(_WRITE)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _sqlite_code(error: exc.SQLAlchemyError) -> int | None:
    """SQLite's primary error code."""
    code = getattr(getattr(error, "orig", None), "sqlite_errorcode", None)
    return None if code is None else int(code) & 0xFF


def _was_in_the_way(error: exc.SQLAlchemyError) -> bool:
    """Whether another process caused it: a lock, or the same row inserted between our delete and our insert."""
    return isinstance(error, exc.IntegrityError) or _sqlite_code(error) in _LOCKED


def _put(connection: sa.Connection, entries: Entries) -> None:
    _drop(connection, entries.paths())
    if entries.runs:
        connection.execute(RUNS.insert(), [run_values(row) for row in entries.runs])
    if entries.judgements:
        connection.execute(JUDGEMENTS.insert(), [judgement_values(document) for document in entries.judgements])
    if entries.problems:
        connection.execute(PROBLEMS.insert(), [dataclasses.asdict(problem) for problem in entries.problems])


def _drop(connection: sa.Connection, paths: Sequence[str]) -> None:
    """Deletes the entries at `paths`, whatever they are."""
    runs = [{"key": path.removeprefix("runs/")} for path in paths if path.startswith("runs/")]
    judgements = [
        {"key": path.removeprefix("judgements/").removesuffix(".json")}
        for path in paths
        if path.startswith("judgements/")
    ]
    for column, keys in (
        (RUNS.c.run_id, runs),
        (JUDGEMENTS.c.judgement_id, judgements),
        (PROBLEMS.c.path, [{"key": path} for path in paths]),
    ):
        if keys:
            connection.execute(sa.delete(column.table).where(column == sa.bindparam("key")), keys)


def _known_names(connection: sa.Connection) -> Names:
    names = {
        "runs": _all_of(connection, RUNS.c.run_id),
        "judgements": _all_of(connection, JUDGEMENTS.c.judgement_id + ".json"),
    }
    for path in connection.scalars(sa.select(PROBLEMS.c.path)):
        folder, _, name = path.partition("/")
        names.setdefault(folder, []).append(name)
    return names


def _all_of(connection: sa.Connection, names: sa.ColumnElement[str]) -> list[str]:
    """Every one of `names`, none of which has a slash; as one text where it can be: a row each takes several times as long."""
    if connection.dialect.name not in _JOINING:
        return list(connection.scalars(sa.select(names)))
    text = connection.scalar(sa.select(sa.func.group_concat(names, "/")))
    return text.split("/") if text else []


def _narrowed(
    connection: sa.Connection, table: sa.Table, where: RunFilter | JudgementFilter, names: Sequence[str]
) -> sa.Select[Any]:
    query = sa.select(table)
    for name in names:
        value = getattr(where, name)
        if value is not None:
            query = query.where(table.c[name] == value)
    if where.since is not None:
        query = query.where(table.c.created >= utc_text("since", where.since))
    if where.cell is not None and not _GLOB.intersection(where.cell):
        query = query.where(table.c.cell == where.cell)
    elif where.cell is not None:
        cells = connection.scalars(sa.select(table.c.cell).distinct())
        query = query.where(table.c.cell.in_([cell for cell in cells if fnmatch.fnmatchcase(cell, where.cell)]))
    return query
