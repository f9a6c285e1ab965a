"""What makes a candidate a regression: two fresh runs for quality, an A/B against the baseline's environment for speed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from trainband.benchmarks.bands_on_disk import BandFolder
from trainband.benchmarks.cells import Cell, find_cell
from trainband.benchmarks.children import ChildPool
from trainband.benchmarks.environments.recorded import packages_of, recorded_environment
from trainband.benchmarks.environments.uv import EnvironmentFailure
from trainband.benchmarks.gate.experiment import TIMED_PAIRS
from trainband.benchmarks.gate.timed_pairs import BLOCK_SEC, NotTimed, TimedSide, timed_pair
from trainband.benchmarks.host_lock import host_lock
from trainband.benchmarks.run_spec import RunSpec
from trainband.benchmarks.runner import Runner, RunRequest, spec_of
from trainband.benchmarks.seeds import sweep_seed
from trainband.benchmarks.staging import stage
from trainband.models.specs import ReferenceModel
from trainband.platforms.profiles import Profile
from trainband.results.gate.speed import Block, GateSide
from trainband.results.history.confirming import confirmed_by_ab, confirmed_by_runs
from trainband.results.history.nights import read_night
from trainband.results.history.regressions import Confirmation, Regression
from trainband.results.power import FRESH_RUNS
from trainband.results.records import Record
from trainband.results.store import RunFilter, StoreError


class NotConfirmable(RuntimeError):
    """A candidate that nothing can be said about tonight; the message says why, and it is tried again."""


@dataclass(kw_only=True)
class Confirmer:
    """Makes the runs; the runner's environment and host are those that the candidates are about."""

    runner: Runner
    bands: BandFolder
    models: Mapping[str, ReferenceModel]
    profiles: Mapping[str, Profile]
    block_sec: float = BLOCK_SEC

    def confirm(self, candidate: Regression) -> Confirmation:
        """What fresh runs, or an A/B, say of `candidate`.

        Raises:
          NotConfirmable: the band or the baseline's run is gone, its environment cannot be had, or a child cannot be timed.
          CellError: the catalog does not have the cell any more.
        """
        cell = find_cell(candidate.cell, self.models, self.profiles)
        if candidate.quantity.kind == "quality":
            return self._by_fresh_runs(candidate, cell)
        return self._by_ab(candidate, cell)

    def _by_fresh_runs(self, candidate: Regression, cell: Cell) -> Confirmation:
        band = self.bands.read(cell.model.name, cell.recipe.tier)
        metric = next((each for each in band.metrics if each.name == candidate.quantity.name), None) if band else None
        if metric is None:
            raise NotConfirmable(f"{cell.name} has no band of {candidate.quantity.name} any more")
        fresh = [self._fresh(candidate, cell, attempt) for attempt in range(1, FRESH_RUNS + 1)]
        return confirmed_by_runs(metric, candidate.side, fresh)

    def _fresh(self, candidate: Regression, cell: Cell, attempt: int) -> Record:
        """The run of this attempt; one that a killed night has left is taken."""
        seed = sweep_seed(candidate.regression_id, cell.name, 0, attempt=attempt)
        for row in self.runner.store.rows(RunFilter(cell=cell.name)):
            if row.seed == seed and row.seed_role == "confirmation" and row.faults == candidate.faults:
                return self.runner.store.read_record(row.run_id)
        return self.runner.run(RunRequest(cell=cell, seed=seed, seed_role="confirmation", faults=candidate.faults))

    def _by_ab(self, candidate: Regression, cell: Cell) -> Confirmation:
        try:
            record = self.runner.store.read_record(candidate.baseline.newest_run)
        except StoreError as error:
            raise NotConfirmable(f"the baseline's newest run is gone: {error}") from error
        python, code = self._environment_of(record), self._code_of(record)
        before, now = (
            (told["python"]["version"], packages_of(told))
            for told in (record.fingerprint, self.runner.fingerprint_of(cell))
        )
        if before == now and code is None and not candidate.faults:
            return Confirmation(
                kind="A/B",
                confirmed=False,
                says="packages and code are the baseline's, or that night's code is gone: an A/B would compare them with "
                "themselves, and the host itself is what moved",
            )
        blocks = self._blocks(candidate, cell, python, code)
        found = confirmed_by_ab(candidate.quantity, blocks)
        if found is None:
            raise NotConfirmable(f"{cell.name}: the pairs of processes gave one ratio, which has no spread")
        return found

    def _environment_of(self, record: Record) -> str:
        """The interpreter of the baseline's environment, built again if need be."""
        folder = self.runner.store.run_path(record.run_id)
        try:
            return recorded_environment(record, folder, cache_root=self.runner.cache_root).python
        except EnvironmentFailure as error:
            raise NotConfirmable(f"the environment of run {record.run_id} cannot be had any more: {error}") from error

    def _code_of(self, record: Record) -> Path | None:
        """The staged code of that night; None where it is today's, or gone."""
        night = read_night(self.runner.store.root, record.sweep_id) if record.sweep_id else None
        if night is None or not night.code:
            return None
        staged = self.runner.cache_root / "stage" / night.code
        return staged if staged.is_dir() and staged != stage(self.runner.cache_root) else None

    def _blocks(self, candidate: Regression, cell: Cell, python: str, code: Path | None) -> list[Block]:
        runner = self.runner
        seed = sweep_seed(candidate.regression_id, cell.name, 0, attempt=1)
        spec = spec_of(
            RunRequest(cell=cell, seed=seed, seed_role="confirmation"), "timed-history", cache_root=runner.cache_root
        )
        specs: dict[GateSide, RunSpec] = {"baseline": spec, "candidate": spec}
        blocks: list[Block] = []
        with ChildPool() as ours, ChildPool() as theirs:
            sides = (
                TimedSide(name="baseline", python=python, pool=theirs, code=code),
                TimedSide(name="candidate", python=runner.environment.python, pool=ours, faults=candidate.faults),
            )
            try:
                for number in range(TIMED_PAIRS):
                    with host_lock(runner.on_wait):
                        blocks += timed_pair(
                            sides, specs, number=number, cache_root=runner.cache_root, block_sec=self.block_sec
                        )
            except NotTimed as error:
                raise NotConfirmable(f"{cell.name}: {error}") from error
        return blocks
