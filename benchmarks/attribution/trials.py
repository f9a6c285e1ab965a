"""Trying settings, each once, whoever asks again; two of them beside one another are compared once as well."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple, Protocol

from trainband.benchmarks.cells import Cell
from trainband.benchmarks.children import ChildPool
from trainband.benchmarks.environments.asked import Environment
from trainband.benchmarks.environments.locks import Lock
from trainband.benchmarks.environments.uv import EnvironmentFailure
from trainband.benchmarks.runner import Runner, RunRequest
from trainband.benchmarks.seeds import gate_seed
from trainband.benchmarks.training_child import reason_of
from trainband.results.attributions import Attribution, Comparison, Trial
from trainband.results.gate.probes import PROBES, Answer
from trainband.results.gate.speed import Block
from trainband.results.records import Record
from trainband.results.store import Store


class Setting(NamedTuple):
    """What is tried."""

    cell: Cell
    environment: Environment


class NoSetting(ValueError):
    """A setting that there cannot be; the message says why."""


class Told(NamedTuple):
    """What a comparison of two trials came to."""

    answer: Answer
    reason: str
    blocks: tuple[Block, ...] = ()


class Measure(Protocol):
    """What settings are compared by.

    Attributes:
      seeds: indices of the seeds that each setting is first trained with.
      shares_level: comparisons are tests, and there are no more than the level is shared out over.
    """

    seeds: tuple[int, ...]
    shares_level: bool

    def doubt(self, laboratory: Laboratory, records: Sequence[Record]) -> str:
        """Why a setting with these first runs says nothing; empty where it does."""

    def compare(self, laboratory: Laboratory, before: int, after: int) -> Told:
        """The second trial beside the first one."""


@dataclass(kw_only=True)
class Laboratory:
    """Tries settings of one search; trials are named by their places in the document.

    Attributes:
      seeded_by: model and tier whose gate seeds all trials take.
      found: the document so far; replaced as it grows.
      save: keeps it.
    """

    measure: Measure
    seeded_by: tuple[str, str]
    store: Store
    cache_root: Path
    found: Attribution
    save: Callable[[Attribution], None]
    on_wait: Callable[[], None] = lambda: None
    say: Callable[[str], None] = lambda line: None
    _makers: dict[int, Callable[[], Setting]] = field(default_factory=dict)
    _settings: dict[int, Setting] = field(default_factory=dict)
    _records: dict[str, Record] = field(default_factory=dict)

    def trial(self, what: str, given: Sequence[str], make: Callable[[], Setting]) -> int:
        """The place of the trial of the setting that `make` brings about from `given`."""
        known = [place for place, trial in enumerate(self.found.trials) if trial.given == tuple(given)]
        if known:
            self._makers.setdefault(known[0], make)
            return known[0]
        place = len(self.found.trials)
        self._makers[place] = make
        self.say(f"trying {what}")
        trial = self._tried(place, Trial(what=what, given=tuple(given)))
        self.keep(replace(self.found, trials=(*self.found.trials, trial)))
        return place

    def answer(self, before: int, after: int) -> Answer:
        """Whether the second trial is `bad` beside the first one."""
        return self.compared(before, after).answer

    def compared(self, before: int, after: int) -> Comparison:
        """The two trials beside one another; `unresolved` where one of them says nothing."""
        pair = (before, after)
        known = next((each for each in self.found.comparisons if (each.before, each.after) == pair), None)
        if known is None:
            told = self._refused(before, after) or self.measure.compare(self, before, after)
            known = Comparison(
                before=before, after=after, answer=told.answer, reason=told.reason, blocks=tuple(told.blocks)
            )
            self.keep(replace(self.found, comparisons=(*self.found.comparisons, known)))
        return known

    def keep(self, found: Attribution) -> None:
        """Take `found` for the document."""
        self.found = found
        self.save(found)

    def setting(self, place: int) -> Setting:
        """The setting of a trial that has one."""
        if place not in self._settings:
            self._settings[place] = self._makers[place]()
        return self._settings[place]

    def seed(self, index: int) -> int:
        """The seed of every trial's run `index`."""
        return gate_seed(*self.seeded_by, index)

    def record(self, run_id: str) -> Record:
        """A run, read once."""
        if run_id not in self._records:
            self._records[run_id] = self.store.read_record(run_id)
        return self._records[run_id]

    @contextmanager
    def runners(self, *places: int) -> Iterator[list[Runner]]:
        """What trains each of these trials; their children end with the block."""
        with ChildPool() as pool:
            yield [
                Runner(
                    store=self.store,
                    pool=pool,
                    cache_root=self.cache_root,
                    environment=self.setting(place).environment,
                    on_wait=self.on_wait,
                )
                for place in places
            ]

    def train_up_to(self, place: int, count: int, runner: Runner) -> bool:
        """Train a trial with its next seeds until it has `count` runs; False where one fails, which the trial then says."""
        while (done := len(self.found.trials[place].runs)) < count:
            record = self._run(place, done, runner)
            trial = self.found.trials[place]
            failed = reason_of(record.failure, record.log_tail) if record.failure is not None else ""
            grown = replace(trial, runs=(*trial.runs, record.run_id), why_not=failed)
            trials = (*self.found.trials[:place], grown, *self.found.trials[place + 1 :])
            self.keep(replace(self.found, trials=trials))
            if failed:
                return False
        return True

    def _refused(self, before: int, after: int) -> Told | None:
        """Why two trials are not compared at all."""
        for place in (before, after):
            trial = self.found.trials[place]
            if trial.why_not:
                return Told("unresolved", f"{trial.what}: {trial.why_not}")
        if self.measure.shares_level and self._tests >= PROBES:
            return Told("unresolved", f"the level is shared out over {PROBES} comparisons, and they are used up")
        return None

    @property
    def _tests(self) -> int:
        """Comparisons that were made of two trials which both say something."""
        silent = {place for place, trial in enumerate(self.found.trials) if trial.why_not}
        return sum(not {each.before, each.after} & silent for each in self.found.comparisons)

    def _tried(self, place: int, trial: Trial) -> Trial:
        try:
            setting = self.setting(place)
        except (EnvironmentFailure, NoSetting) as error:
            return replace(trial, why_not=str(error))
        if setting.environment.lock is not None:
            trial = replace(trial, versions=Lock(setting.environment.lock).versions)
        with self.runners(place) as [runner]:
            for index in self.measure.seeds:
                record = self._run(place, index, runner)
                trial = replace(trial, runs=(*trial.runs, record.run_id))
                if record.failure is not None:
                    return replace(trial, why_not=reason_of(record.failure, record.log_tail))
        return replace(trial, why_not=self.measure.doubt(self, [self.record(run_id) for run_id in trial.runs]))

    def _run(self, place: int, index: int, runner: Runner) -> Record:
        request = RunRequest(cell=self.setting(place).cell, seed=self.seed(index), seed_role="gate")
        return runner.run(request)
