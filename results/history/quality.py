"""Quality night after night: the final metrics of fresh seeds, held against the band that judged them."""

from __future__ import annotations

import math
from collections.abc import Mapping

from trainband.results.history.series import Baseline, Era, Points, Quantity, Series, points_of
from trainband.results.metric_bands import MetricBand
from trainband.results.run_columns import RunColumns


def quality_quantity(band: MetricBand) -> Quantity:
    """The metric of `band` as history follows it."""
    return Quantity(name=band.name, kind="quality", unit=band.unit, direction=band.direction, scale=band.scale)


def quality_series(
    cell: str, band: MetricBand, band_digest: str, runs: RunColumns, judged_by: Mapping[str, str | None]
) -> list[Series]:
    """A series a host class.

    Args:
      runs: of the cell with fresh seeds.
      judged_by: run -> digest of the band that it was judged by. The era of today's band begins with the first run that
        it judged; what another band judged after that is left out.
    """
    least = 0.0 if band.scale == "log" else -math.inf  # what lies on its scale
    values = runs.metrics.get(band.name, [None] * len(runs))
    usable = runs.at([place for place, value in enumerate(values) if value is not None and value > least])
    return [
        _series(cell, band, band_digest, host, points_of(ours, ours.metrics[band.name]), judged_by)
        for host, ours in usable.by_host().items()
    ]


def _series(
    cell: str,
    band: MetricBand,
    band_digest: str,
    host_class: str,
    points: Points,
    judged_by: Mapping[str, str | None],
) -> Series:
    by_band = [judged_by.get(run_id) == band_digest for run_id in points.run_ids]
    begins = by_band.index(True) if True in by_band else len(points)
    kept = points.at([place for place, ours in enumerate(by_band) if place < begins or ours])
    earlier = Era(
        first=0,
        judged_from=begins,
        because="the first run",
        baseline=None,
        why_not="judged by another band, or by none",
    )
    baseline = Baseline(mean=band.mean, sd=band.sd, n=band.n, of=f"band of {band.n} seeds")
    current = Era(
        first=begins,
        judged_from=begins,
        because="the first run" if begins == 0 else "the band was calibrated anew",
        baseline=baseline,
    )
    eras = (current,) if begins == 0 else (earlier, current) if begins < len(points) else (earlier,)
    return Series(cell=cell, quantity=quality_quantity(band), host_class=host_class, points=kept, eras=eras)
