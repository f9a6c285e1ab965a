"""From a store to the rows of an export: one sweep, everything since a day, or what stands for each cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trainband.results.codec import CodecError, decode
from trainband.results.exports.rows import ExportError, ExportRow, judged_row, planned_row
from trainband.results.index_rows import JudgementFilter, RunFilter
from trainband.results.judgements import Judgement
from trainband.results.pages.content import standing
from trainband.results.records import Record
from trainband.results.run_columns import run_columns
from trainband.results.store import Store, StoreError
from trainband.results.throughput import ThroughputJudgement
from trainband.results.throughput_history import throughput_judgements


def export_rows(store: Store, *, sweep_id: str | None = None, since: str | None = None) -> tuple[ExportRow, ...]:
    """What is exported, in the sweep's order or by cell and time.

    Args:
      sweep_id: every judgement of this sweep, and what it planned and has not judged.
      since: every judgement since this day or time, included. With neither, the standing judgements of each cell.

    Raises:
      StoreError: there is no such sweep, or the store cannot be read.
      ExportError: there is nothing to export, or a judgement cannot be read: a gap would look like a clean store.
    """
    judgements = _judgements(store, JudgementFilter(sweep_id=sweep_id, since=since))
    if sweep_id is not None:
        return _of_sweep(store, store.read_sweep(sweep_id), judgements)
    if since is None:
        judgements = [item for items in standing(judgements).values() for item in items]
    if not judgements:
        asked = f"since {since}" if since is not None else "yet"
        raise ExportError(f"the store {store.root} has no judgement {asked}; `trainband sweep` makes some")
    ordered = sorted(judgements, key=lambda item: (item.cell, item.created, item.judgement_id))
    return _rows(store, ordered, frozenset())


def _judgements(store: Store, where: JudgementFilter) -> list[Judgement]:
    found = []
    for document in store.judgements(where):
        try:
            found.append(decode(Judgement, document))
        except CodecError as error:
            raise ExportError(
                f"judgements/{document['judgement_id']}.json: {error}; export with the release that wrote it"
            ) from error
    return found


def _of_sweep(store: Store, sweep: Mapping[str, Any], judgements: Sequence[Judgement]) -> tuple[ExportRow, ...]:
    sweep_id, required = str(sweep["sweep_id"]), frozenset(sweep.get("required", ()))
    rows = _rows(store, sorted(judgements, key=lambda item: item.judgement_id), required)
    judged = {item.judgement_id for item in judgements}
    missing = [run for run in sweep.get("runs", ()) if f"{sweep_id}-{run['index']:04d}" not in judged]
    return rows + tuple(
        planned_row(
            run["cell"],
            sweep_id=sweep_id,
            status=str(sweep["status"]),
            required=run["cell"].partition("@")[2] in required,
        )
        for run in missing
    )


def _rows(store: Store, judgements: Sequence[Judgement], required: frozenset[str]) -> tuple[ExportRow, ...]:
    records: dict[str, Record] = {}
    unreadable: dict[str, str] = {}
    for run_id in dict.fromkeys(item.records[0] for item in judgements if item.records):
        try:
            records[run_id] = store.read_record(run_id)
        except StoreError as error:
            unreadable[run_id] = str(error)
    words: dict[str, ThroughputJudgement] = {}
    for cell in dict.fromkeys(record.cell for record in records.values()):
        ours = (record for record in records.values() if record.cell == cell)
        words |= throughput_judgements(ours, run_columns(store.rows(RunFilter(cell=cell))))
    rows = []
    for item in judgements:
        run_id = item.records[0] if item.records else ""
        rows.append(
            judged_row(
                item,
                records.get(run_id),
                throughput=words.get(run_id),
                required=item.profile in required,
                notes=[unreadable[run_id]] if run_id in unreadable else [],
            )
        )
    return tuple(rows)
