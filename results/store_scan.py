"""Reading a store's directories back: every entry becomes a row, a judgement or a problem, none is passed over."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn

from trainband.results.codec import CodecError
from trainband.results.index_rows import Entries, Problem, RunRow, check_judgement, run_row
from trainband.results.layout import Layout
from trainband.results.records import Record, record_from_json
from trainband.results.store_errors import explained

# What reading a file that anyone may have damaged raises; ValueError covers CodecError and text that is not UTF-8.
UNREADABLE = (OSError, ValueError, RecursionError)


def listing(layout: Layout) -> set[str]:
    """The path, relative to the store, of every run and judgement. Hidden names are files in the making."""
    with explained("list the store", layout.root):
        return {
            f"{folder.name}/{name}"
            for folder in (layout.runs, layout.judgements)
            for name in os.listdir(folder)  # of hundreds of thousands, a Path each would take seconds
            if not name.startswith(".")
        }


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
    for path in sorted(layout.sweeps.glob("[!.]*.json")):
        try:
            read_object(path)
        except UNREADABLE as error:
            problems.append(Problem(path=f"sweeps/{path.name}", message=describe(error)))
    return problems


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
