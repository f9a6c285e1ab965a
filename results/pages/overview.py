"""What the overview says: the answer in one line, counts, the matrix, who was skipped and why, and the runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trainband.results.bands import Band, sweep_false_fails
from trainband.results.exit_status import exit_status
from trainband.results.index_rows import Problem
from trainband.results.judgements import Judgement, Verdict
from trainband.results.pages import formats
from trainband.results.pages.content import ProfileInfo, ReportContent
from trainband.results.pages.matrix import Matrix, build_matrix
from trainband.results.pages.regressions_view import RegressionsView, RegressionView
from trainband.results.pages.runs_table import RunLine
from trainband.results.pages.summary import RUNS_SHOWN, CellSummary, Trouble
from trainband.results.pages.words import THROUGHPUT, VERDICTS, WORST_FIRST, Word

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
    host: Mapping[str, str]
    legend: tuple[tuple[str, tuple[Word, ...]], ...]
    problems: tuple[Problem, ...]
    empty: bool


def build_overview(content: ReportContent, summaries: Sequence[CellSummary], regressions: RegressionsView) -> Overview:
    """The overview of all cells."""
    cells = {summary.cell: summary for summary in summaries}
    worst = [each for summary in summaries if (each := summary.worst) is not None]
    trained = any(summary.newest for summary in summaries)
    answer, tone = _answer([each.verdict for each in worst], trained)
    newest = sorted(
        (line for summary in summaries for line in summary.newest),
        key=lambda line: (line.created_iso, line.run_id),
        reverse=True,
    )
    return Overview(
        answer=answer,
        tone=tone,
        facts=_facts(content, summaries),
        tallies=tuple(
            Tally(word=VERDICTS[verdict], cells=count)
            for verdict in reversed(WORST_FIRST)
            if (count := sum(item.verdict == verdict for item in worst))
        ),
        matrix=build_matrix(content, cells),
        regressions=tuple(view for view in regressions.shown if view.is_open),
        troubles=_troubles(summaries, skipped=False),
        skipped=_troubles(summaries, skipped=True),
        skipped_profiles=tuple(item for item in content.profiles if item.available is False),
        runs=tuple(newest[:RUNS_SHOWN]),
        runs_in_all=sum(summary.runs for summary in summaries),
        host=_host(summaries),
        legend=(("Verdict", tuple(VERDICTS.values())), ("Throughput", tuple(THROUGHPUT.values()))),
        problems=(*content.problems, *(problem for summary in summaries for problem in summary.problems)),
        empty=not summaries and not content.planned_cells,
    )


def _host(summaries: Sequence[CellSummary]) -> Mapping[str, str]:
    newest = max(summaries, key=lambda summary: summary.newest_run, default=None)
    return newest.host if newest is not None else {}


def _answer(worst: Sequence[Verdict], trained: bool) -> tuple[str, str]:
    verdicts = [verdict for verdict in worst if verdict != "skipped"]
    if not verdicts:
        return ("Nothing is judged yet" if trained or not worst else "Every cell was skipped"), "open"
    total = len(verdicts)
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


def _facts(content: ReportContent, summaries: Sequence[CellSummary]) -> tuple[tuple[str, str], ...]:
    sweep = content.sweep or {}
    judged = [item for summary in summaries for item in summary.standing]
    status = exit_status(judged, frozenset(map(str, sweep.get("required", ()))))
    expected = _expected_false_alarms(judged, content.bands)
    facts = []
    if sweep:
        facts.append(("Sweep", str(sweep.get("sweep_id"))))
        facts.append(("Suite", str(sweep.get("suite") or "cells named one by one")))
        facts.append(("Progress", _progress(content, summaries)))
        facts.append(("Started", formats.utc(sweep.get("created"))))
        if sweep.get("faults"):
            facts.append(("Planted faults", ", ".join(map(str, sweep["faults"]))))
    if sweep and judged:
        facts.append(("Exit status", f"{status} ({_STATUS[status]})"))
    if expected is not None:
        facts.append(("False fails to expect", _false_alarms(expected, bool(sweep))))
    facts.append(("Store", content.store_label))
    facts.append(("Written", formats.utc(content.created)))
    facts.append(("trainband", content.trainband_version))
    return tuple(facts)


def _expected_false_alarms(judged: Sequence[Judgement], bands: Mapping[str, Band]) -> float | None:
    """Fails of healthy cells to expect of judgements like these; None where no band says."""
    judging = [bands[name] for item in judged if item.metrics and (name := item.cell.partition("@")[0]) in bands]
    return sweep_false_fails(judging) if judging else None


def _progress(content: ReportContent, summaries: Sequence[CellSummary]) -> str:
    planned, judged = content.planned_cells, {summary.cell for summary in summaries if summary.standing}
    done = sum(cell in judged for cell in planned)
    return f"{(content.sweep or {}).get('status')}, {done} of {len(planned)} cells have a verdict"


def _false_alarms(expected: float, sweep: bool) -> str:
    when = "in a sweep like this" if sweep else "each time these cells are judged"
    if expected <= 0.0:
        return f"0 {when}"
    often = f" (one in {formats.number(1 / expected, 2)})" if expected < 1 else ""
    return f"{formats.number(expected, 2)} {when}{often}, by the bands' own rates"


def _troubles(summaries: Sequence[CellSummary], *, skipped: bool) -> tuple[Trouble, ...]:
    ordered = sorted(
        ((worst.verdict, summary) for summary in summaries if (worst := summary.worst) is not None),
        key=lambda item: (WORST_FIRST.index(item[0]), item[1].cell),
    )
    return tuple(
        summary.trouble
        for verdict, summary in ordered
        if summary.trouble is not None and (verdict == "skipped") == skipped
    )
