"""Simulates nights of the two-stage decision and prints what the bands promise beside what they do.

Example:
  python tests/performance/simulate_bands.py --calibrations=400000
"""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from trainband.results.metric_bands import metric_band, normal_band
from trainband.results.metrics import MetricForm
from trainband.results.power import FRESH_RUNS, NormalBand, false_fail_rate, find_probability
from trainband.results.statistics import prediction_factor, tolerance_factor

CHECKS = 400
ACCURACY = MetricForm(
    name="accuracy", unit="fraction", direction="higher", scale="linear", minimum=0.0, maximum=1.0, proportion=True
)


@dataclass(frozen=True, kw_only=True)
class Share:
    """A simulated probability with its standard error."""

    value: float
    error: float


def fired_share(
    *, n: int, drop_sd: float, nights: int, calibrations: int, seed: int, both_sides: bool = False
) -> Share:
    """Share of calibrations in which a drop of `drop_sd` true sd fails at least once within `nights` nights.

    Each calibration draws `n` normal values afresh; each night draws a run and, as if always asked for, two fresh ones.
    """
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((calibrations, n))
    mean, sd = values.mean(axis=1)[:, None], values.std(axis=1, ddof=1)[:, None]
    trigger = rng.standard_normal((calibrations, nights)) - drop_sd
    fresh = rng.standard_normal((calibrations, nights, FRESH_RUNS)).mean(axis=2) - drop_sd
    edge, confirm = tolerance_factor(n) * sd, prediction_factor(n, fresh=FRESH_RUNS) * sd
    fired: Any = (trigger < mean - edge) & (fresh < mean - confirm)
    if both_sides:
        fired |= (trigger > mean + edge) & (fresh > mean + confirm)
    share = float(fired.any(axis=1).mean())
    return Share(value=share, error=math.sqrt(share * (1.0 - share) / calibrations))


def counted_false_fails(*, err: float, n_test: int, calibrations: int, seed: int) -> tuple[Share, float]:
    """False fails a night of an accuracy that moves in whole test examples, and the share of clipped upper bounds.

    Half of the errors are the same rows for every seed, the others fall at random: an sd of sqrt(err / (2 n_test)).
    """
    rng = np.random.default_rng(seed)

    def runs(size: tuple[int, ...]) -> Any:
        return 1.0 - (err * n_test / 2.0 + rng.poisson(err * n_test / 2.0, size)) / n_test

    nights = 2000
    rates, clipped = [], 0
    for values in runs((calibrations, 20)):
        band = metric_band(ACCURACY, [float(v) for v in values], n_test=n_test, smallest_drop=None)
        normal, trigger, fresh = normal_band(band), runs((nights,)), runs((nights, FRESH_RUNS)).mean(axis=1)
        low = (trigger < normal.lower) & (fresh < normal.confirm_bound("lower"))
        high = (trigger > normal.upper) & (fresh > normal.confirm_bound("upper"))
        rates.append(float((low | high).mean()))
        clipped += band.upper_cannot_fail
    return Share(
        value=float(np.mean(rates)), error=float(np.std(rates) / math.sqrt(calibrations))
    ), clipped / calibrations


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calibrations", type=int, default=200_000)
    calibrations = parser.parse_args(argv).calibrations
    out = sys.stdout.write
    out(f"{'n':>3} {'false fails / 400 checks':>32} {'3-sd drop: 1 night':>24} {'3 nights':>18} {'7 nights':>18}\n")
    for n in (5, 10, 20, 30):
        k = tolerance_factor(n)
        model = NormalBand(mean=0.0, sd=1.0, n=n, lower=-k, upper=k)
        healthy = fired_share(n=n, drop_sd=0.0, nights=1, calibrations=10 * calibrations, seed=n, both_sides=True)
        cells = [
            f"{CHECKS * healthy.value:.3f} +- {CHECKS * healthy.error:.3f} ({CHECKS * false_fail_rate(model).mean:.3f})"
        ]
        for nights in (1, 3, 7):
            found = fired_share(n=n, drop_sd=3.0, nights=nights, calibrations=calibrations, seed=100 * n + nights)
            computed = find_probability(model, "lower", drop_sd=3.0, nights=nights)
            cells.append(f"{found.value:.1%} ({computed:.1%})")
        out(f"{n:>3} {cells[0]:>32} {cells[1]:>24} {cells[2]:>18} {cells[3]:>18}\n")
    out("\nsimulated (computed from the model)\n\naccuracy in whole test examples, n = 20:\n")
    for err, n_test in ((0.02, 360), (0.01, 10_000), (0.10, 10_000)):
        share, clipped = counted_false_fails(err=err, n_test=n_test, calibrations=1000, seed=n_test)
        out(
            f"error rate {err:.2f} of {n_test:>6} rows: {CHECKS * share.value:.3f} +- {CHECKS * share.error:.3f} false "
            f"fails / 400 checks, upper bound cannot fail in {clipped:.0%} of calibrations\n"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
