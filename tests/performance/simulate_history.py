"""Simulates histories of 365 nights and prints what the online alarm and its confirmation do with them.

Quality is independent from night to night, and held against a band of as many seeds as a calibration trains; the speed of
a host is an AR(1) with 0.5, held against its first runs. Every draw has mean 0 and sd 1, so that steps are in true sds.
An alarm of quality is confirmed by two fresh runs, one of speed by an A/B of four pairs of processes.

Example:
  python tests/performance/simulate_history.py --series=200000
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from trainband.benchmarks.gate.experiment import TIMED_PAIRS
from trainband.results.history.confirming import fresh_runs_confirm
from trainband.results.history.cusum import LIMIT_SD, advance
from trainband.results.history.speed import BASELINE_RUNS
from trainband.results.power import FRESH_RUNS
from trainband.results.statistics import CONFIRM_ALPHA
from trainband.results.throughput import LEAST_RUNS

NIGHTS = 365
SITE_SERIES = 400
MONTHS = 12
STEP_SD = 3.0
AFTER_STEP = 60
BATCH = 20_000
LOG_SD = 0.5

Draw = Callable[[np.random.Generator, int, int], Any]


def normal(rng: np.random.Generator, series: int, nights: int) -> Any:
    return rng.standard_normal((series, nights))


def t3(rng: np.random.Generator, series: int, nights: int) -> Any:
    return rng.standard_t(3, (series, nights)) / math.sqrt(3.0)


def lognormal(rng: np.random.Generator, series: int, nights: int) -> Any:
    shape = stats.lognorm(LOG_SD)
    return (np.exp(LOG_SD * rng.standard_normal((series, nights))) - shape.mean()) / shape.std()


def ar1(rng: np.random.Generator, series: int, nights: int) -> Any:
    shocks = rng.standard_normal((series, nights))
    for night in range(1, nights):
        shocks[:, night] = 0.5 * shocks[:, night - 1] + math.sqrt(0.75) * shocks[:, night]
    return shocks


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of series.

    Attributes:
      baseline_n: runs behind the baseline's mean.
      noise_n: runs behind its sd; those of the mean where they are equal, of an earlier era where not.
      quality: alarms are confirmed by fresh runs; by an A/B where not.
    """

    draw: Draw
    baseline_n: int
    noise_n: int
    quality: bool


BAND_SEEDS = 20
KINDS: Mapping[str, Kind] = {
    **{
        f"{draw.__name__}, {n} seeds": Kind(draw=draw, baseline_n=n, noise_n=n, quality=True)
        for n in (BAND_SEEDS, 30)
        for draw in (normal, t3, lognormal)
    },
    "AR(1) .5, first runs": Kind(draw=ar1, baseline_n=BASELINE_RUNS, noise_n=BASELINE_RUNS, quality=False),
    "AR(1) .5, new era": Kind(draw=ar1, baseline_n=LEAST_RUNS, noise_n=BASELINE_RUNS, quality=False),
}


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a kind of series comes to.

    Attributes:
      candidates_a_year: alarms of a healthy series.
      confirmed_a_month: of those that are confirmed, on a site of 400 such series.
      nights_to_step: mean over steps either way of the nights up to the alarm; `median` and `missed` (never within 60).
      confirmed_step: share of those alarms that the fresh runs confirm; None for an A/B, whose power is the host's.
    """

    candidates_a_year: float
    candidates_error: float
    confirmed_a_month: float
    confirmed_error: float
    nights_to_step: float
    median: float
    missed: float
    confirmed_step: float | None


def scores_of(kind: Kind, rng: np.random.Generator, series: int, nights: int, step: float) -> tuple[Any, Any, Any]:
    """Scores [series, nights] against an estimated baseline, and that baseline's means and sds [series]."""
    values = kind.draw(rng, series, kind.baseline_n + nights)
    made_of = values[:, : kind.baseline_n]
    noise = made_of if kind.noise_n == kind.baseline_n else kind.draw(rng, series, kind.noise_n)
    mean, sd = made_of.mean(axis=1), noise.std(axis=1, ddof=1)
    return (values[:, kind.baseline_n :] + step - mean[:, None]) / sd[:, None], mean, sd


