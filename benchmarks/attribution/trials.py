"""Trying an environment: solved, built, and a short run of the cell made twice; each once, whoever asks again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from trainband.benchmarks.cells import Cell
from trainband.benchmarks.children import ChildPool
from trainband.benchmarks.environments.asked import Environment
from trainband.benchmarks.environments.build import build
from trainband.benchmarks.environments.locks import Lock
from trainband.benchmarks.environments.uv import EnvironmentFailure
from trainband.benchmarks.gate.pairing import bit_equal
from trainband.benchmarks.runner import Runner, RunRequest
from trainband.results.attributions import Attribution, Trial
from trainband.results.records import Record
from trainband.results.store import Store

RUNS = 2


@dataclass(kw_only=True)
class Laboratory:
    """Tries environments for one cell and seed.

    Attributes:
      python: the interpreter that environments are made from.
      found: the document so far; replaced as it grows.
      save: keeps it.
    """

    cell: Cell
    store: Store
    cache_root: Path
    python: str
    found: Attribution
    save: Callable[[Attribution], None]
    on_wait: Callable[[], None] = lambda: None
    say: Callable[[str], None] = lambda line: None
    _records: dict[str, Record] = field(default_factory=dict)

    def trial(self, what: str, packages: Sequence[str], lock: Callable[[], Lock]) -> Trial:
        """The trial of the environment that `lock` solves from `packages`."""
        known = next((trial for trial in self.found.trials if trial.packages == tuple(packages)), None)
        if known is not None:
            return known
        self.say(f"trying {what}")
        trial = self._tried(Trial(what=what, packages=tuple(packages)), lock)
        self.keep(replace(self.found, trials=(*self.found.trials, trial)))
        return trial

    def keep(self, found: Attribution) -> None:
        """Take `found` for the document."""
        self.found = found
        self.save(found)

    def differ(self, a: Trial, b: Trial) -> bool | None:
        """Whether the bits of two trials differ; None where one of them says nothing."""
        if a.why_not or b.why_not:
            return None
        return not bit_equal(self.store, self._record(a.runs[0]), self._record(b.runs[0]))

    def _tried(self, trial: Trial, lock: Callable[[], Lock]) -> Trial:
        try:
            solved = lock()
            python = build(solved, self.python, cache_root=self.cache_root)
        except EnvironmentFailure as error:
            return replace(trial, why_not=str(error))
        environment = Environment(python=python, lock=solved.text)
        trial = replace(trial, versions=solved.versions)
        with ChildPool() as pool:
            runner = Runner(
                store=self.store, pool=pool, cache_root=self.cache_root, environment=environment, on_wait=self.on_wait
            )
            for _ in range(RUNS):
                record = runner.run(RunRequest(cell=self.cell, seed=self.found.seed, seed_role="gate"))
                trial = replace(trial, runs=(*trial.runs, record.run_id))
                if record.failure is not None:
                    return replace(trial, why_not=record.failure.message)
        records = [self._record(run_id) for run_id in trial.runs]
        if not bit_equal(self.store, *records):
            return replace(trial, why_not="two runs of one seed differ in bits")
        return trial

    def _record(self, run_id: str) -> Record:
        if run_id not in self._records:
            self._records[run_id] = self.store.read_record(run_id)
        return self._records[run_id]
