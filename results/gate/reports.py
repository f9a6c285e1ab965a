"""A gate's reports: Markdown for a pull request, a page, JSON, and JUnit XML; pure functions of document and judgement."""

from __future__ import annotations

import json
from pathlib import Path

from trainband.results.codec import encode
from trainband.results.files import atomic_write_text
from trainband.results.gate.cell_outcomes import CellOutcome
from trainband.results.gate.gates import EnvironmentFacts, Gate, GateCell, differing_versions
from trainband.results.gate.outcomes import GateJudgement
from trainband.results.gate.page import gate_page
from trainband.results.gate.words import cost_rows, moved_words, next_step, seen_words, speed_words
from trainband.results.junit_xml import Case, Kind, Suite, junit_xml
from trainband.results.markdown import folded, table

SIGNS = {
    "bit-equal": "=",
    "equivalent": "✓",
    "better": "▲",
    "faster": "»",
    "changed": "≠",
    "regressed": "▼",
    "slower": "«",
    "undecided": "?",
    "broken": "!",
}


def write_reports(folder: Path, gate: Gate, judgement: GateJudgement) -> dict[str, Path]:
    """Write all forms into `folder`; returns form -> path. Raises OSError."""
    texts = {
        "markdown": ("report.md", markdown(gate, judgement)),
        "page": ("report.html", gate_page(gate, judgement, SIGNS)),
        "json": ("report.json", as_json(gate, judgement)),
        "junit": ("report.xml", junit(gate, judgement)),
    }
    for name, text in texts.values():
        atomic_write_text(folder / name, text)
    return {form: folder / name for form, (name, _) in texts.items()}


def as_json(gate: Gate, judgement: GateJudgement) -> str:
    """Document and judgement for machines."""
    return json.dumps(encode({"gate": gate, "judgement": judgement}), indent=1, allow_nan=False) + "\n"


def markdown(gate: Gate, judgement: GateJudgement) -> str:
    """A summary of at most one screen and the reasons below it."""
    rows = {row.cell: row for row in gate.cells}
    lines = [
        f"## {judgement.verdict}: {_named(gate.candidate)} for {_named(gate.baseline)}",
        "",
        f"{gate.candidate.target}, host {gate.host_class}, suite {gate.suite}, gate `{gate.key}`.",
        "",
        *table(
            ("", "cell", "outcome", "pairs", "what moved", "speed, 95%", "loss it could have seen"),
            [_columns(rows[each.cell], each) for each in judgement.cells],
        ),
        "",
        *(
            f"* `{each.cell}`: {each.outcome}: {_text(each.reason)}"
            for each in judgement.cells
            if each.outcome != "bit-equal"
        ),
        "",
        *_commands(gate, judgement),
        *folded(
            "Start-up, compilation and memory",
            table(
                ("cell", "cost", "baseline", "candidate"),
                [(f"`{r.cell}`", *cost) for r in gate.cells for cost in cost_rows(r)],
            ),
        ),
        "",
        *folded(
            "Packages that differ",
            table(("package", "baseline", "candidate"), differing_versions(gate.baseline, gate.candidate)),
        ),
    ]
    return "\n".join(lines) + "\n"


def _commands(gate: Gate, judgement: GateJudgement) -> list[str]:
    """What to type next."""
    found = [command for command in (next_step(gate, each) for each in judgement.cells) if command]
    if not found:
        return []
    return [*folded("Which packages are to blame, and which of their releases", ["```", *found, "```"]), ""]


def _columns(row: GateCell, outcome: CellOutcome) -> tuple[str, ...]:
    told = (moved_words(row), speed_words(outcome), seen_words(row, outcome))
    return (SIGNS[outcome.outcome], f"`{outcome.cell}`", outcome.outcome, str(len(row.pairs)), *told)


def junit(gate: Gate, judgement: GateJudgement) -> str:
    """One test case a cell: a failure where it lost, an error where it runs on neither side, skipped where it is open."""
    cases = tuple(map(_case, judgement.cells))
    return junit_xml([Suite(name=f"trainband gate {gate.suite}", timestamp=gate.created, cases=cases)])


def _case(outcome: CellOutcome) -> Case:
    kinds: dict[int, Kind] = {1: "failure", 3: "error", 4: "skipped"}
    return Case(
        classname="trainband.gate",
        name=outcome.cell,
        kind=None if outcome.ships else kinds[outcome.exit_status],
        message=f"{outcome.outcome}: {outcome.reason}",
        output="\n".join((outcome.outcome, outcome.reason, *outcome.notes)),
    )


def _text(said: str) -> str:
    """What a child said, as one line that Markdown does not take for HTML."""
    return " ".join(said.replace("&", "&amp;").replace("<", "&lt;").split())


def _named(side: EnvironmentFacts) -> str:
    return f"`{' '.join(side.asked)}`"
