"""A gate's page: one file that opens from disk and needs nothing from outside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from importlib import resources

import jinja2

from trainband.results.gate.gates import Finding, Gate, differing_versions
from trainband.results.gate.outcomes import GateJudgement
from trainband.results.gate.strips import strips
from trainband.results.gate.words import cost_rows, moved_words, next_step, place_words, seen_words, speed_words


def gate_page(gate: Gate, judgement: GateJudgement, signs: Mapping[str, str]) -> str:
    """The page as HTML."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("trainband.results.pages", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    rows = {row.cell: row for row in gate.cells}
    return environment.get_template("gate.html").render(
        gate=gate,
        judgement=judgement,
        signs=signs,
        tallies=Counter(each.outcome for each in judgement.cells),
        packages=differing_versions(gate.baseline, gate.candidate),
        style=(resources.files("trainband.results.pages") / "assets" / "report.css").read_text(encoding="utf-8"),
        rows=[
            {
                "outcome": each,
                "row": rows[each.cell],
                "moved": moved_words(rows[each.cell]),
                "speed": speed_words(each),
                "seen": seen_words(rows[each.cell], each),
                "costs": cost_rows(rows[each.cell]),
                "finding": rows[each.cell].finding,
                "strips": strips(each),
                "next_step": next_step(gate, each),
                "place": _place(rows[each.cell].finding),
            }
            for each in judgement.cells
        ],
    )


def _place(finding: Finding | None) -> str:
    return "" if finding is None else place_words(finding)
