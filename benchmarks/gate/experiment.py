"""A gate's experiment: the bits of every cell, what moved, pairs until the looks decide, and blocks for speed.

Everything is written as it comes, so that an interrupted gate goes on where it was.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from trainband.benchmarks.cells import Cell
from trainband.benchmarks.diff.refine import Rerunner, read_side
from trainband.benchmarks.gate.builds import BuildError, compared_initial_weights
from trainband.benchmarks.gate.evidence import EvidenceReader
from trainband.benchmarks.gate.findings import finding
from trainband.benchmarks.gate.pairing import Pairing
from trainband.benchmarks.gate.timed_pairs import NotTimed, TimedSide, timed_pair
from trainband.benchmarks.host_lock import host_lock
from trainband.benchmarks.runner import RunRequest, spec_of
from trainband.benchmarks.trace.files import TraceError
from trainband.results.bands import Band
from trainband.results.gate.cell_outcomes import CellOutcome
from trainband.results.gate.chances import chance_to_decide
from trainband.results.gate.gates import Finding, Gate, GateCell
from trainband.results.gate.outcomes import GateJudgement, judge_gate
from trainband.results.gate.quality import ALPHA, LOOKS
from trainband.results.gate.speed import speed_test, timed_enough

FIRST_LOOK = LOOKS[0]
TIMED_PAIRS = 4
# Where the intervals of speed are wider than this many margins, and there is time, more pairs are timed, up to so many.
NARROW, MOST_TIMED = 0.5, 32


@dataclass(kw_only=True)
class GateExperiment:
    """Fills a gate's document until every planned cell is decided or the budget ends.

    Attributes:
      gate: the document so far; replaced as it grows.
      cells, bands: the planned cells and the bands that their margins come from, by the cells' names.
      timed: what speed is measured with, None to leave it out; the baseline first.
      save: keeps the document.
      budget_sec: of wall time; what would end later is not begun, the first pair of each cell and the search for what
        moved in it aside.
      say: told what is done next.
    """

    gate: Gate
    cells: Mapping[str, Cell]
    bands: Mapping[str, Band]
    reader: EvidenceReader
    pairing: Pairing
    rerunner: Rerunner
    timed: Sequence[TimedSide] | None
    save: Callable[[Gate], None]
    budget_sec: float
    acknowledged: frozenset[str] = frozenset()
    on_wait: Callable[[], None] = lambda: None
    say: Callable[[str], None] = lambda line: None

    def run(self) -> GateJudgement:
        """Go on with what is missing; what was recorded before is not run again."""
        self._deadline = time.monotonic() + self.budget_sec
        self._seconds: dict[str, float] = {}
        for row in self.gate.cells:
            self._pair_up_to(row.cell, 1, always=True)
        for row in self._rows(lambda row: _differs(row) and row.finding is None):
            self._explain(row)
        for row in self._rows(lambda row: _runs(row) and row.initial_weights is None):
            if self._has_time:
                self._compare_initial_weights(row)
        for row in self._open():
            self._pair_up_to(row.cell, FIRST_LOOK)
        if self.timed is not None:
            for row in self._rows(_runs):
                self._time_up_to(row.cell, TIMED_PAIRS)
        self._further_looks()
        self._further_timing()
        for row in self._rows(_runs):
            self._put(replace(row, costs=self.reader.costs(row)))
        return self.judgement()

    def judgement(self) -> GateJudgement:
        """Of what stands in the document."""
        found = [self.reader.cell_evidence(row, self.cells[row.cell], self.bands[row.cell]) for row in self.gate.cells]
        return judge_gate(found, acknowledged=self.acknowledged)

    def _rows(self, wanted: Callable[[GateCell], bool]) -> list[GateCell]:
        return [row for row in self.gate.cells if wanted(row)]

    def _row(self, cell: str) -> GateCell:
        return next(row for row in self.gate.cells if row.cell == cell)

    def _put(self, row: GateCell) -> None:
        self.gate = replace(self.gate, cells=tuple(row if each.cell == row.cell else each for each in self.gate.cells))
        self.save(self.gate)

    def _open(self) -> list[GateCell]:
        """The cells whose quality is not decided and can be: they run on both sides, and differ in bits."""
        judged = {each.cell: each for each in self.judgement().cells}
        return self._rows(lambda row: _differs(row) and not _decided(judged[row.cell]))

    def _pair_up_to(self, cell: str, count: int, *, always: bool = False) -> bool:
        """Make pairs until there are `count`; False where the budget ends before."""
        while len(self._row(cell).pairs) < count:
            if not always and not self._time_for(cell):
                return False
            row = self._row(cell)
            start = time.monotonic()
            pair = self.pairing.pair(self.cells[cell], len(row.pairs))
            self._seconds[cell] = time.monotonic() - start
            self._put(replace(row, pairs=(*row.pairs, pair)))
            word = "failed" if pair.broken else "equal to the bit" if pair.bit_equal else "different bits"
            self.say(f"{cell}: pair {len(row.pairs) + 1}, {word} ({self._seconds[cell]:.0f} s)")
            if pair.broken:
                return False
        return True

    @property
    def _has_time(self) -> bool:
        return time.monotonic() < self._deadline

    def _time_for(self, cell: str) -> bool:
        return time.monotonic() + self._seconds.get(cell, 0.0) < self._deadline

    def _explain(self, row: GateCell) -> None:
        """Find what moved in the first pair; what keeps anybody from looking is part of the finding."""
        pair = row.pairs[0]
        self.say(f"{row.cell}: looking for what moved")
        try:
            sides = [read_side(self.pairing.store, run) for run in (pair.baseline, pair.candidate)]
            found = finding(sides[0], sides[1], self.rerunner)
        except TraceError as error:
            found = Finding(says=str(error), stage="unknown", failed=str(error))
        self._put(replace(row, finding=found))

    def _compare_initial_weights(self, row: GateCell) -> None:
        """Of a cell that leaves them to the framework: pairs begin with equal weights, and say nothing of them."""
        if self.cells[row.cell].recipe.stock:
            self.say(f"{row.cell}: comparing initial weights")
            try:
                with host_lock(self.on_wait):
                    found = compared_initial_weights(self.cells[row.cell], self.pairing.runners)
            except BuildError as error:
                self.say(f"{row.cell}: {error}")
                return
            self._put(replace(row, initial_weights=found))

    def _further_looks(self) -> None:
        """Bring the cell whose next look is worth most to it, and again, until none is open or the budget ends."""
        given_up: set[str] = set()
        while True:
            waiting = [row for row in self._open() if row.cell not in given_up and len(row.pairs) < LOOKS[-1]]
            if not waiting or not self._has_time:
                return
            row = max(waiting, key=self._worth)
            if not self._pair_up_to(row.cell, _next_look(row)):
                given_up.add(row.cell)

    def _further_timing(self) -> None:
        """Time the cell with the fewest pairs again, until all intervals are narrow or the budget ends."""
        while self._has_time:
            wide = self._rows(lambda row: _runs(row) and not row.not_timed and self._wide(row))
            if not wide:
                return
            row = min(wide, key=lambda row: len(row.blocks))
            self._time_up_to(row.cell, len({block.pair for block in row.blocks}) + 1)

    def _wide(self, row: GateCell) -> bool:
        tests = [speed_test(row.blocks, basis) for basis in self.reader.bases]
        return not all(timed_enough(test, narrow=NARROW, most=MOST_TIMED) for test in tests)

    def _worth(self, row: GateCell) -> float:
        """The chance that the next look decides the cell, a second of its pairs."""
        look = _next_look(row)
        outcome = next(each for each in self.judgement().cells if each.cell == row.cell)
        return chance_to_decide(outcome, look) / ((look - len(row.pairs)) * self._seconds.get(row.cell, 1.0))

    def _time_up_to(self, cell: str, count: int) -> None:
        """Time fresh pairs of children until there are `count`."""
        assert self.timed is not None  # noqa: S101 - the caller asks
        row = self._row(cell)
        done = {block.pair for block in row.blocks}
        spec = spec_of(
            RunRequest(cell=self.cells[cell], seed=row.pairs[0].seed, seed_role="gate"),
            f"timed-{self.gate.key}",
            cache_root=self.pairing.runners["baseline"].cache_root,
        )
        for number in range(len(done), count):
            if not self._has_time:
                return
            try:
                with host_lock(self.on_wait):
                    blocks = timed_pair(
                        self.timed,
                        {side.name: spec for side in self.timed},
                        number=number,
                        cache_root=self.pairing.runners["baseline"].cache_root,
                    )
            except NotTimed as error:
                self._put(replace(self._row(cell), not_timed={error.side: str(error)}))
                self.say(f"{cell}: {error}")
                return
            self._put(replace(self._row(cell), blocks=(*self._row(cell).blocks, *blocks)))
        self.say(f"{cell}: timed {count} pairs of processes")


def _runs(row: GateCell) -> bool:
    """Whether the cell runs on both sides."""
    return bool(row.pairs) and not any(pair.broken for pair in row.pairs)


def _differs(row: GateCell) -> bool:
    """Whether the first pair ended with different bits."""
    return _runs(row) and not row.pairs[0].bit_equal


def _decided(outcome: CellOutcome) -> bool:
    """Whether more pairs would change nothing: each metric is shown to be good enough, or a loss is proved.

    A loss that is small and sure on one metric counts as long as the other is open, and may turn out to be smaller than a
    margin: so the gate goes on until what is open points down as well.
    """
    still_open = [test for test in outcome.metrics if test.p_inferior is None or test.p_inferior > ALPHA]
    down = all(test.upper is not None and test.upper < 0.0 for test in still_open)
    return not still_open or (outcome.outcome == "regressed" and down)


def _next_look(row: GateCell) -> int:
    return next(look for look in LOOKS if look > len(row.pairs))
