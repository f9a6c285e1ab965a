"""JUnit XML: a suite a sweep, a case a judged run.

A failed band is a failure, what a framework or host broke an error, a cell that this host cannot train skipped. What is
open (undecided, no band, planned and not judged) is a failure with its word as the type, as a sweep does not exit with 0
then. A waived failure is skipped, as pytest reports an expected failure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from trainband.results.exports.figures import told
from trainband.results.exports.rows import ExportRow, Result
from trainband.results.junit_xml import Case, Kind, Suite, junit_xml

_KINDS: dict[Result, Kind | None] = {
    "passed": None,
    "failed": "failure",
    "open": "failure",
    "error": "error",
    "waived": "skipped",
    "skipped": "skipped",
}


def render(rows: Sequence[ExportRow]) -> dict[str, bytes]:
    """The document; cases of one name and suite are numbered."""
    by_sweep: dict[str, list[ExportRow]] = {}
    for row in rows:
        by_sweep.setdefault(row.sweep_id or "runs", []).append(row)
    return {"junit.xml": junit_xml([_suite(sweep, found) for sweep, found in by_sweep.items()]).encode()}


def _suite(sweep: str, rows: Sequence[ExportRow]) -> Suite:
    seen: Counter[str] = Counter()
    cases = []
    for row in rows:
        seen[row.cell] += 1
        cases.append(_case(row, seen[row.cell]))
    judged = [row.judgement.created for row in rows if row.judgement is not None]
    return Suite(name=f"trainband {sweep}", timestamp=min(judged, default=None), cases=cases)


def _case(row: ExportRow, repeat: int) -> Case:
    kind = _KINDS[row.result]
    in_sample = row.verdict == "pass" and row.result == "open"
    record = row.record
    facts = [] if record is None else [f"run {record.run_id}, seed {record.seed}, host class {record.host_class}"]
    again = [] if record is None else [f"again: {record.command}"]
    log = [] if record is None or record.measurement is not None else record.log_tail.splitlines()
    return Case(
        classname=f"trainband.{row.model}.{row.tier}",
        name=row.cell if repeat == 1 else f"{row.cell} #{repeat}",
        kind=kind,
        type=None if kind is None else "in_sample" if in_sample else row.verdict,
        message="" if kind is None else f"{row.verdict}: {row.story}",
        output="\n".join([f"{row.verdict}: {row.story}", *facts, *map(told, row.metrics), *again, *log]),
        seconds=None if record is None else record.wall_sec,
    )
