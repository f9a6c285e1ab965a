"""Markdown for a job summary or a pull request: how many of what, the cells that need somebody, then all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from trainband.results.exports.figures import band, short
from trainband.results.exports.rows import ExportMetric, ExportRow, environment
from trainband.results.judgements import SIGNS
from trainband.results.markdown import folded, table

_PLANNED_SIGN = "…"


def render(rows: Sequence[ExportRow]) -> dict[str, bytes]:
    """The summary; cells that were skipped or passed without a remark stand in tables alone."""
    skipped = [row for row in rows if row.result == "skipped"]
    shown = [row for row in rows if row.result != "skipped"]
    remarks = [row for row in shown if row.result != "passed" or row.notes]
    lines = [
        f"## trainband: {counted(rows)}",
        "",
        *_facts(rows),
        *([*_cells(shown), ""] if shown else []),
        *(f"* {sign(row)} `{row.cell}`: {row.verdict}: {_one_line(row.story)}" for row in remarks),
        *([""] if remarks else []),
    ]
    if skipped:
        told = [(f"`{row.cell}`", _one_line(row.reason)) for row in skipped]
        lines += folded(f"{len(skipped)} skipped", table(("cell", "reason"), told))
    return {"summary.md": ("\n".join(lines).rstrip() + "\n").encode()}


def counted(rows: Sequence[ExportRow]) -> str:
    """`2 pass, 1 fail_low`."""
    return ", ".join(f"{count} {verdict}" for verdict, count in Counter(row.verdict for row in rows).items())


def sign(row: ExportRow) -> str:
    """The sign of the row's verdict."""
    return _PLANNED_SIGN if row.verdict == "planned" else SIGNS[row.verdict]


def _facts(rows: Sequence[ExportRow]) -> list[str]:
    records = [row.record for row in rows if row.record is not None]
    sweeps = dict.fromkeys(f"`{row.sweep_id}`" for row in rows if row.sweep_id is not None)
    hosts = dict.fromkeys(f"`{record.host_class}`" for record in records)
    versions = dict.fromkeys(
        f"{name} {version}" for record in records for name, version in sorted(environment(record).items())
    )
    said = [
        f"{title}: {', '.join(found)}"
        for title, found in (("Sweep", sweeps), ("host class", hosts), ("versions", versions))
        if found
    ]
    return [f"{'; '.join(said)}.", ""] if said else []


def _cells(rows: Sequence[ExportRow]) -> list[str]:
    columns = ("", "cell", "verdict", "metrics", "examples/s", "throughput", "run")
    return table(columns, [_columns(row) for row in rows])


def _columns(row: ExportRow) -> tuple[str, ...]:
    speed = next((metric for metric in row.metrics if metric.name == "examples_per_sec"), None)
    return (
        sign(row),
        f"`{row.cell}`",
        row.verdict,
        ", ".join(map(_metric, row.quality)),
        "" if speed is None else short(speed.value),
        "" if row.throughput is None else row.throughput.word,
        "" if row.run_id is None else f"`{row.run_id}`",
    )


def _metric(metric: ExportMetric) -> str:
    interval = band(metric)
    where = "" if interval is None else f" {'in' if metric.inside else '**outside**'} {interval}"
    return f"{metric.name} {short(metric.value)}{where}"


def _one_line(text: str) -> str:
    """Text of a log or a person: it opens no element of the page."""
    return "; ".join(text.splitlines()).replace("<", "&lt;")
