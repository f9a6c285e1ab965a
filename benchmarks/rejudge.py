"""Stored runs judged again: the newest of each cell, or all of one sweep."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from trainband.benchmarks.bands_on_disk import BandFolder
from trainband.benchmarks.cells import Cell, CellError, find_cell
from trainband.benchmarks.judging import judge_cell, new_judgement_id
from trainband.models.specs import ReferenceModel
from trainband.platforms.profiles import Profile
from trainband.results.judgements import Judgement
from trainband.results.records import Record
from trainband.results.store import RunFilter, Store
from trainband.results.throughput import ThroughputJudgement, ThroughputPoint, Word, throughput_point, throughput_word

_WORST_FIRST: tuple[Word, ...] = ("slower", "contended", "no_baseline", "faster", "ok")


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A judgement made from stored records, and the word on the throughput beside it."""

    judgement: Judgement
    throughput: ThroughputJudgement


def rejudge(
    store: Store,
    bands: BandFolder,
    *,
    models: Mapping[str, ReferenceModel],
    profiles: Mapping[str, Profile],
    globs: Sequence[str] = (),
    sweep_id: str | None = None,
) -> list[Checked]:
    """Judge what is stored, without training.

    Args:
      globs: shell patterns over cells; all cells when empty.
      sweep_id: all runs of this sweep; None is the newest run of each cell. Calibration runs are left out.
    """
    wanted = [
        record
        for record in store.records(RunFilter(sweep_id=sweep_id))
        if record.seed_role not in ("calibration", "gate")
        and not (record.seed_role == "confirmation" and record.sweep_id is None)  # of an alarm of history, not of a run
        and (not globs or any(fnmatchcase(record.cell, g) for g in globs))
    ]
    groups: dict[tuple[object, ...], list[Record]] = {}
    for record in wanted:
        part = record.run_id if record.sweep_index is None else record.sweep_index
        groups.setdefault((record.cell, record.sweep_id, part), []).append(record)
    checked: dict[tuple[object, ...], Checked] = {}
    for key, group in groups.items():
        cell = _cell(group[0], models, profiles)
        place = key if sweep_id else (group[0].cell,)
        if cell is not None and place not in checked:
            checked[place] = _check(store, bands, cell, group)
    return sorted(checked.values(), key=lambda item: item.judgement.cell)


def throughput_words(checked: Iterable[Checked]) -> dict[str, str]:
    """Cell -> the word on its throughput; of several runs of a cell, the worst."""
    found: dict[str, str] = {}
    for item in checked:
        cell, word = item.judgement.cell, item.throughput.word
        found[cell] = min(found.get(cell, word), word, key=_WORST_FIRST.index)
    return found


def _check(store: Store, bands: BandFolder, cell: Cell, group: Sequence[Record]) -> Checked:
    triggers = [record for record in group if record.seed_role != "confirmation"]
    trigger = triggers[0] if triggers else None  # its record may be unreadable: then nothing stands to be confirmed
    fresh = [record for record in group if record.seed_role == "confirmation"]
    judgement = judge_cell(cell, trigger, fresh, bands, judgement_id=new_judgement_id(group[0].run_id))
    timed = trigger or group[0]
    return Checked(judgement=judgement, throughput=throughput_word(timed, _history(store, timed)))


def _history(store: Store, record: Record) -> list[ThroughputPoint]:
    others: Iterable[Record] = store.records(RunFilter(cell=record.cell, outcome="completed"))
    points = (throughput_point(other) for other in others if other.run_id != record.run_id and not other.faults)
    return [point for point in points if point is not None]


def _cell(record: Record, models: Mapping[str, ReferenceModel], profiles: Mapping[str, Profile]) -> Cell | None:
    """The record's cell; None where the registry does not have it any more."""
    try:
        return find_cell(record.cell, models, profiles)
    except CellError:
        return None
