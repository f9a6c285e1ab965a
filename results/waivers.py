"""Waivers: a known failure that somebody owns until a date. A platform that cannot meet a band gets one of these."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, get_args

from trainband.results.judgements import Judgement, Verdict, WaivedVerdict

WAIVERS_FILE = "waivers.toml"
NOT_WAIVABLE: frozenset[Verdict] = frozenset({"pass", "skipped", "waived"})


class WaiverError(ValueError):
    """A waiver file that cannot stand; the message names the file, the field and the value."""


@dataclass(frozen=True, kw_only=True)
class Waiver:
    """Attributes:
    cells: glob over `model:tier@profile`.
    verdicts: the verdicts that it stands in front of.
    until: the last day on which it holds.
    """

    cells: str
    verdicts: frozenset[Verdict]
    owner: str
    reason: str
    until: date

    def __post_init__(self) -> None:
        known = set(get_args(Verdict)) - NOT_WAIVABLE
        wrong = sorted(set(self.verdicts) - known)
        if wrong or not self.verdicts:
            raise ValueError(f"waiver {self.cells}: verdicts {wrong or 'none'}; can waive {', '.join(sorted(known))}")
        for name in ("cells", "owner", "reason"):
            if not getattr(self, name).strip():
                raise ValueError(f"waiver {self.cells!r}: {name} is empty; a waiver names its cells, owner and reason")


def read_waivers(path: Path) -> tuple[Waiver, ...]:
    """The `[[waiver]]` tables of a TOML file, each with all fields of `Waiver`; none where there is no file.

    Raises:
      WaiverError: the file is no TOML, or a field is missing, unknown or wrong.
    """
    if not path.exists():
        return ()
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise WaiverError(f"{path}: {error}") from error
    tables = document.pop("waiver", [])
    if document or not isinstance(tables, list):
        raise WaiverError(f"{path}: {', '.join(document) or 'waiver'}: give [[waiver]] tables and nothing else")
    return tuple(_waiver(path, number, table) for number, table in enumerate(tables, start=1))


def _waiver(path: Path, number: int, table: dict[str, Any]) -> Waiver:
    names = {field.name for field in fields(Waiver)}
    if set(table) != names:
        wrong = ", ".join(sorted(set(table) ^ names))
        raise WaiverError(f"{path}: waiver {number}: {wrong}: give each of {', '.join(sorted(names))} and no other")
    if not isinstance(table["until"], date) or not isinstance(table["verdicts"], list):
        raise WaiverError(f"{path}: waiver {number}: until is a date such as 2027-01-31, verdicts a list")
    try:
        return Waiver(**{**table, "verdicts": frozenset(table["verdicts"])})
    except (ValueError, AttributeError, TypeError) as error:
        raise WaiverError(f"{path}: {error}") from error


def apply_waiver(judgement: Judgement, waivers: Sequence[Waiver], today: date) -> Judgement:
    """`judgement`, as `waived` where a waiver in force covers its verdict, else with a note where one is of its cell.

    An expired waiver changes nothing but the notes; a waived cell that passes is noted, so that the waiver can go.
    """
    notes = list(judgement.notes)
    for waiver in (w for w in waivers if fnmatchcase(judgement.cell, w.cells)):
        if waiver.until < today:
            notes.append(f"waiver of {waiver.owner} expired on {waiver.until.isoformat()}: {waiver.reason}")
        elif judgement.verdict in waiver.verdicts:
            return replace(
                judgement,
                verdict="waived",
                notes=tuple(notes),
                waived=WaivedVerdict(
                    verdict=judgement.verdict,
                    owner=waiver.owner,
                    reason=waiver.reason,
                    until=waiver.until.isoformat(),
                ),
            )
        elif judgement.verdict == "pass":
            notes.append(f"unexpected pass: waived by {waiver.owner} until {waiver.until.isoformat()}: {waiver.reason}")
    return replace(judgement, notes=tuple(notes))
