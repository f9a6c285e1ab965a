"""From a store to the content of its pages: what is about all cells at once, and then cell by cell what the pages show."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from trainband.results.bands import Band
from trainband.results.codec import CodecError, decode
from trainband.results.index_rows import JudgementFilter, Problem
from trainband.results.judgements import Judgement
from trainband.results.pages.compare_view import SWEEPS_SHOWN
from trainband.results.pages.content import (
    AvailabilityRow,
    ModelRow,
    ProfileInfo,
    ProfileRow,
    ReportContent,
    model_info,
    standing,
)
from trainband.results.pages.history_content import cell_history, history_content
from trainband.results.pages.run_extras import ExtrasOf, no_extras
from trainband.results.pages.shown_runs import ShownRun
from trainband.results.records import Record
from trainband.results.run_columns import RunColumns
from trainband.results.store import Store, StoreError
from trainband.results.store_summaries import (
    CellEntries,
    cell_entries,
    cell_states,
    rows_of_sweeps,
    verdicts_of_sweeps,
)
from trainband.results.throughput_history import throughput_judgements
from trainband.results.waivers import Waiver

RUNS_PER_CELL = 24  # a calibration of 20 seeds, and some nights
UNFINISHED_SHOWN = 5
_MORE_JUDGEMENTS = 8  # than runs: a sweep of many seeds, or a judgement again


Kept = Callable[[Sequence[str], Mapping[str, Sequence[str]]], Mapping[str, ShownRun]]


def nothing_kept(run_ids: Sequence[str], judged: Mapping[str, Sequence[str]]) -> Mapping[str, ShownRun]:
    """As though no page of the cell stood."""
    return {}


@dataclass(frozen=True, kw_only=True)
class StoreContent:
    """Attributes:
    site: what is about all cells; it has the records and judgements of none.
    cells: those that have a page -> a JSON value that is another one once a run or a judgement of the cell has come or gone.
    runs_per_cell: the newest runs of each cell that get a page; those that a standing judgement or an open regression
      names always do.
    """

    store: Store
    site: ReportContent
    cells: Mapping[str, Any]
    runs_per_cell: int = RUNS_PER_CELL

    def of_cell(self, cell: str, kept: Kept = nothing_kept) -> ReportContent:
        """What the pages of one cell show; raises StoreError where the index cannot be read.

        Args:
          kept: the runs of the cell in the order of time, and shown run -> the judgements that name it -> what is kept of
            those whose records need not be opened.
        """
        sweep_id = str(self.site.sweep["sweep_id"]) if self.site.sweep else None
        limit = self.runs_per_cell + _MORE_JUDGEMENTS
        found = cell_entries(self.store, cell, state=self.cells[cell], sweep_id=sweep_id, judgements=limit)
        judgements, problems = _judgements(found.judgements)
        history = self.site.history.of_cell(cell)
        named = {run_id for item in standing(judgements).get(cell, ()) for run_id in item.records}
        named |= {each.onset_run for each in history.regressions}
        shown = _shown(found.runs, named, self.runs_per_cell)
        judged: dict[str, list[str]] = {run_id: [] for run_id in shown}
        for item in judgements:
            for run_id in judged.keys() & item.records:
                judged[run_id].append(item.judgement_id)
        known = kept(found.runs.run_ids, judged)
        opened = [run_id for run_id in shown if run_id in named or run_id == shown[0] or run_id not in known]
        records, unreadable = _records(self.store, opened)
        return replace(
            self.site,
            judgements=judgements,
            records=records,
            kept_runs=tuple(known[run_id] for run_id in shown if run_id not in opened),
            throughput=throughput_judgements(records, found.runs),
            left_out={cell: len(found.runs) - len(shown)} if len(found.runs) > len(shown) else {},
            problems=(*problems, *unreadable),
            history=replace(history, cells=self._history(cell, found)),
        )

    def _history(self, cell: str, found: CellEntries) -> dict[str, Any]:
        device = next((p.device for p in self.site.profiles if p.name == cell.partition("@")[2]), None)
        if device is None or not found.runs:
            return {}
        band = self.site.bands.get(cell.partition("@")[0])
        filed = self.site.history.regressions
        return {cell: cell_history(cell, found.runs, found.judged_by, band=band, device=device, filed=filed)}


def store_content(
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
    extras: ExtrasOf = no_extras,
) -> StoreContent:
    """What the report of a sweep shows, or of the whole store where `sweep_id` is None.

    Args:
      available: profile name -> the answer of its probe; a profile that is missing was not asked.
      extras: run id -> what it left beside its record.

    Raises:
      StoreError: there is no such sweep, or the store cannot be read.
    """
    sweep = store.read_sweep(sweep_id) if sweep_id else None
    cells = _cells(store, sweep)  # first: what comes meanwhile is on the pages already, and makes them anew next time
    today = datetime.fromisoformat(created).astimezone(UTC).date()
    history, unread = history_content(store, waivers=waivers, today=today)
    newest = store.sweeps(newest=SWEEPS_SHOWN)
    rows = rows_of_sweeps(store, [each["sweep_id"] for each in newest])
    unfinished = tuple(each for each in newest if each["status"] != "finished")[:UNFINISHED_SHOWN]
    site = ReportContent(
        title=title,
        created=created,
        store_label=store_label,
        trainband_version=trainband_version,
        sweep=sweep,
        models=tuple(map(model_info, models)),
        profiles=tuple(_profile_info(profile, available.get(profile.name)) for profile in profiles),
        bands=dict(bands),
        problems=(*store.problems(), *unread),
        history=history,
        unfinished=unfinished,
        verdicts=verdicts_of_sweeps(store),
        judged=_judged(store, unfinished),
        extras=extras,
        rows=tuple(row for each in newest for row in rows.get(each["sweep_id"], ())),
    )
    return StoreContent(store=store, site=site, cells=cells, runs_per_cell=runs_per_cell)


def _cells(store: Store, sweep: Mapping[str, Any] | None) -> dict[str, Any]:
    """The cells of the store, or of the sweep, that were trained or judged, by name, and the state of each."""
    known = sorted(cell_states(store).items())
    if sweep is None:
        return dict(known)
    wanted = {str(run["cell"]) for run in sweep.get("runs", ())}
    return {cell: state for cell, state in known if cell in wanted}


def _judged(store: Store, sweeps: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    return frozenset(
        document["judgement_id"]
        for sweep in sweeps
        for document in store.judgements(JudgementFilter(sweep_id=sweep["sweep_id"]))
    )


def _judgements(documents: Iterable[Mapping[str, Any]]) -> tuple[tuple[Judgement, ...], list[Problem]]:
    found, problems = [], []
    for document in documents:
        try:
            found.append(decode(Judgement, document))
        except CodecError as error:
            problems.append(Problem(path=f"judgements/{document['judgement_id']}.json", message=str(error)))
    return tuple(found), problems


def _shown(runs: RunColumns, named: set[str], runs_per_cell: int) -> list[str]:
    """The ids of the runs that get a page, newest first."""
    newest_first = reversed(runs.run_ids)
    return [run_id for place, run_id in enumerate(newest_first) if place < runs_per_cell or run_id in named]


def _records(store: Store, run_ids: Iterable[str]) -> tuple[tuple[Record, ...], list[Problem]]:
    found, problems = [], []
    for run_id in run_ids:
        try:
            found.append(store.read_record(run_id))
        except StoreError as error:
            problems.append(Problem(path=f"runs/{run_id}", message=str(error)))
    return tuple(found), problems


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
