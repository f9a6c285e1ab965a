"""A night from its first confirmation to its document; everything done is stored at once, so a kill loses one run."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import filelock

from trainband.benchmarks.cells import Cell, CellError
from trainband.benchmarks.judging import expected_false_fails, now_utc
from trainband.benchmarks.nightly.budget import Budget, usual_sec
from trainband.benchmarks.nightly.canary import Canaries, CanaryError
from trainband.benchmarks.nightly.confirm import Confirmer, NotConfirmable
from trainband.benchmarks.nightly.history import History
from trainband.benchmarks.sweep import PlannedRun, Sweep
from trainband.results.codec import CodecError
from trainband.results.history.nights import Night, Waiting, read_night, write_night
from trainband.results.history.regressions import Regression
from trainband.results.judgements import Judgement
from trainband.results.layout import locked
from trainband.results.records import Record
from trainband.results.store import Store, StoreError
from trainband.results.store_errors import explained

OUT_OF_TIME = "the budget ended before it"
PENDING_SHARE = 0.5  # of the budget, which what earlier nights left cannot take from tonight's cells


@dataclass(kw_only=True)
class Nightly:
    """One night.

    Attributes:
      sweep: planned, the least recent cells first; its hooks are the night's own.
      cells: the sweep's cells by name.
      canaries: None where nobody asked for them.
      say: told what is done besides the sweep.
    """

    sweep: Sweep
    cells: Mapping[str, Cell]
    budget: Budget
    history: History
    canaries: Canaries | None
    confirmer: Confirmer
    suite: str
    today: date
    say: Callable[[str], None] = lambda line: None
    _night: Night = field(init=False)
    _begun: bool = False
    _sung: set[str] = field(default_factory=set)

    def run(self) -> tuple[Night, list[Judgement]]:
        """The night's document, whose exit status is still open, and the judgements of the cells that it came to.

        Raises:
          StoreError: the store cannot be written.
          KeyboardInterrupt: what was recorded is kept.
        """
        self._begin()
        self._decide(self._pending(), leaving=PENDING_SHARE)
        judgements = replace(self.sweep, may_begin=self._may_begin, beside=self._sing).run()
        self._note(judged=tuple(judgement.cell for judgement in judgements))
        here = [self.cells[j.cell] for j in judgements if j.verdict != "skipped"]
        proven = self.history.file_verdicts(
            self._failed(judgements)
        )  # first: an alarm of the same change is no news then
        raised = self.history.file_alarms(here, self.today)
        self._note(candidates=_ids(raised), confirmed=(*self._night.confirmed, *_ids(proven)))
        for each in (*raised, *proven):
            self.say(f"{each.state}: {each.cell} {each.quantity.name} {each.before:.5g} to {each.after:.5g}")
        self._decide([each for each in raised if each.state == "candidate"])
        expected = expected_false_fails(judgements, self.sweep.bands)
        self._note(ended=now_utc(), expected_false_alarms=expected)
        return self._night, judgements

    def close(self, exit_status: int) -> Night:
        """The document with its exit status."""
        self._note(exit_status=exit_status)
        return self._night

    def _begin(self) -> None:
        night_id, first = self.sweep.plan.sweep_id, next(iter(self.cells.values()))
        code = self.sweep.runner.surroundings(first)[1]
        begun = read_night(self.sweep.runner.store.root, night_id) or Night(
            night_id=night_id, suite=self.suite, began=now_utc(), ended=None, budget_sec=None, code=code
        )
        self._night = replace(begun, budget_sec=self.budget.seconds, code=code, waiting=(), problems=())
        self._note()

    def _note(self, **changes: object) -> None:
        self._night = replace(self._night, **changes)  # type: ignore[arg-type]  # the callers name fields
        write_night(self.sweep.runner.store.root, self._night)

    def _wait(self, what: str, why: str) -> None:
        self._note(waiting=(*self._night.waiting, Waiting(what=what, why=why)))

    def _problem(self, text: str) -> None:
        self.say(text)
        self._note(problems=(*self._night.problems, text))

    def _may_begin(self, planned: PlannedRun) -> bool:
        """A run begins if it would end in time; the first one always, so that no cell waits for ever."""
        if not self.sweep.available(self.cells[planned.cell].profile).available:
            return True  # it is skipped, which takes no time
        if not self._begun or self.budget.allows(usual_sec(planned.cell, self.sweep.runner.store)):
            self._begun = True
            return True
        self._wait(planned.cell, OUT_OF_TIME)
        return False

    def _sing(self, cell: Cell) -> None:
        """The canary beside a cell's run; a cell with several runs a night sings once."""
        if self.canaries is None or self.budget.left_sec <= 0.0 or cell.name in self._sung:
            return
        self._sung.add(cell.name)
        try:
            song = self.canaries.sing(cell)
        except CanaryError as error:
            self._silent(cell, str(error))
            return
        except CodecError as error:
            self._problem(str(error))
            return
        if song == "unsteady":
            self._silent(cell, "it does not repeat itself in one night")
        if song == "changed":
            self.say(f"numerics changed: {cell.name}")
            self._note(numerics_changed=(*self._night.numerics_changed, cell.name))

    def _silent(self, cell: Cell, why: str) -> None:
        self.say(f"canary of {cell.name}: {why}")
        self._note(silent=(*self._night.silent, Waiting(what=cell.name, why=why)))

    def _failed(self, judgements: Iterable[Judgement]) -> Iterator[tuple[Judgement, Record]]:
        for judgement in judgements:
            if judgement.verdict in ("fail_low", "fail_high"):
                yield judgement, self.sweep.runner.store.read_record(judgement.records[0])

    def _pending(self) -> list[Regression]:
        """The candidates that earlier nights left, the oldest first."""
        filed, problems = self.history.folder.all()
        for problem in problems:
            self._problem(f"{problem.path}: {problem.message}")
        return [each for each in reversed(filed) if each.state == "candidate"]

    def _decide(self, candidates: Iterable[Regression], *, leaving: float = 0.0) -> None:
        """Confirm or refute what there is time for; the rest waits.

        Args:
          leaving: the share of the budget that is for something else.
        """
        for candidate in candidates:
            why = self._why_not_now(candidate, leaving)
            if why:
                self._wait(candidate.regression_id, why)
                continue
            try:
                found = self.history.decide(candidate, self.confirmer.confirm(candidate))
            except (NotConfirmable, CellError) as error:
                self.say(f"candidate {candidate.regression_id} waits: {error}")
                self._wait(candidate.regression_id, str(error))
                continue
            says = found.confirmation.says if found.confirmation else ""
            self.say(f"{found.state}: {found.cell} {found.quantity.name}: {says}")
            name = "confirmed" if found.state == "detected" else "refuted"
            self._note(**{name: (*getattr(self._night, name), found.regression_id)})

    def _why_not_now(self, candidate: Regression, leaving: float) -> str:
        cell = self.cells.get(candidate.cell)
        if cell is None:
            return f"{candidate.cell} is no cell of this night"
        if self.sweep.runner.surroundings(cell)[0] != candidate.host_class:
            return f"it is about host class {candidate.host_class}"
        return "" if self.budget.left_share > leaving else OUT_OF_TIME


def _ids(regressions: Iterable[Regression]) -> tuple[str, ...]:
    return tuple(each.regression_id for each in regressions)


@contextlib.contextmanager
def alone(store: Store) -> Iterator[None]:
    """One night at a time on a store, freed by the process's death, too; raises StoreError where another is at it."""
    folder: Path = store.root / "nights"
    with explained("make the folder of nights", folder):
        folder.mkdir(exist_ok=True)
        lock = locked(folder / "lock", wait_sec=0)
        try:
            lock.acquire()
        except filelock.Timeout as error:
            raise StoreError(f"a night is in progress: another process holds {folder}; wait for it to end") from error
    try:
        yield
    finally:
        lock.release()
