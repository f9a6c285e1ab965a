"""A night as a document: what was trained, what waits and why, and what history made of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path

from trainband.results.codec import CodecError, decode_document, encode
from trainband.results.files import atomic_write_text
from trainband.results.index_rows import Problem
from trainband.results.layout import safe_name
from trainband.results.store_errors import explained

NIGHT_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A cell or a candidate that the night did not come to, or a canary that did not sing, and why."""

    what: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Night:
    """Attributes:
    night_id: the id of its sweep.
    ended: None while it runs, or where it was killed.
    code: digest of what the children ran, a folder of the cache's stage.
    candidates: alarms raised tonight, by the ids of their regressions.
    confirmed, refuted: what fresh runs and A/B made of candidates, tonight's and earlier ones.
    waiting: what goes first next night.
    numerics_changed: cells whose canary sang another song.
    silent: canaries that nothing can be said of tonight, which is no failure.
    expected_false_alarms: of the verdicts of a night like this on healthy cells.
    problems: what could not be read, or could not be done.
    exit_status: as the shell saw it.
    """

    night_id: str
    suite: str
    began: str
    ended: str | None
    budget_sec: float | None
    code: str
    judged: tuple[str, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    candidates: tuple[str, ...] = ()
    confirmed: tuple[str, ...] = ()
    refuted: tuple[str, ...] = ()
    numerics_changed: tuple[str, ...] = ()
    silent: tuple[Waiting, ...] = ()
    expected_false_alarms: float | None = None
    problems: tuple[str, ...] = ()
    exit_status: int | None = None
    version: int = field(default=NIGHT_VERSION)


def write_night(store_root: Path, night: Night) -> Path:
    """Store or replace the night; raises StoreError."""
    path = store_root / "nights" / f"{safe_name('night_id', night.night_id)}.json"
    with explained("write", path):
        path.parent.mkdir(exist_ok=True)
        atomic_write_text(path, night_to_json(night))
    return path


def read_night(store_root: Path, night_id: str) -> Night | None:
    """The night of that id; None where there is none. Raises CodecError."""
    path = store_root / "nights" / f"{safe_name('night_id', night_id)}.json"
    return night_from_json(path.read_text(encoding="utf-8")) if path.exists() else None


def read_nights(store_root: Path) -> tuple[list[Night], list[Problem]]:
    """Every night of a store, the newest first, and the files that cannot be read."""
    found, problems = [], []
    for path in sorted((store_root / "nights").glob("[!.]*.json"), key=attrgetter("name"), reverse=True):
        try:
            found.append(night_from_json(path.read_text(encoding="utf-8")))
        except (OSError, CodecError, UnicodeDecodeError) as error:
            problems.append(Problem(path=f"nights/{path.name}", message=str(error)))
    return sorted(found, key=lambda night: night.began, reverse=True), problems


def night_to_json(night: Night) -> str:
    """The night as its file's text."""
    return json.dumps(encode(night), indent=1, sort_keys=True, allow_nan=False) + "\n"


def night_from_json(text: str) -> Night:
    """The night in `text`; raises CodecError."""
    return decode_document(Night, text, name="night", version=NIGHT_VERSION)
