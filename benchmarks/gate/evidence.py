"""From a gate's document and the records it names to what the judgement takes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from trainband.benchmarks.cells import Cell
from trainband.models.datasets import dataset
from trainband.models.metrics import Metric
from trainband.results.bands import Band
from trainband.results.gate.evidence import CellEvidence
from trainband.results.gate.gates import Costs, GateCell, RunPair
from trainband.results.gate.pairs import GateMetric, Pair, difference, gate_metric
from trainband.results.gate.speed import GateSide
from trainband.results.metrics import better, to_scale
from trainband.results.records import Record
from trainband.results.store import Store
from trainband.results.throughput import Basis


class NoMargin(ValueError):
    """A cell that cannot be gated; the message says which and what would help."""


@dataclass(kw_only=True)
class EvidenceReader:
    """Reads each record once.

    Attributes:
      bases: what speed is judged by; empty where it is not.
    """

    store: Store
    bases: Sequence[Basis]
    _records: dict[str, Record] = field(default_factory=dict)

    def cell_evidence(self, row: GateCell, cell: Cell, band: Band) -> CellEvidence:
        """What is known of a planned cell; `band` is the one that its margins came from."""
        metrics = cell.model.judged_by(cell.recipe.tier)
        errors = row.pairs[-1].broken if row.pairs else {}
        natural = None if cell.recipe.stock else True
        weights = row.initial_weights
        return CellEvidence(
            cell=row.cell,
            metrics=gated_metrics(cell, row.margins),
            pairs=tuple(self.pair(pair, metrics, band) for pair in row.pairs if not pair.broken),
            blocks=row.blocks,
            bases=tuple(self.bases),
            semantic=row.finding.semantic if row.finding is not None else None,
            natural_equal=weights.equal if weights is not None else natural,
            initialisers=weights.test if weights is not None else None,
            baseline_error=errors.get("baseline", row.not_timed.get("baseline")),
            candidate_error=errors.get("candidate", row.not_timed.get("candidate")),
        )

    def costs(self, row: GateCell) -> dict[GateSide, Costs]:
        """What the runs of each side cost besides the training."""
        pairs = [pair for pair in row.pairs if not pair.broken]
        sides: dict[GateSide, list[str]] = {
            "baseline": [pair.baseline for pair in pairs],
            "candidate": [pair.candidate for pair in pairs],
        }
        return {side: self._costs(runs) for side, runs in sides.items() if runs}

    def _costs(self, runs: Sequence[str]) -> Costs:
        measured = [record.measurement.throughput for record in map(self._record, runs) if record.measurement]
        return Costs(
            startup_sec=median(each.startup_sec for each in measured),
            compile_sec=median(each.compile_sec for each in measured),
            peak_host_bytes=median(each.peak_host_bytes for each in measured),
        )

    def pair(self, pair: RunPair, metrics: Sequence[Metric], band: Band) -> Pair:
        """Two runs as the tests take them."""
        values = [_values(self._record(run), metrics) for run in (pair.baseline, pair.candidate)]
        converged = [_converged(each, metrics[0], band.convergence_threshold) for each in values]
        both = zip(metrics, *values, strict=True) if all(converged) else ()
        return Pair(
            index=pair.index,
            seed=pair.seed,
            bit_equal=pair.bit_equal,
            differences={metric.name: difference(metric, baseline=ours, candidate=new) for metric, ours, new in both},
            baseline_converged=converged[0],
            candidate_converged=converged[1],
        )

    def _record(self, run_id: str) -> Record:
        if run_id not in self._records:
            self._records[run_id] = self.store.read_record(run_id)
        return self._records[run_id]


def margins_of(band: Band | None, cell: Cell) -> dict[str, float]:
    """Metric -> the loss that matters, as the band of the cell's model and tier has it; raises NoMargin."""
    name = f"{cell.model.name}:{cell.recipe.tier}"
    if band is None or band.status != "calibrated":
        raise NoMargin(
            f"{cell.name} has no calibrated band, so no margin; `trainband calibrate {name}@cpu --seeds=20` makes one"
        )
    return {metric.name: metric.margin.value for metric in band.metrics}


def gated_metrics(cell: Cell, margins: Mapping[str, float]) -> tuple[GateMetric, ...]:
    """The cell's co-primary metrics with their margins, as the band states them."""
    n_test = dataset(cell.model.dataset_of(cell.recipe.tier)).n_test
    judged = cell.model.judged_by(cell.recipe.tier)
    return tuple(gate_metric(metric, margin=margins[metric.name], n_test=n_test) for metric in judged)


def _values(record: Record, metrics: Sequence[Metric]) -> list[float]:
    measured = record.measurement
    found = measured.quality.metrics if measured is not None else {}
    return [found[metric.name].value if metric.name in found else math.nan for metric in metrics]


def _converged(values: Sequence[float], headline: Metric, threshold: float | None) -> bool:
    """Whether a run ended with finite metrics on their scales, the headline at least half-way to the calibrated mean."""
    if not all(math.isfinite(value) for value in values) or not math.isfinite(to_scale(headline, values[0])):
        return False
    return threshold is None or not better(headline, threshold, values[0])
