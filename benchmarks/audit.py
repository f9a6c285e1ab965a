"""The audit: every fault that a cell has a place for is trained beside healthy runs of its seeds, and looked for.

Two ways of looking are counted apart: the verdict on the run alone, and `diff` between it and the healthy run of its seed.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from trainband import __version__
from trainband.benchmarks.bands_on_disk import BandFolder
from trainband.benchmarks.cells import Cell
from trainband.benchmarks.diff.refine import Rerunner, Side, refine
from trainband.benchmarks.diff.stages import Divergence, Stage
from trainband.benchmarks.diff.trajectory import compare_traces
from trainband.benchmarks.faults.fault import NO_PLACE, Fault
from trainband.benchmarks.host_lock import host_lock
from trainband.benchmarks.judging import now_utc
from trainband.benchmarks.run_spec import TRACE_FILE
from trainband.benchmarks.runner import RunRequest
from trainband.benchmarks.side_by_side import SideBySide
from trainband.benchmarks.trace.files import read_trace
from trainband.benchmarks.trace.tensors import TensorKey
from trainband.benchmarks.training_child import environment_of
from trainband.platforms.fingerprint import collect
from trainband.results.audits import Audit, FaultRow, HealthyRow, Share, share
from trainband.results.codec import encode
from trainband.results.records import FactorSeeds, Record
from trainband.results.store import RunFilter, Store
from trainband.results.verdicts import judge

CELLS = ("cnn_digits:smoke@cpu_deterministic", "resnet_digits:smoke@cpu_deterministic")
HEALTHY_RUNS = 2
QUARTERS = 4
CONTENDED = "audited: runs side by side"
NOTHING = "nothing"
_KINDS: dict[Stage, tuple[str, ...]] = {
    "initial weights": ("parameter", "statistic"),
    "statistics": ("statistic",),
    "gradient": ("gradient",),
    "update": ("parameter", "slot"),
}


class AuditError(RuntimeError):
    """A run that tells nothing; the message names it and why."""


def quarter(faults: Sequence[Fault], number: int) -> tuple[Fault, ...]:
    """Every fourth fault; `number` is 1 to 4."""
    return tuple(faults[number - 1 :: QUARTERS])


@dataclass(frozen=True)
class _Job:
    """Runs that can stand for one another: a cell by name, a fault or "" for none, and a seed."""

    cell: str
    fault: str
    seed: int


@dataclass(kw_only=True)
class AuditExperiment:
    """Runs with `faults` on `cells`, and healthy ones beside them; what the store holds of this very code is not run again.

    Attributes:
      cells: of deterministic profiles.
      runners: what trains; the host's lock is taken here.
    """

    cells: Sequence[Cell]
    faults: Sequence[Fault]
    seeds: Sequence[int]
    store: Store
    bands: BandFolder
    runners: SideBySide
    cache_root: Path
    on_wait: Callable[[], None] = lambda: None
    _records: dict[_Job, list[Record]] = field(default_factory=dict)

    def run(self, on_run: Callable[[Record, int, int], None] = lambda record, done, total: None) -> Audit:
        """Train what is missing, and look at all of it.

        Args:
          on_run: called after each training with its record, its number and how many there are.

        Raises:
          AuditError: a run failed, so that it tells nothing; those before it stand in the store.
        """
        for cell in self.cells:
            self._recall(self.runners.cell(cell))
        with host_lock(self.on_wait):
            # The first seed says whether a cell has a place for a fault; the others are spared where it has none.
            self._train(self.seeds[:1], on_run)
            self._train(self.seeds, on_run)
        return self._audit()

    def _recall(self, cell: Cell) -> None:
        """Take the store's runs of this cell as it is now, of equal code, packages, host and flags, oldest first."""
        now = json.loads(json.dumps(collect(environ=environment_of(cell.profile, self.cache_root))))
        wanted = (encode(cell.recipe), encode(cell.profile), now)
        for record in reversed(list(self.store.records(RunFilter(cell=cell.name)))):
            told = {name: value for name, value in record.fingerprint.items() if name != "framework"}
            plain = record.factor_seeds == FactorSeeds() and len(record.faults) < 2
            if (record.recipe, record.profile_spec, told) == wanted and plain and _tells(record):
                self._keep(record)

    def _keep(self, record: Record) -> None:
        job = _Job(record.cell, "".join(record.faults), record.seed)
        self._records.setdefault(job, []).append(record)

    def _missing(self, seeds: Sequence[int]) -> list[RunRequest]:
        found = []
        for cell in self.cells:
            for seed in seeds:
                for fault, runs in (("", HEALTHY_RUNS), *((fault.name, 1) for fault in self.faults)):
                    known = len(self._records.get(_Job(cell.name, fault, seed), ()))
                    if not self._placeless(cell, fault):
                        request = RunRequest(cell=cell, seed=seed, seed_role="pinned", faults=(fault,) if fault else ())
                        found += [request] * (runs - known)
        return found

    def _placeless(self, cell: Cell, fault: str) -> str | None:
        """Why the cell has no place for the fault, as its first seed said."""
        for record in self._records.get(_Job(cell.name, fault, self.seeds[0]), ()):
            if record.failure is not None:
                return record.failure.message
        return None

    def _train(self, seeds: Sequence[int], on_run: Callable[[Record, int, int], None]) -> None:
        requests = self._missing(seeds)
        for number, record in enumerate(self.runners.records(requests), start=1):
            if not _tells(record):
                why = record.failure.message if record.failure else record.outcome
                raise AuditError(
                    f"run {record.run_id} of {record.cell} ({' '.join(record.faults) or 'healthy'}): {why}"
                )
            self._keep(record)
            on_run(record, number, len(requests))

    def _audit(self) -> Audit:
        sample = self._runs(self.cells[0], "", self.seeds[0])[0]
        return Audit(
            created=now_utc(),
            trainband_version=__version__,
            host_class=sample.host_class,
            versions=sample.fingerprint["framework"]["versions"],
            seeds=tuple(self.seeds),
            cells=tuple(self._healthy(cell) for cell in self.cells),
            faults=tuple(self._fault(cell, fault) for fault in self.faults for cell in self.cells),
        )

    def _runs(self, cell: Cell, fault: str, seed: int) -> list[Record]:
        return self._records[_Job(cell.name, fault, seed)]

    def _healthy(self, cell: Cell) -> HealthyRow:
        pairs = [self._runs(cell, "", seed)[:HEALTHY_RUNS] for seed in self.seeds]
        causes = [_said(self._parting(*pair)) for pair in pairs]
        verdicts = [self._verdict(cell, pair[0]) for pair in pairs]  # the other of a pair is no further sample
        measured = pairs[0][0].measurement
        band = self.bands.read(cell.model.name, cell.recipe.tier)
        return HealthyRow(
            cell=cell.name,
            recipe_hash=measured.recipe_hash if measured else "",
            band_digest=None if band is None else band.digest,
            alarms=share(sum(cause != NOTHING for cause in causes), len(causes)),
            causes=Counter(causes),
            outside=_not_passed(verdicts),
            verdicts=Counter(verdicts),
        )

    def _fault(self, cell: Cell, fault: Fault) -> FaultRow:
        row = FaultRow(cell=cell.name, fault=fault.name, title=fault.title, stage=str(fault.stage))
        reason = self._placeless(cell, fault.name)
        if reason is not None:
            return replace(row, no_place=reason)
        records = [self._runs(cell, fault.name, seed)[0] for seed in self.seeds]
        verdicts = [self._verdict(cell, record) for record in records]
        partings = [
            self._parting(self._runs(cell, "", seed)[0], record)
            for seed, record in zip(self.seeds, records, strict=True)
        ]
        header = self._side(records[0]).trace.header
        layer = header.planted[fault.name]
        return replace(
            row,
            layer=layer or None,
            seen=_not_passed(verdicts),
            verdicts=Counter(verdicts),
            named=share(sum(found is not None and found.stages == (fault.stage,) for found in partings), len(partings)),
            causes=Counter(map(_said, partings)),
            layers_named=_layers_named(layer, partings) if _tellable(layer, fault.stage, header.tensors) else None,
        )

    def _side(self, record: Record) -> Side:
        folder = self.store.run_path(record.run_id)
        return Side(folder=folder, record=record, trace=read_trace(folder / TRACE_FILE))

    def _parting(self, a: Record, b: Record) -> Divergence | None:
        """Where two runs part, as `trainband diff` says it."""
        sides = self._side(a), self._side(b)
        found = compare_traces(*(side.trace for side in sides)).divergence
        if found is None or found.exact:
            return found
        rerunner = Rerunner(pool=self.runners.pools[0], cache_root=self.cache_root, on_wait=self.on_wait)
        return refine(*sides, found, rerunner).divergence

    def _verdict(self, cell: Cell, record: Record) -> str:
        """The verdict on the run alone, no waiver in front of it."""
        model, tier = cell.model, cell.recipe.tier
        return judge(
            judgement_id=record.run_id,
            created=record.created,
            cell=cell.name,
            trigger=record,
            fresh=(),
            band=self.bands.read(model.name, tier),
            metrics=model.judged_by(tier),
        ).verdict


