"""The margin of a cell: the loss of quality that matters, and why it is what it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from trainband.results.metrics import MetricSpec, distance_from_scale, error_rate

RELATIVE_LOSS = 0.10
SEED_SDS = 1.5
TEST_EXAMPLES = 2
DECLARED = "declared smallest_drop"


@dataclass(frozen=True, kw_only=True)
class Margin:
    """A loss in the metric's unit, or as a ratio minus one on a log scale.

    Attributes:
      terms: every candidate, before rounding; the largest one is the margin.
    """

    value: float
    reason: str
    terms: Mapping[str, float]


def round_up(value: float, digits: int = 2) -> float:
    """`value` rounded up to `digits` significant digits; float noise below 1e-12 relative is no reason to go up."""
    if value <= 0.0:
        return value
    clean = Decimal(f"{value:.12e}")
    step = Decimal(1).scaleb(clean.adjusted() - digits + 1)
    return float(clean.quantize(step, rounding=ROUND_CEILING))


def margin_of(metric: MetricSpec, *, mean: float, sd: float, n_test: int, declared: float | None) -> Margin:
    """The largest of the losses that matter for `metric`.

    Args:
      mean, sd: of the calibration, on the metric's scale, floors included.
      declared: the loss that the recipe promises to find; None where it states none.
    """
    terms: dict[str, float] = {}
    if metric.proportion:
        terms["10% of the error rate"] = RELATIVE_LOSS * error_rate(metric, mean)
        terms["2 test examples"] = TEST_EXAMPLES / n_test
    elif metric.scale == "log":
        terms[f"10% of {metric.name}"] = RELATIVE_LOSS
    elif metric.direction == "lower":
        terms[f"10% of {metric.name}"] = RELATIVE_LOSS * abs(mean)
    terms["1.5 seed sd"] = distance_from_scale(metric, SEED_SDS * sd)
    if declared is not None:
        terms[DECLARED] = float(declared)
    name, largest = max(terms.items(), key=lambda item: item[1])
    value = largest if name == DECLARED else round_up(largest)
    others = ", ".join(f"{other} {term:.3g}" for other, term in terms.items() if other != name)
    return Margin(value=value, reason=f"{name} ({largest:.3g}) is the largest; {others}", terms=terms)
