"""The cells and seeds asked for in one go: planned first, then trained one by one, resumable at any point."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from trainband.benchmarks.bands_on_disk import BandFolder
from trainband.benchmarks.cells import Cell, find_cell
from trainband.benchmarks.judging import judge_cell, now_utc, store_judgement
from trainband.benchmarks.runner import Runner, RunRequest
from trainband.benchmarks.seeds import sweep_seed
from trainband.models.specs import ReferenceModel
from trainband.platforms.probes import Availability
from trainband.platforms.profiles import Profile
from trainband.results.codec import CodecError, decode, encode
from trainband.results.judgements import Judgement, skipped_judgement
from trainband.results.records import Record, SeedRole
from trainband.results.store import JudgementFilter, RunFilter, Store

FRESH_SEEDS = 2
SWEEP_VERSION = 1

SweepStatus = Literal["running", "finished", "interrupted"]


@dataclass(frozen=True, kw_only=True)
class PlannedRun:
    """One square of the sweep: a cell and the place of the run among the cell's runs."""

    index: int
    cell: str
    repeat: int
    seed: int
    pinned: bool = False


@dataclass(frozen=True, kw_only=True)
class SweepPlan:
    """A sweep as stored: what was asked for, so that it can be continued by another process."""

    sweep_id: str
    created: str
    suite: str | None
    runs: tuple[PlannedRun, ...]
    required: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    status: SweepStatus = "running"
    updated: str | None = None
    version: int = SWEEP_VERSION

    def judgement_id(self, planned: PlannedRun) -> str:
        """The judgement's id follows from its place, so that a resumed sweep finds what is judged already."""
        return f"{self.sweep_id}-{planned.index:04d}"


@dataclass(frozen=True, kw_only=True)
class SweepEvent:
    """What a watcher is told: a run begins, a confirmation is needed, a judgement stands."""

    kind: Literal["started", "confirming", "judged"]
    planned: PlannedRun
    judgement: Judgement | None = None
    record: Record | None = None


Watcher = Callable[[SweepEvent], None]


def plan_sweep(
    cells: Sequence[Cell],
    *,
    suite: str | None,
    seeds: int,
    required: Sequence[str] = (),
    pinned_seed: int | None = None,
    faults: Sequence[str] = (),
) -> SweepPlan:
    """A new sweep over `cells`, `seeds` runs each with fresh seeds, or one each with `pinned_seed`."""
    if pinned_seed is not None and seeds > 1:
        raise ValueError(f"seeds = {seeds} with pinned_seed = {pinned_seed}: the same run again confirms nothing")
    created = datetime.now(UTC)
    sweep_id = f"{created.strftime('%Y%m%dT%H%M%S')}-{suite or 'cells'}-{secrets.token_hex(3)}"
    squares = [(cell, repeat) for cell in cells for repeat in range(seeds)]
    runs = tuple(
        PlannedRun(
            index=index,
            cell=cell.name,
            repeat=repeat,
            seed=sweep_seed(sweep_id, cell.name, repeat) if pinned_seed is None else pinned_seed,
            pinned=pinned_seed is not None,
        )
        for index, (cell, repeat) in enumerate(squares)
    )
    return SweepPlan(
        sweep_id=sweep_id,
        created=created.isoformat(timespec="milliseconds"),
        suite=suite,
        runs=runs,
        required=tuple(required),
        faults=tuple(faults),
    )


def plan_from_document(document: Mapping[str, Any]) -> SweepPlan:
    """The plan in a stored sweep document; raises CodecError."""
    return decode(SweepPlan, dict(document))


def find_unfinished(
    store: Store, suite: str | None, cells: Sequence[str], faults: Sequence[str] = ()
) -> SweepPlan | None:
    """The newest sweep of the store that is not finished and asked for the same suite or cells, and the same faults.

    A sweep that this version cannot read is passed over.
    """
    for document in store.sweeps():
        try:
            plan = plan_from_document(document)
        except CodecError:
            continue
        same = plan.suite == suite if suite else {run.cell for run in plan.runs} == set(cells)
        if plan.status != "finished" and same and plan.faults == tuple(faults):
            return plan
    return None


