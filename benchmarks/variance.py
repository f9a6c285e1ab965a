"""Where the scatter of a cell's final metrics comes from: one factor varies, everything else is held.

The standard deviations do not add up, and are no shares of the total: factors interact.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import fmean, median, stdev

from trainband.benchmarks.cells import Cell
from trainband.benchmarks.runner import Runner, RunRequest
from trainband.platforms.interpreters import installed_distributions
from trainband.results.codec import encode
from trainband.results.metrics import from_scale, to_scale
from trainband.results.records import FactorSeeds, Record, Seeds
from trainband.results.statistics import sd_limits
from trainband.results.store import RunFilter

# Factor -> the seeds that vary with it; none where the machine alone may differ.
FACTORS: dict[str, tuple[str, ...]] = {
    "total": ("initial_weights", "batches", "draws"),
    "initial weights": ("initial_weights",),
    "batches": ("batches",),
    "random draws": ("draws",),
    "hardware": (),
}
BASE_SEED = 0


class VarianceError(RuntimeError):
    """A run that gives no value; the message names it and why."""


@dataclass(frozen=True, kw_only=True)
class Spread:
    """How a metric scatters while one factor varies.

    Attributes:
      center: the mean in the metric's unit, on a log scale the geometric mean.
      distinct: different final weights among the runs; 1 where all ended bit-equal.
      sd, lower, upper: standard deviation and its 95% chi-square limits, in the metric's unit or, on a log scale, of the
        natural logarithm.
    """

    factor: str
    metric: str
    scale: str
    n: int
    distinct: int
    center: float
    sd: float
    lower: float
    upper: float


@dataclass(kw_only=True)
class VarianceExperiment:
    """`seeds` runs of a cell for each factor; what the store holds of equal packages and this kind of host is not run again."""

    cell: Cell
    runner: Runner
    seeds: int
    factors: Sequence[str] = tuple(FACTORS)

    def run(self, on_run: Callable[[str, int, Record], None] = lambda factor, index, record: None) -> list[Spread]:
        """Train what is missing.

        Raises:
          VarianceError: a run failed; those before it stand in the store.
        """
        known = self._known()
        found: list[Spread] = []
        for factor in self.factors:
            records = []
            for index in range(self.seeds):
                record = self._taken(known, factor, index)
                if record is None:
                    record = self._trained(factor, index)
                    known.append(record)
                records.append(record)
                on_run(factor, index, record)
            found += self._spreads(factor, records)
        return found

    def _seeds(self, factor: str, index: int) -> Seeds:
        fixed = FactorSeeds().resolved(BASE_SEED)
        return replace(fixed, **dict.fromkeys(FACTORS[factor], BASE_SEED + index))

    def _known(self) -> list[Record]:
        """Completed runs of this cell, as it is now, on such a host with the packages that are installed now, oldest first."""
        packages = dict(installed_distributions())
        host_class, _ = self.runner.surroundings(self.cell)
        recipe, profile = encode(self.cell.recipe), encode(self.cell.profile)
        records = self.runner.store.records(RunFilter(cell=self.cell.name, outcome="completed"))
        return [
            record
            for record in reversed(list(records))
            if not (record.faults or record.initial_weights_from)
            and (record.recipe, record.profile_spec, record.host_class) == (recipe, profile, host_class)
            and dict(record.fingerprint["distributions"]) == packages
        ]

    def _taken(self, known: Sequence[Record], factor: str, index: int) -> Record | None:
        """The known run that stands for this one; where no seed varies, another for each index."""
        equal = [record for record in known if record.seeds == self._seeds(factor, index)]
        place = 0 if FACTORS[factor] else index
        return equal[place] if place < len(equal) else None

    def _trained(self, factor: str, index: int) -> Record:
        seeds = self._seeds(factor, index)
        own = {name: value for name, value in asdict(seeds).items() if value != BASE_SEED}
        record = self.runner.run(
            RunRequest(cell=self.cell, seed=BASE_SEED, seed_role="pinned", factor_seeds=FactorSeeds(**own))
        )
        if record.failure is not None:
            raise VarianceError(f"run {record.run_id} ({factor}, {index}): {record.failure.message}")
        return record

    def _spreads(self, factor: str, records: Sequence[Record]) -> Iterator[Spread]:
        distinct = len({r.measurement.weights.final_digest for r in records if r.measurement is not None})
        for metric in self.cell.model.metrics:
            values = [r.measurement.quality.metrics[metric.name].value for r in records if r.measurement is not None]
            scaled = [to_scale(metric, value) for value in values]
            if not all(map(math.isfinite, scaled)):
                raise VarianceError(f"{metric.name}: a run of factor {factor!r} did not converge: {values}")
            sd = stdev(scaled)
            lower, upper = sd_limits(sd, len(scaled))
            yield Spread(
                factor=factor,
                metric=metric.name,
                scale=metric.scale,
                n=len(scaled),
                distinct=distinct,
                center=from_scale(metric, fmean(scaled)),
                sd=sd,
                lower=lower,
                upper=upper,
            )


@dataclass(frozen=True, kw_only=True)
class DeterminismCost:
    """Examples a second of the deterministic profile over those of the plain one, run by turns: medians of the pairs.

    Attributes:
      wall, cpu: the ratios a wall second and a CPU second; None where a run was too short to have a rate.
    """

    profile: str
    pairs: int
    wall: float | None
    cpu: float | None


def determinism_cost(cell: Cell, deterministic: Cell, runner: Runner, *, pairs: int) -> DeterminismCost:
    """Run both cells by turns, `pairs` times each; raises VarianceError where a run fails."""
    rates: dict[str, list[tuple[float | None, float | None]]] = {cell.name: [], deterministic.name: []}
    for pair in range(pairs):
        for each in (cell, deterministic) if pair % 2 == 0 else (deterministic, cell):
            record = runner.run(RunRequest(cell=each, seed=BASE_SEED, seed_role="pinned"))
            if record.measurement is None:
                raise VarianceError(
                    f"run {record.run_id}: {record.failure.message if record.failure else 'no figures'}"
                )
            throughput = record.measurement.throughput
            rates[each.name].append((throughput.examples_per_sec, throughput.examples_per_cpu_sec))
    wall, cpu = (
        _median_ratio([row[basis] for row in rates[deterministic.name]], [row[basis] for row in rates[cell.name]])
        for basis in range(2)
    )
    return DeterminismCost(profile=deterministic.profile.name, pairs=pairs, wall=wall, cpu=cpu)


def _median_ratio(above: Sequence[float | None], below: Sequence[float | None]) -> float | None:
    ratios = [a / b for a, b in zip(above, below, strict=True) if a and b]
    return median(ratios) if ratios else None
