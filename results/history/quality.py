"""Quality night after night: the final metrics of fresh seeds, held against the band that judged them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from trainband.results.history.series import Baseline, Era, Point, Quantity, Series
from trainband.results.index_rows import RunRow
from trainband.results.metric_bands import MetricBand


def quality_quantity(band: MetricBand) -> Quantity:
    """The metric of `band` as history follows it."""
    return Quantity(name=band.name, kind="quality", unit=band.unit, direction=band.direction, scale=band.scale)


def quality_series(
    cell: str, band: MetricBand, band_digest: str, rows: Iterable[RunRow], judged_by: Mapping[str, str | None]
) -> list[Series]:
    """A series a host class.

    Args:
      rows: runs of the cell with fresh seeds, in the order of time.
      judged_by: run -> digest of the band that it was judged by. The era of today's band begins with the first run that
        it judged; what another band judged after that is left out.
    """
    found: dict[str, list[Point]] = {}
    least = 0.0 if band.scale == "log" else -math.inf
    for row in rows:
        value = row.metrics.get(band.name, math.nan)
        if least < value < math.inf:  # on its scale, and no NaN
            found.setdefault(row.host_class, []).append(Point(row.run_id, row.created, value, row.faults))
    return [_series(cell, band, band_digest, host, points, judged_by) for host, points in found.items()]


def _series(
    cell: str,
    band: MetricBand,
    band_digest: str,
    host_class: str,
    points: Sequence[Point],
    judged_by: Mapping[str, str | None],
) -> Series:
    by_band = [judged_by.get(point.run_id) == band_digest for point in points]
    begins = by_band.index(True) if True in by_band else len(points)
    kept = [point for place, point in enumerate(points) if place < begins or by_band[place]]
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
    return Series(cell=cell, quantity=quality_quantity(band), host_class=host_class, points=tuple(kept), eras=eras)
