"""The two stages of one night, metric by metric: inside the band, and the mean of the fresh runs beyond its bound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean
from typing import Literal

from trainband.results.judgements import MetricJudgement
from trainband.results.metric_bands import MetricBand, inside, normal_band
from trainband.results.metrics import from_scale, to_scale, worse_side
from trainband.results.statistics import Side


def first_stage(band: MetricBand, value: float) -> MetricJudgement:
    """Where `value` lies to the closed interval."""
    return MetricJudgement(
        name=band.name,
        value=value,
        lower=band.lower,
        upper=band.upper,
        lower_cannot_fail=band.lower_cannot_fail,
        upper_cannot_fail=band.upper_cannot_fail,
        inside=inside(band, value),
    )


def second_stage(band: MetricBand, found: MetricJudgement, fresh: Sequence[float]) -> MetricJudgement:
    """`found`, which is outside, with the mean of the fresh values and the prediction bound on that side."""
    side = side_of(found)
    mean = fmean(to_scale(band, value) for value in fresh)
    bound = normal_band(band).confirm_bound(side, fresh=len(fresh))
    return replace(
        found,
        fresh_mean=from_scale(band, mean),
        confirm_bound=from_scale(band, bound),
        confirmed=mean < bound if side == "lower" else mean > bound,
    )


def side_of(found: MetricJudgement) -> Side:
    """The side on which a value outside lies."""
    return "lower" if found.value < found.lower else "upper"


def failure_of(band: MetricBand, found: MetricJudgement) -> Literal["fail_low", "fail_high"]:
    """fail_low: worse than the band, whatever the metric's direction; fail_high: better."""
    return "fail_low" if side_of(found) == worse_side(band) else "fail_high"


def describe(found: MetricJudgement) -> str:
    """`accuracy 0.9 below [0.95, 1 (cannot fail)]`, with the second stage where there was one."""
    lower = f"{found.lower:.5g}" + (" (cannot fail)" if found.lower_cannot_fail else "")
    upper = f"{found.upper:.5g}" + (" (cannot fail)" if found.upper_cannot_fail else "")
    where = "in" if found.inside else "below" if side_of(found) == "lower" else "above"
    text = f"{found.name} {found.value:.5g} {where} [{lower}, {upper}]"
    if found.fresh_mean is None or found.confirm_bound is None:
        return text
    verb = "confirmed" if found.confirmed else "not confirmed"
    return f"{text}, {verb} by the fresh mean {found.fresh_mean:.5g} against the 1% bound {found.confirm_bound:.5g}"