def confirmed(kind: Kind, rng: np.random.Generator, mean: Any, sd: Any, side: Any, step: float) -> Any:
    """Whether the confirmation of an alarm on `side` (1 above, -1 below) says that the level has moved, for each series."""
    if not kind.quality:
        ratios = rng.standard_normal((len(mean), TIMED_PAIRS))
        return stats.ttest_1samp(ratios, 0.0, axis=1, alternative="less").pvalue <= CONFIRM_ALPHA
    fresh = kind.draw(rng, len(mean), FRESH_RUNS) + step
    return fresh_runs_confirm(side * (fresh - mean[:, None]) / sd[:, None], kind.baseline_n)


def healthy(kind: Kind, rng: np.random.Generator, series: int) -> tuple[Any, Any]:
    """Candidates and confirmed ones [series] of a year in which nothing happens; a confirmed one closes its side."""
    scores, mean, sd = scores_of(kind, rng, series, NIGHTS, 0.0)
    upper = lower = np.zeros(series)
    candidates, proven = np.zeros(series), np.zeros((2, series))
    for night in range(NIGHTS):
        upper, lower = advance(upper, lower, scores[:, night])
        for place, (side, fired) in enumerate(((1.0, upper > LIMIT_SD), (-1.0, lower > LIMIT_SD))):
            if not kind.quality and side > 0:
                continue  # a cell that became faster raises no candidate
            new = fired & (proven[place] == 0.0)
            candidates += new
            proven[place] += new & confirmed(kind, rng, mean, sd, side, 0.0)
        over = (upper > LIMIT_SD) | (lower > LIMIT_SD)
        upper, lower = np.where(over, 0.0, upper), np.where(over, 0.0, lower)
    return candidates, proven.sum(axis=0)


def after_step(kind: Kind, rng: np.random.Generator, series: int, step: float) -> tuple[Any, Any]:
    """Nights up to the first alarm on the step's side [series], infinite where none came, and whether it was confirmed."""
    scores, mean, sd = scores_of(kind, rng, series, AFTER_STEP, step)
    upper = lower = np.zeros(series)
    first = np.full(series, np.inf)
    for night in range(AFTER_STEP):
        upper, lower = advance(upper, lower, scores[:, night])
        fired = (upper if step > 0 else lower) > LIMIT_SD
        first = np.where(fired & np.isinf(first), night + 1.0, first)
    return first, confirmed(kind, rng, mean, sd, math.copysign(1.0, step), step)


def simulate(kind: Kind, *, series: int, seed: int) -> Found:
    """`series` histories of a year, and half as many steps either way."""
    rng = np.random.default_rng(seed)
    sizes = [min(BATCH, series - done) for done in range(0, series, BATCH)]
    years = [healthy(kind, rng, size) for size in sizes]
    candidates, proven = (np.concatenate([year[i] for year in years]) for i in (0, 1))
    sides = (-STEP_SD,) if not kind.quality else (STEP_SD, -STEP_SD)
    steps = [after_step(kind, rng, size, side) for size in sizes for side in sides]
    first, found = (np.concatenate([step[i] for step in steps]) for i in (0, 1))
    alarmed = np.isfinite(first)
    a_month = SITE_SERIES / MONTHS
    return Found(
        candidates_a_year=float(candidates.mean()),
        candidates_error=float(candidates.std() / math.sqrt(series)),
        confirmed_a_month=float(proven.mean()) * a_month,
        confirmed_error=float(proven.std() / math.sqrt(series)) * a_month,
        nights_to_step=float(first[alarmed].mean()),
        median=float(np.median(first)),
        missed=float(1.0 - alarmed.mean()),
        confirmed_step=float(found[alarmed].mean()) if kind.quality else None,
    )


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=200_000)
    series = parser.parse_args(argv).series
    out = sys.stdout.write
    out(f"{series} series of {NIGHTS} nights each; a site of {SITE_SERIES}; steps of {STEP_SD:g} sd\n")
    out(
        "| series, baseline | candidates a year | confirmed a month and site | nights to a step: mean, median | missed | confirmed |\n"
    )
    out("|---|---|---|---|---|---|\n")
    for seed, (name, kind) in enumerate(KINDS.items()):
        found = simulate(kind, series=series, seed=seed)
        share = "A/B" if found.confirmed_step is None else f"{found.confirmed_step:.1%}"
        out(
            f"| {name} | {found.candidates_a_year:.3f} +- {found.candidates_error:.3f} "
            f"| {found.confirmed_a_month:.3f} +- {found.confirmed_error:.3f} "
            f"| {found.nights_to_step:.2f}, {found.median:.0f} | {found.missed:.2%} | {share} |\n"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
