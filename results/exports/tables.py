"""One table for spreadsheets and data frames, as CSV and Parquet: a line for each metric of each judged run.

A row without metrics (skipped, planned, no measurement) has one line all the same, with empty metric columns. In CSV an
empty cell is a missing value, and `NaN` is a number that was measured as NaN.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from trainband.results.exports.figures import number
from trainband.results.exports.rows import ExportMetric, ExportRow, environment
from trainband.results.judgements import Judgement, WaivedVerdict
from trainband.results.records import Record

Cell = str | float | int | bool | None
Kind = Literal["text", "real", "whole", "truth"]


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column; `of` takes a row and one of its metrics, None where it has none."""

    name: str
    kind: Kind
    of: Callable[[ExportRow, ExportMetric | None], Cell]


def _row(name: str, kind: Kind, of: Callable[[ExportRow], Cell]) -> Column:
    return Column(name=name, kind=kind, of=lambda row, _: of(row))


def _judged(name: str, kind: Kind, of: Callable[[Judgement], Cell]) -> Column:
    return _row(name, kind, lambda row: None if row.judgement is None else of(row.judgement))


def _waived(name: str, of: Callable[[WaivedVerdict], Cell]) -> Column:
    return _judged(name, "text", lambda judgement: None if judgement.waived is None else of(judgement.waived))


def _run(name: str, kind: Kind, of: Callable[[Record], Cell]) -> Column:
    return _row(name, kind, lambda row: None if row.record is None else of(row.record))


def _metric(name: str, kind: Kind, of: Callable[[ExportMetric], Cell]) -> Column:
    return Column(name=name, kind=kind, of=lambda _, metric: None if metric is None else of(metric))


def _versions(record: Record) -> str:
    return "; ".join(f"{name} {version}" for name, version in sorted(environment(record).items()))


COLUMNS = (
    _row("cell", "text", lambda row: row.cell),
    _row("model", "text", lambda row: row.model),
    _row("tier", "text", lambda row: row.tier),
    _row("profile", "text", lambda row: row.profile),
    _row("sweep_id", "text", lambda row: row.sweep_id),
    _judged("judgement_id", "text", lambda judgement: judgement.judgement_id),
    _judged("judged", "text", lambda judgement: judgement.created),
    _row("verdict", "text", lambda row: row.verdict),
    _row("result", "text", lambda row: row.result),
    _row("reason", "text", lambda row: row.reason),
    _row("notes", "text", lambda row: "; ".join(row.notes)),
    _waived("waived_verdict", lambda waived: waived.verdict),
    _waived("waived_by", lambda waived: waived.owner),
    _waived("waived_until", lambda waived: waived.until),
    _judged("in_sample", "truth", lambda judgement: judgement.in_sample),
    _row("required", "truth", lambda row: row.required),
    _row("run_id", "text", lambda row: row.run_id),
    _judged("fresh_runs", "text", lambda judgement: "; ".join(judgement.records[1:])),
    _run("created", "text", lambda record: record.created),
    _run("seed", "whole", lambda record: record.seed),
    _run("seed_role", "text", lambda record: record.seed_role),
    _run("outcome", "text", lambda record: record.outcome),
    _run("wall_sec", "real", lambda record: record.wall_sec),
    _run("host_class", "text", lambda record: record.host_class),
    _run("environment", "text", _versions),
    _run("faults", "text", lambda record: "; ".join(record.faults)),
    _run("trainband_version", "text", lambda record: record.trainband_version),
    _row("throughput", "text", lambda row: None if row.throughput is None else row.throughput.word),
    _metric("metric", "text", lambda metric: metric.name),
    _metric("metric_kind", "text", lambda metric: metric.kind),
    _metric("value", "real", lambda metric: metric.value),
    _metric("unit", "text", lambda metric: metric.unit),
    _metric("direction", "text", lambda metric: metric.direction),
    _metric("lower", "real", lambda metric: metric.lower),
    _metric("upper", "real", lambda metric: metric.upper),
    _metric("inside", "truth", lambda metric: metric.inside),
    _metric("fresh_mean", "real", lambda metric: metric.fresh_mean),
)


def lines(rows: Sequence[ExportRow]) -> Iterator[tuple[Cell, ...]]:
    """The table's lines, values in the order of `COLUMNS`."""
    for row in rows:
        for metric in row.metrics or (None,):
            yield tuple(column.of(row, metric) for column in COLUMNS)


def render_csv(rows: Sequence[ExportRow]) -> dict[str, bytes]:
    """UTF-8 with a header, fields quoted where they must be."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([column.name for column in COLUMNS])
    writer.writerows([_text(cell) for cell in line] for line in lines(rows))
    return {"trainband.csv": file.getvalue().encode()}


def _text(cell: Cell) -> str:
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float):
        return number(cell)
    return "" if cell is None else str(cell)


def render_parquet(rows: Sequence[ExportRow]) -> dict[str, bytes]:
    """A typed table: NaN is a value there, and missing is null."""
    import pyarrow as pa
    from pyarrow import parquet

    kinds = {"text": pa.string(), "real": pa.float64(), "whole": pa.int64(), "truth": pa.bool_()}
    schema = pa.schema([(column.name, kinds[column.kind]) for column in COLUMNS])
    columns = list(zip(*lines(rows), strict=True))
    sink = io.BytesIO()
    arrays = [pa.array(values, type=field.type) for values, field in zip(columns, schema, strict=True)]
    parquet.write_table(pa.table(arrays, schema=schema), sink)
    return {"trainband.parquet": sink.getvalue()}