def _tells(record: Record) -> bool:
    """Whether a run went well, or said that its fault has no place."""
    return record.failure is None or record.failure.kind == NO_PLACE


def _said(found: Divergence | None) -> str:
    """`forward, step 0`; an interval as `forward to update, steps 3 to 4`."""
    if found is None:
        return NOTHING
    stages = found.stages[0] if len(found.stages) == 1 else f"{found.stages[0]} to {found.stages[-1]}"
    if found.first_step is None:
        return stages
    same = found.first_step == found.last_step
    return f"{stages}, step {found.first_step}" if same else f"{stages}, steps {found.first_step} to {found.last_step}"


def _not_passed(verdicts: Sequence[str]) -> Share | None:
    if "no_band" in verdicts:
        return None
    return share(sum(verdict != "pass" for verdict in verdicts), len(verdicts))


def _tellable(layer: str, stage: Stage | None, tensors: Sequence[TensorKey]) -> bool:
    """Whether the layer has a tensor that differs where `stage` is the first to differ."""
    kinds = _KINDS.get(stage, ()) if stage is not None else ()
    return any(key.layer == layer and key.kind in kinds for key in tensors)


def _layers_named(layer: str, partings: Sequence[Divergence | None]) -> Share:
    named = [{tensor.name.rpartition("/")[0] for tensor in found.tensors} if found else set() for found in partings]
    return share(sum(layers == {layer} for layers in named), len(named))
