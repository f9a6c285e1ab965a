"""The status page: what ran in each night, what is waiting and why, and who owns what is known to fail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from trainband.results.history.nights import Night
from trainband.results.pages import formats
from trainband.results.pages.content import ReportContent
from trainband.results.pages.summary import CellSummary
from trainband.results.pages.words import NIGHTS, SWEEPS, Word

NIGHTS_SHOWN = 60


@dataclass(frozen=True, kw_only=True)
class NightLine:
    """A night, each text ready to show.

    Attributes:
      verdicts: how many cells have which.
      history: what alarms came to.
    """

    id: str
    word: Word
    began: str
    took: str
    suite: str
    verdicts: str
    history: str
    numerics: str
    waiting: int
    expected: str


@dataclass(frozen=True, kw_only=True)
class UnfinishedLine:
    """A sweep that runs or was interrupted.

    Attributes:
      waiting: cells without a verdict.
      go_on: the command that goes on with it; empty while it runs.
    """

    id: str
    word: Word
    created: str
    progress: str
    waiting: tuple[str, ...]
    go_on: str


@dataclass(frozen=True, kw_only=True)
class WaiverLine:
    """A waiver and how many known cells it stands in front of."""

    cells: str
    verdicts: str
    owner: str
    until: str
    reason: str
    count: int
    expired: bool


@dataclass(frozen=True, kw_only=True)
class StatusView:
    """Attributes:
    facts: label and text about the newest night.
    waiting, silent: what, and why, of the newest night.
    """

    answer: str
    tone: str
    facts: tuple[tuple[str, str], ...]
    waiting: tuple[tuple[str, str], ...]
    silent: tuple[tuple[str, str], ...]
    problems: tuple[str, ...]
    unfinished: tuple[UnfinishedLine, ...]
    nights: tuple[NightLine, ...]
    nights_in_all: int
    waivers: tuple[WaiverLine, ...]


def build_status(content: ReportContent, summaries: Iterable[CellSummary]) -> StatusView:
    """The page of the store's nights."""
    history = content.history
    lines = [_line(night, content.verdicts.get(night.night_id, {})) for night in history.nights[:NIGHTS_SHOWN]]
    newest = history.nights[0] if history.nights else None
    return StatusView(
        answer=_answer(lines, newest),
        tone=lines[0].word.tone if lines else "open",
        facts=_facts(lines[0], newest) if newest is not None else (),
        waiting=tuple((each.what, each.why) for each in newest.waiting) if newest else (),
        silent=tuple((each.what, each.why) for each in newest.silent) if newest else (),
        problems=newest.problems if newest else (),
        unfinished=tuple(_unfinished(sweep, content) for sweep in content.unfinished),
        nights=tuple(lines),
        nights_in_all=len(history.nights),
        waivers=tuple(_waivers(content, [summary.cell for summary in summaries])),
    )


def _answer(lines: list[NightLine], newest: Night | None) -> str:
    if newest is None:
        return "No night has run yet"
    when = f"The night of {newest.began[:10]}"
    return f"{when}: {lines[0].word.meaning}"


def _facts(line: NightLine, night: Night) -> tuple[tuple[str, str], ...]:
    budget = "none" if night.budget_sec is None else formats.duration(night.budget_sec)
    facts = [
        ("Night", line.id),
        ("Suite", line.suite),
        ("Began", line.began),
        ("Took", f"{line.took} (budget: {budget})"),
        ("Verdicts", line.verdicts),
        ("History", line.history),
        ("False fails to expect", line.expected),
    ]
    if line.numerics:
        facts.append(("Numerics changed", line.numerics))
    return tuple(facts)


def _line(night: Night, verdicts: Mapping[str, int]) -> NightLine:
    commonest = sorted(verdicts.items(), key=lambda item: -item[1])
    told = [
        f"{len(names)} {word}"
        for word, names in (
            ("alarms", night.candidates),
            ("confirmed", night.confirmed),
            ("refuted", night.refuted),
        )
        if names
    ]
    took = _seconds(night)
    return NightLine(
        id=night.night_id,
        word=NIGHTS.get(night.exit_status, NIGHTS[None]),
        began=formats.utc(night.began),
        took="not ended" if took is None else formats.duration(took),
        suite=night.suite,
        verdicts=", ".join(f"{count} {verdict}" for verdict, count in commonest) or "none",
        history=", ".join(told) or "no alarm",
        numerics=", ".join(night.numerics_changed),
        waiting=len(night.waiting),
        expected=formats.number(night.expected_false_alarms, 2),
    )


def _seconds(night: Night) -> float | None:

    if night.ended is None:
        return None
    return (datetime.fromisoformat(night.ended) - datetime.fromisoformat(night.began)).total_seconds()


def _unfinished(sweep: Mapping[str, Any], content: ReportContent) -> UnfinishedLine:
    planned = [(str(run["cell"]), int(run["index"])) for run in sweep.get("runs", ())]
    waiting = [cell for cell, index in planned if f"{sweep['sweep_id']}-{index:04d}" not in content.judged]
    suite = sweep.get("suite")
    what = f"--suite={suite}" if suite else " ".join(f"--cells={cell}" for cell in dict.fromkeys(c for c, _ in planned))
    interrupted = sweep["status"] == "interrupted"
    return UnfinishedLine(
        id=str(sweep["sweep_id"]),
        word=SWEEPS["interrupted" if interrupted else "running"],
        created=formats.utc(sweep["created"]),
        progress=f"{len(planned) - len(waiting)} of {len(planned)} runs have a verdict",
        waiting=tuple(dict.fromkeys(waiting)),
        go_on=f"trainband sweep {what} --resume" if interrupted else "",
    )


def _waivers(content: ReportContent, cells: Sequence[str]) -> Iterable[WaiverLine]:
    for waiver in content.history.waivers:
        yield WaiverLine(
            cells=waiver.cells,
            verdicts=", ".join(sorted(waiver.verdicts)),
            owner=waiver.owner,
            until=waiver.until.isoformat(),
            reason=waiver.reason,
            count=sum(fnmatchcase(cell, waiver.cells) for cell in cells),
            expired=content.history.today > waiver.until,
        )
