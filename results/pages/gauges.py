"""Where a value lies in its band, as a small strip of 100 units: the band from 20 to 80, open to an end that cannot fail."""

from __future__ import annotations

import math
from dataclasses import dataclass

from trainband.results.metric_bands import MetricBand
from trainband.results.metrics import to_scale

_LEFT, _RIGHT, _END = 20.0, 80.0, 100.0


@dataclass(frozen=True, kw_only=True)
class Gauge:
    """Places on the strip; `start` is 0 and `stop` 100 where that side cannot fail."""

    start: float
    stop: float
    center: float
    place: float
    inside: bool


def scale_edges(band: MetricBand) -> tuple[float, float]:
    """The bounds on the metric's scale; an end that cannot fail mirrors the other bound, within the metric's range."""
    lower, upper = to_scale(band, band.lower), to_scale(band, band.upper)
    width = band.factor * band.sd
    if band.lower_cannot_fail:
        lower = max(band.mean - width, to_scale(band, band.minimum))
    if band.upper_cannot_fail:
        upper = min(band.mean + width, to_scale(band, band.maximum))
    return lower, upper


def gauge(band: MetricBand, value: float) -> Gauge | None:
    """`value` on the strip of `band`; None where it has no place on the metric's scale."""
    lower, upper = scale_edges(band)
    scaled = to_scale(band, value)
    if not math.isfinite(scaled) or not lower < upper:
        return None

    def place(x: float) -> float:
        return min(_END - 3.0, max(3.0, _LEFT + (_RIGHT - _LEFT) * (x - lower) / (upper - lower)))

    return Gauge(
        start=0.0 if band.lower_cannot_fail else _LEFT,
        stop=_END if band.upper_cannot_fail else _RIGHT,
        center=place(band.mean),
        place=place(scaled),
        inside=band.lower <= value <= band.upper,
    )
