"""Whether two runs end as much alike as two runs of fresh seeds do."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from trainband.results.bands import Band
from trainband.results.metrics import to_scale
from trainband.results.records import Measurement
from trainband.results.statistics import repeat_limit


@dataclass(frozen=True, kw_only=True)
class MetricAgreement:
    """One metric of two runs.

    Attributes:
      values: in the metric's unit.
      difference: between them on the metric's scale, in its unit or in natural logarithms; NaN where one is not finite.
      limit: what fresh seeds differ by, on the same scale: see `agreement`.
      sd, n: the band's, that the limit was made from.
    """

    name: str
    values: tuple[float, float]
    scale: Literal["linear", "log"]
    difference: float
    limit: float
    sd: float
    n: int

    @property
    def within(self) -> bool:
        return self.difference <= self.limit


def agreement(a: Measurement, b: Measurement, band: Band) -> tuple[MetricAgreement, ...]:
    """Each banded metric of two runs against what the band's seeds scatter by.

    Two runs of fresh seeds differ by more than the limit, in any metric of the band, in at most 5% of cases. The limit is
    a prediction bound of their difference, t(n - 1) x sd x sqrt(2), shared out over the metrics (Bonferroni).

    Args:
      band: one that can judge both runs, see `unusable_reason`.
    """
    found = []
    for metric in band.metrics:
        values = tuple(each.quality.metrics[metric.name].value for each in (a, b))
        first, second = (to_scale(metric, value) for value in values)
        found.append(
            MetricAgreement(
                name=metric.name,
                values=(values[0], values[1]),
                scale=metric.scale,
                difference=abs(first - second) if math.isfinite(first) and math.isfinite(second) else math.nan,
                limit=repeat_limit(metric.sd, metric.n, metrics=len(band.metrics)),
                sd=metric.sd,
                n=metric.n,
            )
        )
    return tuple(found)
