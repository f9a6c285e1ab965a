"""Reading a store's directories back: every entry becomes a row, a judgement or a problem, none is passed over."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn

from trainband.results.codec import CodecError
from trainband.results.folder_names import Names
from trainband.results.index_rows import Entries, Problem, RunRow, check_judgement, run_row
from trainband.results.layout import Layout
from trainband.results.records import Record, record_from_json
from trainband.results.store_errors import explained

# What reading a file that anyone may have damaged raises; ValueError covers CodecError and text that is not UTF-8.
UNREADABLE = (OSError, ValueError, RecursionError)


def listing(layout: Layout) -> Names:
    """The name of every run and judgement."""
    with explained("list the store", layout.root):
        return {folder.name: os.listdir(folder) for folder in (layout.runs, layout.judgements)}


def read_entries(layout: Layout, paths: Iterable[str]) -> Entries:
    """What is found at `paths`; a path that has gone meanwhile is left out."""
    rows: list[RunRow] = []
    judgements: list[dict[str, Any]] = []
    problems: list[Problem] = []
    for path in sorted(paths):
        try:
            if path.startswith("runs/"):
                rows.append(run_row(read_run(layout.root / path)))
            else:
                judgements.append(read_judgement(layout.root / path))
        except UNREADABLE as error:
            if (layout.root / path).exists():
                problems.append(Problem(path=path, message=describe(error)))
    return Entries(runs=rows, judgements=judgements, problems=problems)


def sweep_problems(layout: Layout) -> list[Problem]:
    """The sweep documents that cannot be read."""
    problems = []
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        for path in sorted(layout.sweeps.glob("[!.]*.json")):
            try:
                if not _is_sound(path.read_text(encoding="utf-8"), database):
                    read_object(path)
            except UNREADABLE as error:
                problems.append(Problem(path=f"sweeps/{path.name}", message=describe(error)))
    return problems


def _is_sound(text: str, database: sqlite3.Connection) -> bool:
    """Whether `text` is certainly a JSON object: SQLite sees it in a quarter of the time that `json` takes to make objects.

    Of what it refuses, `read_object` says what is wrong, and whether anything is.
    """
    if not text.startswith("{") or "\0" in text:  # SQLite would stop at a NUL, and call what stands before it sound
        return False
    try:
        return bool(database.execute("SELECT json_valid(?)", (text,)).fetchone()[0])
    except sqlite3.Error:  # one that was built without JSON
        return False


def read_run(path: Path) -> Record:
    """The record in the run directory `path`; raises one of UNREADABLE."""
    record = record_from_json((path / "record.json").read_text(encoding="utf-8"))
    if record.run_id != path.name:
        raise CodecError(f"record.run_id = {record.run_id!r}: the directory is {path.name!r}")
    return record


def read_judgement(path: Path) -> dict[str, Any]:
    """The judgement in the file `path`; raises one of UNREADABLE."""
    document = read_object(path)
    check_judgement(document)
    if f"{document['judgement_id']}.json" != path.name:
        raise CodecError(f"judgement_id = {document['judgement_id']!r}: the file is {path.name!r}")
    return document


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in the file `path`; raises one of UNREADABLE."""
    document = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    if not isinstance(document, dict):
        raise CodecError(f"expected a JSON object, found {type(document).__name__}")
    return document


def describe(error: BaseException) -> str:
    """One line on why an entry cannot be read."""
    if isinstance(error, FileNotFoundError) and error.filename:
        return f"there is no {Path(error.filename).name}"
    if isinstance(error, NotADirectoryError):
        return "it is a file, not a run directory"
    if isinstance(error, RecursionError):
        return "its JSON is nested too deeply"
    return " ".join(str(error).split()) or type(error).__name__


def _refuse_constant(name: str) -> NoReturn:
    raise CodecError(f"{name} is not JSON")
