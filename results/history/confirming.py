"""What makes a candidate a regression: two fresh runs for quality, an A/B for speed."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Any

from trainband.results.gate.speed import Block, speed_test
from trainband.results.history.regressions import Confirmation
from trainband.results.history.series import Quantity
from trainband.results.history.speed import basis_of
from trainband.results.metric_bands import MetricBand, normal_band
from trainband.results.metrics import from_scale, to_scale
from trainband.results.records import Record
from trainband.results.statistics import CONFIRM_ALPHA, Side, prediction_factor

# Without it one wild run of the two would confirm: with skewed seeds that makes 1.5 false points a month and site, not 0.9.
LEAST_SD = 1.0


def fresh_runs_confirm(scores: Any, baseline_n: int) -> Any:
    """Whether fresh runs confirm an alarm: their mean beyond the 1% prediction bound, and each of them beyond 1 sd.

    Args:
      scores: [..., runs], distances from the baseline towards the alarm's side, in its sds.
      baseline_n: values behind the baseline.
    """
    import numpy as np

    found = np.asarray(scores)
    bound = prediction_factor(baseline_n, fresh=found.shape[-1])
    return (found.mean(axis=-1) > bound) & (found.min(axis=-1) > LEAST_SD)


def confirmed_by_runs(band: MetricBand, side: Side, fresh: Sequence[Record]) -> Confirmation:
    """What fresh runs say of an alarm, see `fresh_runs_confirm`.

    A fresh run that gave no value confirms nothing: it is left out, and one run alone is no mean.
    """
    values = {
        record.run_id: record.measurement.quality.metrics[band.name].value
        for record in fresh
        if record.measurement is not None and band.name in record.measurement.quality.metrics
    }
    runs = tuple(record.run_id for record in fresh)
    if len(values) < len(fresh) or not values:
        says = f"{len(values)} of {len(fresh)} fresh runs gave a value of {band.name}: nothing is confirmed"
        return Confirmation(kind="fresh runs", confirmed=False, says=says, runs=runs)
    scaled = [to_scale(band, value) for value in values.values()]
    towards = -1.0 if side == "lower" else 1.0
    confirmed = bool(fresh_runs_confirm([towards * (each - band.mean) / band.sd for each in scaled], band.n))
    value = from_scale(band, fmean(scaled))
    limit = from_scale(band, normal_band(band).confirm_bound(side, fresh=len(scaled)))
    runs_say = ", ".join(f"{each:.5g}" for each in values.values())
    says = (
        f"mean {value:.5g} of the fresh runs ({runs_say}): {'confirmed' if confirmed else 'not confirmed'} against the 1% "
        f"bound {limit:.5g} on the {side} side, and one sd for each"
    )
    return Confirmation(kind="fresh runs", confirmed=confirmed, says=says, runs=runs, value=value, bound=limit)


def confirmed_by_ab(quantity: Quantity, blocks: Sequence[Block]) -> Confirmation | None:
    """What timed pairs of processes say of a slower cell: confirmed where "not slower" is rejected at 1%.

    Args:
      blocks: the baseline's environment and today's, in turns.

    Returns:
      None where the pairs are too few, or gave one ratio without any spread.
    """
    test = speed_test(blocks, basis_of(quantity))
    if test.ratio is None or test.p_slower is None:
        return None
    says = (
        f"{test.ratio:.3f} [{test.lower:.3f}, {test.upper:.3f}] of the baseline's {quantity.unit} in {test.pairs} pairs of "
        f"processes, p = {test.p_slower:.2g}"
    )
    return Confirmation(kind="A/B", confirmed=test.p_slower <= CONFIRM_ALPHA, says=says, value=test.ratio, bound=1.0)
