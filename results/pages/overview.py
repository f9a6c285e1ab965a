"""What the overview says: the answer in one line, counts, the matrix, who was skipped and why, and the runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trainband.results.exit_status import exit_status
from trainband.results.index_rows import Problem
from trainband.results.pages import formats
from trainband.results.pages.content import Current, ProfileInfo, ReportContent, current_judgements, standing
from trainband.results.pages.matrix import Matrix, build_matrix
from trainband.results.pages.reasons import metric_units, spoken_reason
from trainband.results.pages.regressions_view import RegressionView, build_regressions
from trainband.results.pages.runs_table import RunLine, run_line
from trainband.results.pages.words import THROUGHPUT, VERDICTS, WORST_FIRST, Word

RUNS_SHOWN = 30
_STATUS = {
    0: "every judged cell passes or is waived",
    1: "a cell failed",
    3: "infrastructure: an error, a timeout, or a required profile that did not train",
    4: "undecided: something has no band, is undecided, or nothing was judged",
}


@dataclass(frozen=True, kw_only=True)
class Tally:
    """How many cells have a verdict."""

    word: Word
    cells: int


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """A cell that did not pass, and why."""

    cell: str
    page: str
    word: Word
    reason: str


@dataclass(frozen=True, kw_only=True)
class Overview:
    """Attributes:
    answer: one sentence.
    facts: label and text of the lines below it.
    regressions: those that are open.
    troubles: cells that failed, broke or stayed open; `skipped` has those that did not train.
    skipped_profiles: profiles that this host cannot train, with the probe's reason.
    """

    answer: str
    tone: str
    facts: tuple[tuple[str, str], ...]
    tallies: tuple[Tally, ...]
    matrix: Matrix
    regressions: tuple[RegressionView, ...]
    troubles: tuple[Trouble, ...]
    skipped: tuple[Trouble, ...]
    skipped_profiles: tuple[ProfileInfo, ...]
    runs: tuple[RunLine, ...]
    runs_in_all: int
    legend: tuple[tuple[str, tuple[Word, ...]], ...]
    problems: tuple[Problem, ...]
    empty: bool


def build_overview(content: ReportContent) -> Overview:
    """The overview of `content`."""
    current = current_judgements(content.judgements)
    units = metric_units(content)
    newest = sorted(content.records, key=lambda item: (item.created, item.run_id), reverse=True)
    matrix = build_matrix(content)
    answer, tone = _answer(current, bool(content.records))
    return Overview(
        answer=answer,
        tone=tone,
        facts=_facts(content, current),
        tallies=tuple(
            Tally(word=VERDICTS[verdict], cells=cells)
            for verdict in reversed(WORST_FIRST)
            if (cells := sum(item.judgement.verdict == verdict for item in current.values()))
        ),
        matrix=matrix,
        regressions=tuple(view for view in build_regressions(content).shown if view.is_open),
        troubles=_troubles(current, units, skipped=False),
        skipped=_troubles(current, units, skipped=True),
        skipped_profiles=tuple(item for item in content.profiles if item.available is False),
        runs=tuple(run_line(record, content) for record in newest[:RUNS_SHOWN]),
        runs_in_all=len(newest) + sum(content.left_out.values()),
        legend=(("Verdict", tuple(VERDICTS.values())), ("Throughput", tuple(THROUGHPUT.values()))),
        problems=content.problems,
        empty=not content.records and not current and not content.planned_cells,
    )


def _answer(current: dict[str, Current], trained: bool) -> tuple[str, str]:
    judged = [item for item in current.values() if item.judgement.verdict != "skipped"]
    if not judged:
        return ("Nothing is judged yet" if trained or not current else "Every cell was skipped"), "open"
    total = len(judged)
    verdicts = [item.judgement.verdict for item in judged]
    failed = sum(item in ("fail_low", "fail_high", "diverged") for item in verdicts)
    broken = sum(item in ("error", "timeout") for item in verdicts)
    waiting = sum(item in ("undecided", "no_band") for item in verdicts)
    parts = [(failed, "failed"), (broken, "broke"), (waiting, "not settled")]
    told = [(number, what) for number, what in parts if number]
    if told:
        tone = "bad" if failed else "broken" if broken else "open"
        first, *rest = told
        answer = f"{first[0]} of {total} {_cells(total)} {first[1]}"
        return ", ".join([answer, *(f"{number} {what}" for number, what in rest)]), tone
    waived = verdicts.count("waived")
    if waived:
        return f"{total - waived} of {total} {_cells(total)} pass, {waived} waived", "good"
    return (f"All {total} cells pass" if total > 1 else "The one judged cell passes"), "good"


def _cells(count: int) -> str:
    return "cell" if count == 1 else "cells"


def _facts(content: ReportContent, current: dict[str, Current]) -> tuple[tuple[str, str], ...]:
    sweep = content.sweep or {}
    judged = [item for items in standing(content.judgements).values() for item in items]
    status = exit_status(judged, frozenset(map(str, sweep.get("required", ()))))
    facts = []
    if sweep:
        facts.append(("Sweep", str(sweep.get("sweep_id"))))
        facts.append(("Suite", str(sweep.get("suite") or "cells named one by one")))
        facts.append(("Progress", _progress(content, current)))
        facts.append(("Started", formats.utc(sweep.get("created"))))
        if sweep.get("faults"):
            facts.append(("Planted faults", ", ".join(map(str, sweep["faults"]))))
    if sweep and judged:
        facts.append(("Exit status", f"{status} ({_STATUS[status]})"))
    if content.expected_false_alarms is not None:
        facts.append(("False fails to expect", _false_alarms(content.expected_false_alarms, bool(sweep))))
    facts.append(("Store", content.store_label))
    facts.append(("Written", formats.utc(content.created)))
    facts.append(("trainband", content.trainband_version))
    return tuple(facts)


def _progress(content: ReportContent, current: dict[str, Current]) -> str:
    planned = content.planned_cells
    done = sum(cell in current for cell in planned)
    return f"{(content.sweep or {}).get('status')}, {done} of {len(planned)} cells have a verdict"


def _false_alarms(expected: float, sweep: bool) -> str:
    when = "in a sweep like this" if sweep else "each time these cells are judged"
    if expected <= 0.0:
        return f"0 {when}"
    often = f" (one in {formats.number(1 / expected, 2)})" if expected < 1 else ""
    return f"{formats.number(expected, 2)} {when}{often}, by the bands' own rates"


def _troubles(current: dict[str, Current], units: Mapping[str, str], *, skipped: bool) -> tuple[Trouble, ...]:
    ordered: Sequence[tuple[str, Current]] = sorted(
        current.items(), key=lambda item: (WORST_FIRST.index(item[1].judgement.verdict), item[0])
    )
    return tuple(
        Trouble(
            cell=cell,
            page=formats.cell_page(cell),
            word=VERDICTS[item.judgement.verdict],
            reason=spoken_reason(item.judgement, units),
        )
        for cell, item in ordered
        if item.judgement.verdict != "pass" and (item.judgement.verdict == "skipped") == skipped
    )
