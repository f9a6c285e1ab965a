"""Speed night after night: the uncontended runs of one host class, held against its first ones.

A baseline's mean is its own host class's. Its noise may be an earlier era's: a new host, a changed recipe or a change that
was accepted moves the level, and the scatter about it is known already, so that 10 runs make a baseline and not 30.

An alarm counts in sds of the baseline and is confirmed by an A/B before it is a regression, so that CPU seconds are watched
on a noisy host too: what is found there is larger. Wall seconds count only where the host is quiet.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from statistics import fmean, stdev

from trainband.results.history.series import Baseline, Era, Points, Quantity, Series, points_of
from trainband.results.run_columns import RunColumns
from trainband.results.throughput import LEAST_DAYS, LEAST_RUNS, NOISY_CV, Basis

BASELINE_RUNS = 30

SPEEDS: Mapping[Basis, Quantity] = {
    "cpu": Quantity(
        name="examples_per_cpu_sec", kind="speed", unit="examples per CPU second", direction="higher", scale="log"
    ),
    "wall": Quantity(
        name="examples_per_sec", kind="speed", unit="examples per second", direction="higher", scale="log"
    ),
}


def basis_of(quantity: Quantity) -> Basis:
    """The seconds that a speed counts."""
    return next(basis for basis, known in SPEEDS.items() if known.name == quantity.name)


def speed_series(cell: str, basis: Basis, runs: RunColumns, accepted: Mapping[str, str] | None = None) -> list[Series]:
    """A series a host class, in the order in which the classes appeared.

    Args:
      runs: of the cell; contended ones are left out.
      accepted: run -> why a new era begins with it.
    """
    measured = zip(runs.speeds[basis], runs.contended, strict=True)
    usable = runs.at([place for place, (speed, busy) in enumerate(measured) if speed is not None and not busy])
    noise: Baseline | None = None
    series: list[Series] = []
    for host_class, ours in usable.by_host().items():
        points = points_of(ours, ours.speeds[basis])
        eras: list[Era] = []
        for first, last, because in _spans(ours, accepted or {}, new_host=bool(series)):
            era = _era(basis, points[first:last], first, because, noise)
            noise = noise if era.baseline is None else era.baseline
            eras.append(era)
        series.append(Series(cell=cell, quantity=SPEEDS[basis], host_class=host_class, points=points, eras=tuple(eras)))
    return series


def _spans(runs: RunColumns, accepted: Mapping[str, str], *, new_host: bool) -> Iterable[tuple[int, int, str]]:
    """First place, place after the last, and the known change that begins it, of each era."""
    begins = {0: "a new host" if new_host else "the first run"}
    recipes = [setting.recipe_hash or "" for setting in runs.settings]
    for place, (before, after) in enumerate(pairwise(runs.made_with), start=1):
        if before != after and recipes[before] != recipes[after]:
            begins[place] = "the recipe changed"
        elif accepted and runs.run_ids[place] in accepted:
            begins[place] = accepted[runs.run_ids[place]]
    places = [*begins, len(runs)]
    return ((first, last, begins[first]) for first, last in pairwise(places))


def _era(basis: Basis, points: Points, first: int, because: str, noise: Baseline | None) -> Era:
    """The era of `points`, the first of which has the place `first` in its series."""
    needed = BASELINE_RUNS if noise is None else LEAST_RUNS
    healthy = [place for place, faults in enumerate(points.faults) if not faults]
    made_of = _enough([points.created[place] for place in healthy], needed)
    if made_of is None:
        days = len({points.created[place][:10] for place in healthy})
        why = f"{len(healthy)} of {needed} runs, {days} of {LEAST_DAYS} days"
        return Era(first=first, judged_from=first + len(points), because=because, baseline=None, why_not=why)
    judged_from = first + healthy[made_of - 1] + 1
    logs = [math.log(points.values[place]) for place in healthy[:made_of]]
    sd, of = (stdev(logs), "") if noise is None else (noise.sd, ", with the noise of the era before")
    if basis == "wall" and noise is None and sd >= NOISY_CV:
        why = f"noisy host: cv {100 * sd:.0f}%"
        return Era(first=first, judged_from=judged_from, because=because, baseline=None, why_not=why)
    if sd <= 0.0:
        why = "the baseline's runs are all equally fast"
        return Era(first=first, judged_from=judged_from, because=because, baseline=None, why_not=why)
    newest = points.run_ids[healthy[made_of - 1]]
    baseline = Baseline(mean=fmean(logs), sd=sd, n=made_of, of=f"the first {made_of} runs{of}", newest_run=newest)
    return Era(first=first, judged_from=judged_from, because=because, baseline=baseline)


def _enough(created: Sequence[str], needed: int) -> int | None:
    """How many of the first runs make a baseline: `needed` from several days; None where there are too few."""
    for count in range(needed, len(created) + 1):
        if len({moment[:10] for moment in created[:count]}) >= LEAST_DAYS:
            return count
    return None
