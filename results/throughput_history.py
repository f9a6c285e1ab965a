"""The word on the throughput of many runs at once, from the index's rows: no record of an earlier run is opened."""

from __future__ import annotations

from collections.abc import Iterable

from trainband.results.index_rows import RunRow
from trainband.results.records import Record
from trainband.results.throughput import ThroughputJudgement, ThroughputPoint, throughput_word


def throughput_judgements(records: Iterable[Record], rows: Iterable[RunRow]) -> dict[str, ThroughputJudgement]:
    """Run id -> how fast each of `records` trained beside the earlier runs among `rows`."""
    history: dict[str, list[ThroughputPoint]] = {}
    for row in rows:
        if row.recipe_hash is not None:
            history.setdefault(row.cell, []).append(_point(row, row.recipe_hash))
    return {record.run_id: throughput_word(record, history.get(record.cell, ())) for record in records}


def _point(row: RunRow, recipe_hash: str) -> ThroughputPoint:
    return ThroughputPoint(
        run_id=row.run_id,
        created=row.created,
        cell=row.cell,
        recipe_hash=recipe_hash,
        host_class=row.host_class,
        examples_per_sec=row.examples_per_sec,
        examples_per_cpu_sec=row.examples_per_cpu_sec,
        contended=row.contended,
        faults=row.faults,
    )
