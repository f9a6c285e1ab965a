"""Whether a candidate loses quality: sequential paired t tests, and an exact test of the runs that did not converge.

There are looks at 4, 8, 16 and 32 pairs and no others; what lies between two of them waits for the next. A sequential p
is the least over the looks reached of 4 p, at most 1 (Bonferroni over the planned looks), so it holds whenever the gate
stops.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from trainband.results.gate.pairs import GateMetric, Pair
from trainband.results.metrics import distance_from_scale
from trainband.results.statistics import CONFIDENCE, POWER, sd_upper_factor

LOOKS = (4, 8, 16, 32)
ALPHA = 0.05


@dataclass(frozen=True, kw_only=True)
class MetricTest:
    """One metric of one cell at its last look.

    Differences are positive where the candidate is better, and lie on the metric's scale, as `margin` and `floor` do.

    Attributes:
      look: pairs at the last look, 0 before the first.
      n: differences behind mean and sd: the pairs at the look that converged.
      lower, upper: 95% limits of the mean at this look alone.
      sd: of the differences, before the floor.
      p_inferior: sequential p of "at least one margin worse"; None where the differences have no spread and no floor.
      p_regressed: of "not worse".
      p_better: of "not better".
      p_superior: of "at least one margin better".
      smallest_loss_found: loss that the pairs at this look would have shown, in the metric's unit, or as a ratio minus
        one on a log scale: see `smallest_loss_found`.
    """

    metric: str
    scale: Literal["linear", "log"]
    margin: float
    floor: float | None
    look: int
    n: int
    mean: float | None = None
    lower: float | None = None
    upper: float | None = None
    sd: float | None = None
    p_inferior: float | None = None
    p_regressed: float | None = None
    p_better: float | None = None
    p_superior: float | None = None
    smallest_loss_found: float | None = None


@dataclass(frozen=True, kw_only=True)
class ConvergenceTest:
    """Exact McNemar test of the pairs of which one side alone converged.

    Attributes:
      look: pairs at the last look, 0 before the first.
      baseline_failed, candidate_failed: runs of each side that did not converge, at that look.
      p_regressed: sequential p of "the candidate fails no more often"; None where no pair tells the sides apart.
      p_better: of "the candidate fails no less often".
    """

    look: int
    baseline_failed: int
    candidate_failed: int
    p_regressed: float | None
    p_better: float | None


class LookTests(NamedTuple):
    """Arrays [..., looks]: figures of each look, and the sequential p as they stand there; NaN where there is none."""

    n: Any
    mean: Any
    sd: Any
    standard_error: Any
    inferior: Any
    regressed: Any
    better: Any
    superior: Any


def looks_reached(pairs: int) -> tuple[int, ...]:
    """The looks that `pairs` pairs allow."""
    return tuple(look for look in LOOKS if look <= pairs)


def look_tests(differences: Any, *, margin: float, floor: float | None) -> LookTests:
    """The t tests at every look that the differences reach.

    `scipy.stats.ttest_1samp` takes no floor, so t comes from the mean and max(sd, floor) / sqrt(n); where the floor does
    not bind the two are equal.

    Args:
      differences: [..., pairs], at least 4, on the metric's scale, better is positive; NaN where a side did not converge.
    """
    import numpy as np
    from scipy import stats

    values = np.asarray(differences, dtype=np.float64)
    looks = looks_reached(values.shape[-1])
    if not looks:
        raise ValueError(f"{values.shape[-1]} pairs: the first look is at {LOOKS[0]}")
    n, mean, sd = (np.stack(each, axis=-1) for each in zip(*(_figures(values[..., :k]) for k in looks), strict=True))
    used = np.maximum(sd, floor or 0.0)
    error = np.where(used > 0.0, used, np.nan) / np.sqrt(n)
    return LookTests(
        n=n,
        mean=mean,
        sd=sd,
        standard_error=error,
        inferior=_sequential(stats.t.sf(mean, n - 1, loc=-margin, scale=error)),
        regressed=_sequential(stats.t.cdf(mean, n - 1, scale=error)),
        better=_sequential(stats.t.sf(mean, n - 1, scale=error)),
        superior=_sequential(stats.t.cdf(mean, n - 1, loc=margin, scale=error)),
    )


def _figures(values: Any) -> tuple[Any, Any, Any]:
    """n, mean and sd (ddof 1) along the last axis, NaN left out; NaN where there are none, or one for an sd.

    Equal values have an sd of exactly 0, whatever their mean is rounded to.
    """
    import numpy as np

    kept = np.ma.masked_invalid(values)
    n = np.asarray(kept.count(axis=-1), dtype=np.float64)
    n[n == 0.0] = np.nan
    spread = np.ma.filled(kept.max(axis=-1) - kept.min(axis=-1), np.nan)
    sd = np.ma.filled(kept.std(axis=-1, ddof=1), np.nan)
    return n, np.ma.filled(kept.mean(axis=-1), np.nan), np.where(spread == 0.0, np.where(n > 1, 0.0, np.nan), sd)


def _sequential(p: Any) -> Any:
    """The sequential p at each look from the p of every look, along the last axis."""
    import numpy as np

    return np.minimum(np.fmin.accumulate(len(LOOKS) * p, axis=-1), 1.0)


def metric_test(metric: GateMetric, pairs: Sequence[Pair], *, hypotheses: int) -> MetricTest:
    """The test of `metric` at the last look that `pairs` reach.

    Args:
      pairs: of one cell, in any order; their indices decide which of them a look takes.
      hypotheses: of the whole gate, among which Holm shares the level; for the smallest loss alone.
    """
    looks = looks_reached(len(pairs))
    last: dict[str, float | None] = {}
    if looks:
        ordered = sorted(pairs, key=lambda pair: pair.index)
        values = [pair.differences[metric.name] if pair.converged else math.nan for pair in ordered]
        found = look_tests(values, margin=metric.margin, floor=metric.floor)
        last = {name: _number(array[-1]) for name, array in found._asdict().items()}
    n = int(last.get("n") or 0)
    return MetricTest(
        metric=metric.name,
        scale=metric.form.scale,
        margin=metric.margin,
        floor=metric.floor,
        look=looks[-1] if looks else 0,
        n=n,
        mean=last.get("mean"),
        sd=last.get("sd"),
        p_inferior=last.get("inferior"),
        p_regressed=last.get("regressed"),
        p_better=last.get("better"),
        p_superior=last.get("superior"),
        **_limits(n, last.get("mean"), last.get("standard_error")),
        smallest_loss_found=smallest_loss_found(metric, last.get("sd"), n, hypotheses=hypotheses),
    )


def _number(value: Any) -> float | None:
    return None if math.isnan(value) else float(value)


def _limits(n: int, mean: float | None, standard_error: float | None) -> dict[str, float]:
    """95% limits of the mean at one look; empty where there is no spread."""
    from scipy import stats

    if mean is None or standard_error is None:
        return {}
    lower, upper = stats.t.interval(CONFIDENCE, n - 1, loc=mean, scale=standard_error)
    return {"lower": float(lower), "upper": float(upper)}


def smallest_loss_found(metric: GateMetric, sd: float | None, n: int, *, hypotheses: int) -> float | None:
    """The least loss that `n` pairs call `regressed` with 80% power, as Holm's first step among `hypotheses` has it.

    The look at `n` alone counts, so that the power is at least that; the sd is taken at its upper 90% limit, as
    everywhere where power is stated, and not below the floor.

    Returns:
      The loss in the metric's unit, or as a ratio minus one on a log scale; None where there is no spread to go by.
    """
    if sd is None or n < 2:
        return None
    spread = max(sd * sd_upper_factor(n), metric.floor or 0.0)
    if spread <= 0.0:
        return None
    return distance_from_scale(metric.form, spread * _effect_found(n, ALPHA / (len(LOOKS) * hypotheses)))


@functools.cache
def _effect_found(n: int, alpha: float) -> float:
    """The shift in sds that a one-sided paired t test at `alpha` finds with 80% power."""
    from statsmodels.stats.power import TTestPower

    return float(TTestPower().solve_power(nobs=n, alpha=alpha, power=POWER, alternative="larger"))


def convergence_test(pairs: Sequence[Pair]) -> ConvergenceTest:
    """Whether one side fails to converge more often, at the last look that `pairs` reach."""
    from scipy import stats

    looks = looks_reached(len(pairs))
    ordered = sorted(pairs, key=lambda pair: pair.index)
    worse, better = [], []
    for look in looks:
        alone = [pair for pair in ordered[:look] if pair.baseline_converged != pair.candidate_converged]
        if alone:
            lost = sum(pair.baseline_converged for pair in alone)
            worse.append(float(stats.binomtest(lost, len(alone), alternative="greater").pvalue))
            better.append(float(stats.binomtest(lost, len(alone), alternative="less").pvalue))
    seen = ordered[: looks[-1]] if looks else []
    return ConvergenceTest(
        look=len(seen),
        baseline_failed=sum(not pair.baseline_converged for pair in seen),
        candidate_failed=sum(not pair.candidate_converged for pair in seen),
        p_regressed=min(1.0, len(LOOKS) * min(worse)) if worse else None,
        p_better=min(1.0, len(LOOKS) * min(better)) if better else None,
    )
