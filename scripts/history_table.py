"""The history of a store as a table: one row a quantity of a cell on a class of hosts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from trainband.benchmarks.bands_on_disk import BandFolder
from trainband.benchmarks.cells import CellError, find_cell
from trainband.benchmarks.nightly.history import History
from trainband.models.specs import ReferenceModel
from trainband.platforms.profiles import Profile
from trainband.results.history.canaries import Canary, read_canaries
from trainband.results.history.looking import SeriesState, drift
from trainband.results.store import Store
from trainband.tables import significant


def history_rows(
    store: Store, bands: BandFolder, models: Mapping[str, ReferenceModel], profiles: Mapping[str, Profile]
) -> list[dict[str, Any]]:
    """Every series of the store's cells that the registry still has; distances are in the baseline's sds."""
    history = History(store=store, bands=bands, models=models, profiles=profiles)
    filed, _ = history.folder.all()
    canaries = read_canaries(store.root)
    rows: list[dict[str, Any]] = []
    for name in sorted({row.cell for row in store.rows()}):
        try:
            cell = find_cell(name, models, profiles)
        except CellError:
            continue
        rows += [_row(state, canaries) for state in history.states(cell, filed)]
    return rows


def _row(state: SeriesState, canaries: Sequence[Canary]) -> dict[str, Any]:
    series, newest, slope = state.series, state.newest, drift(state.series)
    baseline = series.era.baseline
    before = newest.from_run_before if newest is not None else None
    return {
        "cell": series.cell,
        "quantity": series.quantity.name,
        "host class": series.host_class,
        "runs": len(series.points),
        "era since": f"{series.points[series.era.first].created[:10]}, {series.era.because}",
        "baseline": series.era.why_not if baseline is None else significant(series.quantity.unscaled(baseline.mean)),
        "newest": significant(series.points[-1].value),
        "from baseline": "" if newest is None else f"{newest.from_baseline:+.1f}",
        "from run before": "" if before is None else f"{before:+.1f}",
        "drift a month": "" if slope is None else f"{slope.sd_a_month:+.1f} [{slope.lower:+.1f}, {slope.upper:+.1f}]",
        "changes": ", ".join(series.points[change.onset].created[:10] for change in state.levels),
        "numerics changed": ", ".join(_marks(series.cell, series.host_class, canaries)),
    }


def _marks(cell: str, host_class: str, canaries: Iterable[Canary]) -> list[str]:
    of_cell = (canary for canary in canaries if (canary.cell, canary.host_class) == (cell, host_class))
    return sorted(mark.at[:10] for canary in of_cell for mark in canary.marks)
