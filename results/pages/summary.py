"""What the overview needs of a cell: small, and kept from one writing of the pages to the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from trainband.results.index_rows import Problem
from trainband.results.judgements import Judgement
from trainband.results.pages import formats
from trainband.results.pages.cell_view import CellView
from trainband.results.pages.content import Current, ReportContent, standing
from trainband.results.pages.host_facts import host_facts
from trainband.results.pages.reasons import metric_units, spoken_reason
from trainband.results.pages.regressions_view import RegressionView
from trainband.results.pages.runs_table import RunLine
from trainband.results.pages.square import Square, square_of
from trainband.results.pages.words import VERDICTS, WORST_FIRST, Word
from trainband.results.records import Record

RUNS_SHOWN = 30


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """A cell that did not pass, and why."""

    cell: str
    page: str
    word: Word
    reason: str


@dataclass(frozen=True, kw_only=True)
class CellSummary:
    """Attributes:
    standing: the judgements that stand for it.
    trouble: where it did not pass, or was skipped.
    newest: its newest runs, newest first; `runs` counts those without a page, too.
    newest_run: when its newest run was made, and `host` what it ran on; empty without runs.
    problems: what of it cannot be read.
    """

    cell: str
    square: Square
    standing: tuple[Judgement, ...]
    trouble: Trouble | None
    newest: tuple[RunLine, ...]
    runs: int
    newest_run: str
    host: Mapping[str, str]
    regressions: tuple[RegressionView, ...]
    problems: tuple[Problem, ...]

    @property
    def worst(self) -> Judgement | None:
        """The judgement that the cell is shown by."""
        return min(self.standing, key=lambda item: WORST_FIRST.index(item.verdict), default=None)


def summarise(
    cell: str,
    content: ReportContent,
    current: Current | None,
    records: Sequence[Record],
    page: CellView,
) -> CellSummary:
    """The summary of `cell`, whose content `content` is; the rest is what its page was made from, and what that says."""
    return CellSummary(
        cell=cell,
        square=square_of(cell, content, current, records),
        standing=tuple(standing(content.judgements).get(cell, ())),
        trouble=_trouble(cell, content, current),
        newest=tuple(replace(line, current=False) if line.current else line for line in page.runs[:RUNS_SHOWN]),
        runs=len(page.runs) + content.left_out.get(cell, 0),
        newest_run=records[0].created if records else "",
        host=host_facts(records[0]) if records else {},
        regressions=page.regressions,
        problems=content.problems,
    )


def _trouble(cell: str, content: ReportContent, current: Current | None) -> Trouble | None:
    if current is None or current.judgement.verdict == "pass":
        return None
    return Trouble(
        cell=cell,
        page=formats.cell_page(cell),
        word=VERDICTS[current.judgement.verdict],
        reason=spoken_reason(current.judgement, metric_units(content)),
    )
