"""From a store to the content of a report: one question to the index, then only the records that are shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from trainband.results.bands import Band, sweep_false_fails
from trainband.results.codec import CodecError, decode
from trainband.results.index_rows import ALL_JUDGEMENTS, Problem, RunRow
from trainband.results.judgements import Judgement
from trainband.results.pages.content import (
    AvailabilityRow,
    ModelRow,
    ProfileInfo,
    ProfileRow,
    ReportContent,
    model_info,
    standing,
)
from trainband.results.pages.formats import size
from trainband.results.pages.history_content import history_content
from trainband.results.records import Record
from trainband.results.store import Store, StoreError
from trainband.results.throughput_history import throughput_judgements
from trainband.results.waivers import Waiver

RUNS_PER_CELL = 30
UNFINISHED_SHOWN = 5


def report_content(
    store: Store,
    *,
    title: str,
    created: str,
    store_label: str,
    trainband_version: str,
    models: Iterable[ModelRow],
    profiles: Iterable[ProfileRow],
    available: Mapping[str, AvailabilityRow],
    bands: Mapping[str, Band],
    waivers: Iterable[Waiver] = (),
    sweep_id: str | None = None,
    runs_per_cell: int = RUNS_PER_CELL,
) -> ReportContent:
    """Everything that the report of a sweep shows, or of the whole store where `sweep_id` is None.

    Args:
      available: profile name -> the answer of its probe; a profile that is missing was not asked.
      runs_per_cell: the newest runs of each cell that get a page; those that a standing judgement names always do.

    Raises:
      StoreError: there is no such sweep, or the store cannot be read.
    """
    sweep = store.read_sweep(sweep_id) if sweep_id else None
    documents = store.judgements(ALL_JUDGEMENTS)
    judgements, problems = _judgements(documents, sweep_id)
    current = standing(judgements)
    rows = _rows(store, sweep, current)
    shown = _shown(rows, current, runs_per_cell)
    records, unreadable = _records(store, shown)
    profiles = tuple(profiles)
    history, unread = history_content(
        store,
        rows,
        documents,
        bands=bands,
        devices={profile.name: profile.device for profile in profiles},
        waivers=waivers,
        today=datetime.fromisoformat(created).astimezone(UTC).date(),
    )
    return ReportContent(
        title=title,
        created=created,
        store_label=store_label,
        trainband_version=trainband_version,
        sweep=sweep,
        models=tuple(map(model_info, models)),
        profiles=tuple(_profile_info(profile, available.get(profile.name)) for profile in profiles),
        judgements=judgements,
        records=records,
        throughput=throughput_judgements(records, rows),
        bands=dict(bands),
        host=host_facts(records[0]) if records else {},
        expected_false_alarms=_expected_false_alarms(current, bands),
        left_out=_left_out(rows, shown),
        problems=(*store.problems(), *problems, *unreadable, *unread),
        history=history,
        unfinished=tuple(each for each in store.sweeps() if each["status"] != "finished")[:UNFINISHED_SHOWN],
        rows=tuple(rows),
    )


def host_facts(record: Record) -> dict[str, str]:
    """What a reader wants to know of the host and software behind `record`."""
    mark = record.fingerprint
    cpu, memory, system = (_mapping(mark.get(key)) for key in ("cpu", "memory", "system"))
    python, accelerators = _mapping(mark.get("python")), _mapping(mark.get("accelerators"))
    versions = _mapping(_mapping(mark.get("framework")).get("versions"))
    total = memory.get("usable_bytes")
    gpus = [str(_mapping(gpu).get("name")) for gpu in accelerators.get("gpus") or ()]
    facts = {
        "Host class": record.host_class,
        "Processor": cpu.get("model_name"),
        "Usable cores": cpu.get("usable_cores"),
        "Memory": size(total) if isinstance(total, int | float) else None,
        "GPUs": ", ".join(gpus) or None,
        "System": " ".join(str(system[key]) for key in ("distribution", "kernel") if system.get(key)) or None,
        "Python": python.get("version"),
        "Frameworks": ", ".join(f"{name} {version}" for name, version in versions.items()) or None,
    }
    return {name: str(value) for name, value in facts.items() if value is not None}


def _judgements(
    documents: Iterable[Mapping[str, Any]], sweep_id: str | None
) -> tuple[tuple[Judgement, ...], list[Problem]]:
    found, problems = [], []
    for document in documents:
        if sweep_id is not None and document["sweep_id"] != sweep_id:
            continue
        try:
            found.append(decode(Judgement, document))
        except CodecError as error:
            problems.append(Problem(path=f"judgements/{document['judgement_id']}.json", message=str(error)))
    return tuple(found), problems


def _rows(store: Store, sweep: Mapping[str, Any] | None, current: Mapping[str, Sequence[Judgement]]) -> list[RunRow]:
    """The runs of the cells that the report is about, newest first."""
    rows = store.rows()
    if sweep is None:
        return rows
    cells = {str(run["cell"]) for run in sweep.get("runs", ())} | set(current)
    return [row for row in rows if row.cell in cells]


def _shown(rows: Sequence[RunRow], current: Mapping[str, Sequence[Judgement]], runs_per_cell: int) -> list[RunRow]:
    named = {run_id for items in current.values() for item in items for run_id in item.records}
    seen: dict[str, int] = {}
    shown = []
    for row in rows:
        seen[row.cell] = seen.get(row.cell, 0) + 1
        if seen[row.cell] <= runs_per_cell or row.run_id in named:
            shown.append(row)
    return shown


def _left_out(rows: Sequence[RunRow], shown: Sequence[RunRow]) -> dict[str, int]:
    ids = {row.run_id for row in shown}
    left: dict[str, int] = {}
    for row in rows:
        if row.run_id not in ids:
            left[row.cell] = left.get(row.cell, 0) + 1
    return left


def _records(store: Store, rows: Iterable[RunRow]) -> tuple[tuple[Record, ...], list[Problem]]:
    found, problems = [], []
    for row in rows:
        try:
            found.append(store.read_record(row.run_id))
        except StoreError as error:
            problems.append(Problem(path=f"runs/{row.run_id}", message=str(error)))
    return tuple(found), problems


def _expected_false_alarms(current: Mapping[str, Sequence[Judgement]], bands: Mapping[str, Band]) -> float | None:
    judging = [
        bands[cell.partition("@")[0]]
        for cell, items in current.items()
        for item in items
        if item.metrics and cell.partition("@")[0] in bands
    ]
    return sweep_false_fails(judging) if judging else None


def _profile_info(profile: ProfileRow, answer: AvailabilityRow | None) -> ProfileInfo:
    if answer is None:
        return ProfileInfo(name=profile.name, title=profile.title, device=profile.device)
    return ProfileInfo(
        name=profile.name,
        title=profile.title,
        device=profile.device,
        available=answer.available,
        reason=answer.reason,
    )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
