"""What is known of one planned cell when the gate is judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from trainband.results.gate.initialisers import InitialiserTest
from trainband.results.gate.pairs import GateMetric, Pair, check_pairs
from trainband.results.gate.speed import Block, couples
from trainband.results.throughput import Basis

StartingWeights = Literal["alike", "different", "not compared"]


@dataclass(frozen=True, kw_only=True)
class CellEvidence:
    """One planned cell; with the defaults, one of which nothing has run.

    Attributes:
      metrics: its co-primary metrics, the headline one first.
      blocks: timed blocks of both sides.
      bases: what the plan judges speed by; empty where it does not judge it.
      semantic: whether a layer-by-layer comparison found a change of meaning; None where none was made, or where it could
        not tell.
      natural_equal: both sides initialise to the same bits from one seed; also True where trainband draws the weights.
        None where no build was compared.
      initialisers: the comparison of 20 builds a side, where they do not.
      baseline_error, candidate_error: why that side cannot run the cell; None where it can.
    """

    cell: str
    metrics: tuple[GateMetric, ...]
    pairs: tuple[Pair, ...] = ()
    blocks: tuple[Block, ...] = ()
    bases: tuple[Basis, ...] = ()
    semantic: bool | None = None
    natural_equal: bool | None = None
    initialisers: InitialiserTest | None = None
    baseline_error: str | None = None
    candidate_error: str | None = None

    def __post_init__(self) -> None:
        names = [metric.name for metric in self.metrics]
        if not names or len(set(names)) < len(names):
            raise ValueError(f"{self.cell}: metrics = {names}: at least one, each of another name")
        if len(set(self.bases)) < len(self.bases):
            raise ValueError(f"{self.cell}: bases = {list(self.bases)}: each one once")
        check_pairs(self.pairs, self.metrics)
        couples(self.blocks)

    @property
    def starting_weights(self) -> StartingWeights:
        """Whether what the pairs show, which start from equal weights, holds for each side's own weights as well."""
        if self.natural_equal:
            return "alike"
        if self.natural_equal is None or self.initialisers is None:
            return "not compared"
        return "different" if self.initialisers.different else "alike"

    @property
    def bit_equal(self) -> bool:
        """Whether the pairs prove equal quality to the bit.

        One pair does, and one that differs takes the proof back. A pair that did not converge proves nothing: NaN are
        equal, whatever led to them.
        """
        return any(pair.converged for pair in self.pairs) and all(pair.bit_equal for pair in self.pairs)
