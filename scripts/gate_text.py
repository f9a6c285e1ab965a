"""A gate's answer for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from trainband.results.gate.cell_outcomes import CellOutcome
from trainband.results.gate.gates import Gate, GateCell
from trainband.results.gate.outcomes import GateJudgement
from trainband.results.gate.words import moved_words, next_step, seen_words, speed_words
from trainband.tables import plain_table


def gate_text(gate: Gate, judgement: GateJudgement) -> str:
    """The table of cells, why each that does not ship is not shipped, and the verdict."""
    return "\n".join(_lines(gate, judgement))


def _lines(gate: Gate, judgement: GateJudgement) -> Iterator[str]:
    rows = {row.cell: row for row in gate.cells}
    yield plain_table([_row(rows[each.cell], each) for each in judgement.cells])
    yield ""
    for each in judgement.cells:
        if each.outcome != "bit-equal":
            yield f"{each.cell}: {each.outcome}: {each.reason}"
            yield from (f"  {note}" for note in each.notes)
            finding = rows[each.cell].finding
            if finding is not None and finding.meanings:
                yield f"  differences in meaning: {'; '.join(finding.meanings)}"
            command = next_step(gate, each)
            if command:
                yield f"  to blame: {command}"
    yield f"verdict:  {judgement.verdict}"


def _row(row: GateCell, outcome: CellOutcome) -> dict[str, str]:
    return {
        "cell": row.cell,
        "outcome": outcome.outcome,
        "pairs": str(len(row.pairs)),
        "what moved": moved_words(row),
        "speed (95%)": speed_words(outcome),
        "loss it could have seen": seen_words(row, outcome),
    }
