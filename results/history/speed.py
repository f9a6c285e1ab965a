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

from trainband.results.history.series import Baseline, Era, Point, Quantity, Series
from trainband.results.index_rows import RunRow
from trainband.results.throughput import LEAST_DAYS, LEAST_RUNS, NOISY_CV, Basis, speed_of

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


def speed_series(
    cell: str, basis: Basis, rows: Iterable[RunRow], accepted: Mapping[str, str] | None = None
) -> list[Series]:
    """A series a host class, in the order in which the classes appeared.

    Args:
      rows: runs of the cell in the order of time; contended ones are left out.
      accepted: run -> why a new era begins with it.
    """
    usable = [(row, speed) for row in rows if (speed := speed_of(basis, row)) is not None and not row.contended]
    noise: Baseline | None = None
    series: list[Series] = []
    for host_class in dict.fromkeys(row.host_class for row, _ in usable):
        ours = [(row, speed) for row, speed in usable if row.host_class == host_class]
        points = tuple(Point(row.run_id, row.created, speed, row.faults) for row, speed in ours)
        eras: list[Era] = []
        for first, last, because in _spans([row for row, _ in ours], accepted or {}, new_host=bool(series)):
            era = _era(basis, points[first:last], first, because, noise)
            noise = noise if era.baseline is None else era.baseline
            eras.append(era)
        series.append(Series(cell=cell, quantity=SPEEDS[basis], host_class=host_class, points=points, eras=tuple(eras)))
    return series


def _spans(rows: Sequence[RunRow], accepted: Mapping[str, str], *, new_host: bool) -> Iterable[tuple[int, int, str]]:
    """First place, place after the last, and the known change that begins it, of each era."""
    begins = {0: "a new host" if new_host else "the first run"}
    recipes = [row.recipe_hash or "" for row in rows]
    for place, (before, recipe) in enumerate(pairwise(recipes), start=1):
        if recipe != before:
            begins[place] = "the recipe changed"
        elif accepted and rows[place].run_id in accepted:
            begins[place] = accepted[rows[place].run_id]
    places = [*begins, len(rows)]
    return ((first, last, begins[first]) for first, last in pairwise(places))


def _era(basis: Basis, points: Sequence[Point], first: int, because: str, noise: Baseline | None) -> Era:
    """The era of `points`, the first of which has the place `first` in its series."""
    needed = BASELINE_RUNS if noise is None else LEAST_RUNS
    healthy = [place for place, point in enumerate(points) if not point.faults]
    made_of = _enough([points[place] for place in healthy], needed)
    if made_of is None:
        days = len({points[place].created[:10] for place in healthy})
        why = f"{len(healthy)} of {needed} runs, {days} of {LEAST_DAYS} days"
        return Era(first=first, judged_from=first + len(points), because=because, baseline=None, why_not=why)
    judged_from = first + healthy[made_of - 1] + 1
    logs = [math.log(points[place].value) for place in healthy[:made_of]]
    sd, of = (stdev(logs), "") if noise is None else (noise.sd, ", with the noise of the era before")
    if basis == "wall" and noise is None and sd >= NOISY_CV:
        why = f"noisy host: cv {100 * sd:.0f}%"
        return Era(first=first, judged_from=judged_from, because=because, baseline=None, why_not=why)
    if sd <= 0.0:
        why = "the baseline's runs are all equally fast"
        return Era(first=first, judged_from=judged_from, because=because, baseline=None, why_not=why)
    newest = points[healthy[made_of - 1]].run_id
    baseline = Baseline(mean=fmean(logs), sd=sd, n=made_of, of=f"the first {made_of} runs{of}", newest_run=newest)
    return Era(first=first, judged_from=judged_from, because=because, baseline=baseline)


def _enough(points: Sequence[Point], needed: int) -> int | None:
    """How many of the first points make a baseline: `needed` from several days; None where there are too few."""
    for count in range(needed, len(points) + 1):
        if len({point.created[:10] for point in points[:count]}) >= LEAST_DAYS:
            return count
    return None
