"""What the gate measures of quality: two metrics a cell, and pairs of runs that only the environment tells apart."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from trainband.results.metrics import MetricForm, MetricSpec, distance_to_scale, metric_form, to_scale


@dataclass(frozen=True, kw_only=True)
class GateMetric:
    """One of a cell's two co-primary metrics.

    Attributes:
      margin: the loss that matters, on the metric's scale: in its unit, or in natural logarithms on a log scale.
      floor: what the sd of the differences is not taken below, on the scale; None for a metric that counts nothing.
    """

    form: MetricForm
    margin: float
    floor: float | None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.margin) and self.margin > 0.0):
            raise ValueError(f"{self.form.name}: margin = {self.margin}: must be positive and finite")
        if self.floor is not None and not (math.isfinite(self.floor) and self.floor > 0.0):
            raise ValueError(f"{self.form.name}: floor = {self.floor}: must be positive and finite, or None for none")

    @property
    def name(self) -> str:
        return self.form.name


def gate_metric(metric: MetricSpec, *, margin: float, n_test: int) -> GateMetric:
    """`metric` as the gate judges it: a share of `n_test` rows has a floor of half a row.

    Args:
      margin: as bands and recipes state it: in the metric's unit, or as a ratio minus one on a log scale.
    """
    if n_test < 1:
        raise ValueError(f"n_test = {n_test}: at least 1 needed")
    return GateMetric(
        form=metric_form(metric),
        margin=distance_to_scale(metric, margin),
        floor=0.5 / n_test if metric.proportion else None,
    )


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two runs of one seed, one a side: equal batches, draws and initial weights.

    Attributes:
      index: place in the cell's experiment, from 0; the looks take pairs in this order.
      bit_equal: the two runs ended with the same bits.
      differences: metric -> candidate against baseline, as `difference` has it; may be empty where a side did not
        converge.
    """

    index: int
    seed: int
    bit_equal: bool
    differences: Mapping[str, float]
    baseline_converged: bool = True
    candidate_converged: bool = True

    def __post_init__(self) -> None:
        if self.index < 0:
            raise ValueError(f"index = {self.index}: pairs are counted from 0")
        wrong = [name for name, value in self.differences.items() if not math.isfinite(value)]
        if self.converged and wrong:
            raise ValueError(
                f"pair {self.index}: differences[{wrong[0]!r}] = {self.differences[wrong[0]]}: a run whose metric has no "
                "finite value on its scale did not converge"
            )

    @property
    def converged(self) -> bool:
        """Whether both sides did; else the pair is left out of the differences."""
        return self.baseline_converged and self.candidate_converged


def difference(metric: MetricSpec, *, baseline: float, candidate: float) -> float:
    """How much better the candidate is, on the metric's scale; negative where it is worse."""
    raw = to_scale(metric, candidate) - to_scale(metric, baseline)
    return raw if metric.direction == "higher" else -raw


def check_pairs(pairs: Iterable[Pair], metrics: Iterable[GateMetric]) -> None:
    """That pairs of one cell are independent of one another and have all its metrics.

    Raises:
      ValueError: an index or a seed occurs twice, or a pair that converged lacks a metric.
    """
    indices: set[int] = set()
    seeds: set[int] = set()
    names = [metric.name for metric in metrics]
    for pair in pairs:
        if pair.index in indices or pair.seed in seeds:
            raise ValueError(f"pair {pair.index} of seed {pair.seed}: an index and a seed may stand in one pair only")
        indices.add(pair.index)
        seeds.add(pair.seed)
        absent = [name for name in names if name not in pair.differences]
        if pair.converged and absent:
            raise ValueError(f"pair {pair.index}: differences has no {absent[0]!r}, and both sides converged")