@dataclass(kw_only=True)
class Sweep:
    """Carries a plan out. Everything done is stored at once, so that a kill loses the run in progress and no more.

    Attributes:
      may_begin: whether there is time for a run that is not judged yet; one that may not is left out of the judgements.
      beside: what else is done for a cell that was trained here, once it is judged.
    """

    plan: SweepPlan
    runner: Runner
    bands: BandFolder
    models: Mapping[str, ReferenceModel]
    profiles: Mapping[str, Profile]
    available: Callable[[Profile], Availability]
    watch: Watcher = lambda event: None
    may_begin: Callable[[PlannedRun], bool] = lambda planned: True
    beside: Callable[[Cell], None] = lambda cell: None

    def run(self) -> list[Judgement]:
        """Every judgement of the sweep, in the plan's order, those of an earlier attempt included.

        Raises:
          StoreError: another process is at this sweep, or the store cannot be written.
          KeyboardInterrupt: the sweep is stored as interrupted.
        """
        store = self.runner.store
        with store.lock_sweep(self.plan.sweep_id):
            self._write("running")
            try:
                judgements = self._all()
            except BaseException:
                self._write("interrupted")
                raise
            self._write("finished")
        return judgements

    def _write(self, status: SweepStatus) -> None:
        self.runner.store.write_sweep(encode(replace(self.plan, status=status, updated=now_utc())))

    def _all(self) -> list[Judgement]:
        store, sweep_id = self.runner.store, self.plan.sweep_id
        documents = store.judgements(JudgementFilter(sweep_id=sweep_id))
        done = {document["judgement_id"]: decode(Judgement, document) for document in documents}
        earlier = list(store.records(RunFilter(sweep_id=sweep_id)))
        judgements = []
        for planned in self.plan.runs:
            judgement = done.get(self.plan.judgement_id(planned))
            begins = judgement is None
            if judgement is None:
                if not self.may_begin(planned):
                    continue
                self.watch(SweepEvent(kind="started", planned=planned))
                recorded = {record.seed: record for record in earlier if record.sweep_index == planned.index}
                judgement, record = self._judged(planned, recorded)
                store_judgement(store, judgement)
            else:
                record = next((r for r in earlier if judgement.records[:1] == (r.run_id,)), None)
            judgements.append(judgement)
            self.watch(SweepEvent(kind="judged", planned=planned, judgement=judgement, record=record))
            if begins and record is not None:
                self.beside(find_cell(planned.cell, self.models, self.profiles))
        return judgements

    def _judged(self, planned: PlannedRun, recorded: Mapping[int, Record]) -> tuple[Judgement, Record | None]:
        cell = find_cell(planned.cell, self.models, self.profiles)
        judgement_id = self.plan.judgement_id(planned)
        availability = self.available(cell.profile)
        if not availability.available:
            return self._skipped(cell, judgement_id, availability.reason), None
        trigger = recorded.get(planned.seed) or self._train(planned, cell, 0)
        judgement = judge_cell(cell, trigger, (), self.bands, judgement_id=judgement_id)
        if not judgement.needs_confirmation:
            return judgement, trigger
        self.watch(SweepEvent(kind="confirming", planned=planned, judgement=judgement, record=trigger))
        fresh = [
            recorded.get(self._seed(planned, attempt)) or self._train(planned, cell, attempt)
            for attempt in range(1, FRESH_SEEDS + 1)
        ]
        return judge_cell(cell, trigger, fresh, self.bands, judgement_id=judgement_id), trigger

    def _skipped(self, cell: Cell, judgement_id: str, reason: str) -> Judgement:
        return skipped_judgement(
            judgement_id=judgement_id,
            created=now_utc(),
            cell=cell.name,
            reason=reason,
            sweep_id=self.plan.sweep_id,
        )

    def _seed(self, planned: PlannedRun, attempt: int) -> int:
        if attempt == 0:
            return planned.seed
        return sweep_seed(self.plan.sweep_id, planned.cell, planned.repeat, attempt=attempt)

    def _train(self, planned: PlannedRun, cell: Cell, attempt: int) -> Record:
        role: SeedRole = "confirmation" if attempt else "pinned" if planned.pinned else "sweep"
        return self.runner.run(
            RunRequest(
                cell=cell,
                seed=self._seed(planned, attempt),
                seed_role=role,
                sweep_id=self.plan.sweep_id,
                sweep_index=planned.index,
                faults=self.plan.faults,
            )
        )
