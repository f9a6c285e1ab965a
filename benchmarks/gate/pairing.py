"""Two runs of one cell and one seed, one in each environment; what the store holds of the baseline is not run again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from trainband.benchmarks.cells import Cell
from trainband.benchmarks.diff.trajectory import NotComparable, compare_traces
from trainband.benchmarks.environments.locks import LOCK_FILE
from trainband.benchmarks.gate.sides import GateEnvironment
from trainband.benchmarks.run_spec import INITIAL_FILE, TRACE_FILE
from trainband.benchmarks.runner import Runner, RunRequest, Transplant
from trainband.benchmarks.seeds import gate_seed
from trainband.benchmarks.trace.files import TraceError, read_trace
from trainband.benchmarks.training_child import reason_of
from trainband.results.codec import encode
from trainband.results.gate.gates import RunPair
from trainband.results.gate.speed import GateSide
from trainband.results.records import FactorSeeds, Record
from trainband.results.store import RunFilter, Store


@dataclass(kw_only=True)
class Pairing:
    """Makes pairs.

    Attributes:
      environments: of the baseline and the candidate.
      runners: side -> what trains in its environment.
      host_class: of this host; runs of another one are no baseline here.
    """

    store: Store
    environments: Mapping[GateSide, GateEnvironment]
    runners: Mapping[GateSide, Runner]
    host_class: str
    _known: dict[str, list[Record]] = field(default_factory=dict)

    def pair(self, cell: Cell, index: int) -> RunPair:
        """Pair `index` of `cell`; a run that fails breaks its side of the pair."""
        seed = gate_seed(cell.model.name, cell.recipe.tier, index)
        baseline = self._stored(cell, seed) or self._run("baseline", cell, seed)
        candidate = self._run("candidate", cell, seed, self._transplant(cell, baseline))
        records: dict[GateSide, Record] = {"baseline": baseline, "candidate": candidate}
        return RunPair(
            index=index,
            seed=seed,
            baseline=baseline.run_id,
            candidate=candidate.run_id,
            bit_equal=bit_equal(self.store, baseline, candidate),
            broken={
                side: reason_of(each.failure, each.log_tail)
                for side, each in records.items()
                if each.failure is not None
            },
        )

    def _run(self, side: GateSide, cell: Cell, seed: int, transplant: Transplant | None = None) -> Record:
        return self.runners[side].run(RunRequest(cell=cell, seed=seed, seed_role="gate", transplant=transplant))

    def _transplant(self, cell: Cell, baseline: Record) -> Transplant | None:
        """The baseline's initial weights, where the seed alone does not say them on both sides."""
        weights = self.store.run_path(baseline.run_id) / INITIAL_FILE
        if not cell.recipe.stock or not weights.exists():
            return None
        return Transplant(run_id=baseline.run_id, weights=weights)

    def _stored(self, cell: Cell, seed: int) -> Record | None:
        """A run of the baseline that an earlier gate made in the same environment, on this host, by the same code."""
        if cell.name not in self._known:
            self._known[cell.name] = list(self._usable(cell))
        return next((record for record in self._known[cell.name] if record.seed == seed), None)

    def _usable(self, cell: Cell) -> Iterator[Record]:
        lock = self.environments["baseline"].environment.lock
        wanted = (encode(cell.recipe), encode(cell.profile))
        for record in self.store.records(RunFilter(cell=cell.name, outcome="completed")):
            plain = not record.faults and record.factor_seeds == FactorSeeds() and record.host_class == self.host_class
            same = plain and (record.recipe, record.profile_spec) == wanted and self._same_surroundings(record, cell)
            if record.seed_role == "gate" and lock is not None and same and self._lock_of(record) == lock:
                yield record

    def _lock_of(self, record: Record) -> str | None:
        path = self.store.run_path(record.run_id) / LOCK_FILE
        return path.read_text(encoding="utf-8") if path.exists() else None

    def _same_surroundings(self, record: Record, cell: Cell) -> bool:
        now = self.runners["baseline"].fingerprint_of(cell)
        told = {name: value for name, value in record.fingerprint.items() if name != "framework"}
        return told == now


def bit_equal(store: Store, a: Record, b: Record) -> bool:
    """Whether two runs went the same way to the same end: traces, final weights and metrics."""
    ours, theirs = a.measurement, b.measurement
    if ours is None or theirs is None:
        return False
    try:
        traces = [read_trace(store.run_path(each.run_id) / TRACE_FILE) for each in (a, b)]
        same = compare_traces(*traces).divergence is None
    except (TraceError, NotComparable):
        return False
    return (
        same
        and ours.weights.final_digest == theirs.weights.final_digest
        and ours.quality.metrics == theirs.quality.metrics
    )
