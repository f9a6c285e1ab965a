"""Whether two sides draw their initial weights from the same distributions.

Pairs start from equal weights, so they say nothing of how a side initialises by itself. Where one build a side from one
seed is not equal to the bit, 20 builds a side are compared, variable by variable.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

BUILDS = 20
ALPHA = 0.05

# variable -> statistic -> value. Mean and sd at least; the largest magnitude tells a uniform draw from a normal one of
# the same sd.
BuildSummary = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, kw_only=True)
class VariableTest:
    """One statistic of one variable over the builds (two-sample Kolmogorov-Smirnov, exact).

    Attributes:
      p: before Holm.
      differs: Holm over all variables and statistics rejects equality.
    """

    variable: str
    statistic: str
    baseline_mean: float
    candidate_mean: float
    p: float
    differs: bool


@dataclass(frozen=True, kw_only=True)
class InitialiserTest:
    """Attributes:
    tests: every statistic of the variables that both sides have.
    one_side_only: variables that one side does not have, or not with the same statistics.
    """

    builds: int
    tests: tuple[VariableTest, ...]
    one_side_only: tuple[str, ...]

    @property
    def different(self) -> tuple[str, ...]:
        """Names of the variables whose initialisers differ; none where the sides agree."""
        return tuple(dict.fromkeys((*self.one_side_only, *(each.variable for each in self.tests if each.differs))))


def compare_initialisers(baseline: Sequence[BuildSummary], candidate: Sequence[BuildSummary]) -> InitialiserTest:
    """The two sides' builds of one cell, each of another seed.

    Args:
      baseline, candidate: at least 20 builds a side; every build of a side has the same variables and statistics.

    Raises:
      ValueError: fewer builds, builds of one side that differ in their variables, or a value that is not finite.
    """
    from statsmodels.stats.multitest import multipletests

    ours, theirs = _columns("baseline", baseline), _columns("candidate", candidate)
    shared = [key for key in ours if key in theirs]
    p = [_p(ours[key], theirs[key]) for key in shared]
    rejected = multipletests(p, alpha=ALPHA, method="holm")[0] if p else ()
    return InitialiserTest(
        builds=min(len(baseline), len(candidate)),
        tests=tuple(
            VariableTest(
                variable=key[0],
                statistic=key[1],
                baseline_mean=fmean(ours[key]),
                candidate_mean=fmean(theirs[key]),
                p=value,
                differs=bool(differs),
            )
            for key, value, differs in zip(shared, p, rejected, strict=True)
        ),
        one_side_only=tuple(sorted({variable for variable, _ in ours.keys() ^ theirs.keys()})),
    )


def _columns(side: str, builds: Sequence[BuildSummary]) -> dict[tuple[str, str], list[float]]:
    """(variable, statistic) -> its value in each build."""
    if len(builds) < BUILDS:
        raise ValueError(f"{side}: {len(builds)} builds; at least {BUILDS} needed")
    rows = [{(name, key): value for name, held in build.items() for key, value in held.items()} for build in builds]
    for index, row in enumerate(rows):
        if row.keys() != rows[0].keys():
            odd = min(row.keys() ^ rows[0].keys())
            raise ValueError(f"{side}: builds 0 and {index} do not both have {odd[1]} of {odd[0]!r}")
        for (name, key), value in row.items():
            if not math.isfinite(value):
                raise ValueError(f"{side}: build {index}: {key} of {name!r} is {value}: such a build cannot train")
    return {key: [row[key] for row in rows] for key in rows[0]}


def _p(baseline: Sequence[float], candidate: Sequence[float]) -> float:
    from scipy import stats

    return float(stats.ks_2samp(baseline, candidate, method="exact").pvalue)
