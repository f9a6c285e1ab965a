"""A gate's reports: Markdown for a pull request, a page, JSON, and JUnit XML; pure functions of document and judgement."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from trainband.results.codec import encode
from trainband.results.files import atomic_write_text
from trainband.results.gate.cell_outcomes import CellOutcome
from trainband.results.gate.gates import EnvironmentFacts, Gate, GateCell, differing_versions
from trainband.results.gate.outcomes import GateJudgement
from trainband.results.gate.page import gate_page
from trainband.results.gate.words import cost_rows, moved_words, next_step, seen_words, speed_words

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
        *_table(
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
        "<details><summary>Start-up, compilation and memory</summary>",
        "",
        *_table(
            ("cell", "cost", "baseline", "candidate"),
            [(f"`{r.cell}`", *cost) for r in gate.cells for cost in cost_rows(r)],
        ),
        "",
        "</details>",
        "",
        "<details><summary>Packages that differ</summary>",
        "",
        *_table(("package", "baseline", "candidate"), differing_versions(gate.baseline, gate.candidate)),
        "",
        "</details>",
    ]
    return "\n".join(lines) + "\n"


def _commands(gate: Gate, judgement: GateJudgement) -> list[str]:
    """What to type next."""
    found = [command for command in (next_step(gate, each) for each in judgement.cells) if command]
    if not found:
        return []
    summary = "<details><summary>Which packages are to blame, and which of their releases</summary>"
    return [summary, "", "```", *found, "```", "", "</details>", ""]


def _columns(row: GateCell, outcome: CellOutcome) -> tuple[str, ...]:
    told = (moved_words(row), speed_words(outcome), seen_words(row, outcome))
    return (SIGNS[outcome.outcome], f"`{outcome.cell}`", outcome.outcome, str(len(row.pairs)), *told)


def junit(gate: Gate, judgement: GateJudgement) -> str:
    """One test case a cell: a failure where it lost, an error where it runs on neither side, skipped where it is open."""
    found = [_case(each) for each in judgement.cells]
    counts = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    facts = {"name": f"trainband gate {gate.suite}", "timestamp": gate.created[:19], "tests": str(len(found))}
    facts |= {name: str(sum(case.find(kind) is not None for case in found)) for name, kind in counts.items()}
    suite = ElementTree.Element("testsuite", facts)
    suite.extend(found)
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _case(outcome: CellOutcome) -> ElementTree.Element:
    case = ElementTree.Element("testcase", classname="trainband.gate", name=outcome.cell)
    kinds = {1: "failure", 3: "error", 4: "skipped"}
    if not outcome.ships:
        ElementTree.SubElement(case, kinds[outcome.exit_status], message=f"{outcome.outcome}: {outcome.reason}")
    ElementTree.SubElement(case, "system-out").text = "\n".join((outcome.outcome, outcome.reason, *outcome.notes))
    return case


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [columns, ["---"] * len(columns), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]


def _text(said: str) -> str:
    """What a child said, as one line that Markdown does not take for HTML."""
    return " ".join(said.replace("&", "&amp;").replace("<", "&lt;").split())


def _named(side: EnvironmentFacts) -> str:
    return f"`{' '.join(side.asked)}`"
