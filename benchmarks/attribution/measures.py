"""What two settings are compared by: the bits of a run, the quality of pairs of runs, or the speed of pairs of processes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import ClassVar

from trainband.benchmarks.attribution.trials import Laboratory, Told
from trainband.benchmarks.children import ChildPool
from trainband.benchmarks.gate.evidence import EvidenceReader, gated_metrics, margins_of
from trainband.benchmarks.gate.pairing import bit_equal
from trainband.benchmarks.gate.timed_pairs import NotTimed, TimedSide, timed_pair
from trainband.benchmarks.host_lock import host_lock
from trainband.benchmarks.run_spec import RunSpec
from trainband.benchmarks.runner import RunRequest, spec_of
from trainband.results.bands import Band
from trainband.results.gate.gates import RunPair
from trainband.results.gate.probes import Probed, enough_pairs, quality_probe, speed_probe
from trainband.results.gate.quality import LOOKS
from trainband.results.gate.speed import Block, GateSide
from trainband.results.records import Record
from trainband.results.throughput import Basis


@dataclass(frozen=True)
class Bits:
    """One seed, twice a setting: what does not repeat itself says nothing of what changed it."""

    seeds: ClassVar[tuple[int, ...]] = (0, 0)
    shares_level: ClassVar[bool] = False

    def doubt(self, laboratory: Laboratory, records: Sequence[Record]) -> str:
        """Empty where both runs have the same bits."""
        return "" if bit_equal(laboratory.store, *records) else "two runs of one seed differ in bits"

    def compare(self, laboratory: Laboratory, before: int, after: int) -> Told:
        """`bad` where the bits differ."""
        records = [laboratory.record(laboratory.found.trials[place].runs[0]) for place in (before, after)]
        same = bit_equal(laboratory.store, *records)
        return Told("good", "the bits are equal") if same else Told("bad", "the bits differ")


@dataclass(frozen=True, kw_only=True)
class Quality:
    """Pairs of equal seeds, looked at as the gate does; each side begins with its own initial weights.

    Attributes:
      band: that the margins come from.
    """

    band: Band
    seeds: ClassVar[tuple[int, ...]] = (0,)
    shares_level: ClassVar[bool] = True

    def doubt(self, laboratory: Laboratory, records: Sequence[Record]) -> str:
        """Nothing: a run that ended is a sample, whatever it came to."""
        return ""

    def compare(self, laboratory: Laboratory, before: int, after: int) -> Told:
        """`bad` where the second setting lost quality."""
        found = self._probe(laboratory, before, after)
        with laboratory.runners(before, after) as runners:
            for look in LOOKS:
                if found.answer != "unresolved":
                    break
                for place, runner in zip((before, after), runners, strict=True):
                    if not laboratory.train_up_to(place, look, runner):
                        trial = laboratory.found.trials[place]
                        return Told("unresolved", f"{trial.what}: {trial.why_not}")
                found = self._probe(laboratory, before, after, look)
        return Told(*found)

    def _probe(self, laboratory: Laboratory, before: int, after: int, look: int = 1) -> Probed:
        cell = laboratory.setting(before).cell
        reader = EvidenceReader(store=laboratory.store, bases=())
        return quality_probe(
            gated_metrics(cell, margins_of(self.band, cell)),
            [
                reader.pair(pair, cell.model.judged_by(cell.recipe.tier), self.band)
                for pair in _run_pairs(laboratory, before, after)[:look]
            ],
        )


def _run_pairs(laboratory: Laboratory, before: int, after: int) -> list[RunPair]:
    """The pairs of runs that both trials have."""
    rows = zip(laboratory.found.trials[before].runs, laboratory.found.trials[after].runs, strict=False)
    return [
        RunPair(
            index=index,
            seed=laboratory.seed(index),
            baseline=ours,
            candidate=theirs,
            bit_equal=bit_equal(laboratory.store, laboratory.record(ours), laboratory.record(theirs)),
        )
        for index, (ours, theirs) in enumerate(rows)
    ]


@dataclass(frozen=True, kw_only=True)
class Speed:
    """Fresh pairs of processes in turns, as the gate times them; how many is decided by the interval's width."""

    basis: Basis
    seeds: ClassVar[tuple[int, ...]] = (0,)
    shares_level: ClassVar[bool] = True

    def doubt(self, laboratory: Laboratory, records: Sequence[Record]) -> str:
        """Nothing: that it runs is enough."""
        return ""

    def compare(self, laboratory: Laboratory, before: int, after: int) -> Told:
        """`bad` where the second setting is slower by more than the margin."""
        places: dict[GateSide, int] = {"baseline": before, "candidate": after}
        specs = {side: _timed_spec(laboratory, place) for side, place in places.items()}
        blocks: list[Block] = []
        with ExitStack() as stack:
            sides = [
                TimedSide(
                    name=side,
                    python=laboratory.setting(place).environment.python,
                    pool=stack.enter_context(ChildPool()),
                )
                for side, place in places.items()
            ]
            try:
                while not enough_pairs(blocks, self.basis):
                    with host_lock(laboratory.on_wait):
                        number = len(blocks) // 4
                        blocks += timed_pair(sides, specs, number=number, cache_root=laboratory.cache_root)
            except NotTimed as error:
                return Told("unresolved", str(error), tuple(blocks))
        return Told(*speed_probe(blocks, self.basis), tuple(blocks))


def _timed_spec(laboratory: Laboratory, place: int) -> RunSpec:
    request = RunRequest(cell=laboratory.setting(place).cell, seed=laboratory.seed(0), seed_role="gate")
    return spec_of(request, f"timed-{laboratory.found.key}", cache_root=laboratory.cache_root)
