"""The series of a cell, from a store's index: no record is opened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from trainband.results.bands import Band
from trainband.results.history.quality import quality_series
from trainband.results.history.regressions import Regression
from trainband.results.history.series import Series
from trainband.results.history.speed import speed_series
from trainband.results.index_rows import RunFilter
from trainband.results.run_columns import MadeWith, RunColumns, run_columns
from trainband.results.store import Store
from trainband.results.store_summaries import judged_by
from trainband.results.throughput import Basis


def cell_series(
    store: Store,
    cell: str,
    *,
    band: Band | None,
    device: str,
    filed: Iterable[Regression] = (),
    faults: Sequence[str] = (),
) -> list[Series]:
    """Every series of `cell`: a metric or a speed, on a class of hosts.

    Args:
      band: of the cell's model and tier; only a calibrated one is followed.
      device: of the cell's profile. On a CPU the speed is followed by CPU seconds and by wall seconds, elsewhere by wall
        seconds alone.
      filed: regressions of the store: one that was accepted begins an era.
      faults: planted faults of a rehearsal, whose runs count; runs with others never do.
    """
    runs = fresh_runs(run_columns(store.rows(RunFilter(cell=cell, outcome="completed"))), tuple(faults))
    followed = band is not None and band.status == "calibrated"
    judged = judged_by(store, cell) if followed else {}
    return series_of_runs(cell, runs, judged, band=band, device=device, filed=filed)


def series_of_runs(
    cell: str,
    runs: RunColumns,
    judged_by: Mapping[str, str | None],
    *,
    band: Band | None,
    device: str,
    filed: Iterable[Regression] = (),
) -> list[Series]:
    """As `cell_series`, of the `fresh_runs` of the cell.

    Args:
      judged_by: run -> digest of the band of the newest judgement that it triggered.
    """
    found: list[Series] = []
    if band is not None and band.status == "calibrated":
        ours = band.digest
        recipe_hash = band.evidence.recipe_hash
        of_recipe = runs.where(lambda setting: setting.recipe_hash == recipe_hash)
        for metric in band.metrics:
            found += quality_series(cell, metric, ours, of_recipe, judged_by)
    bases: tuple[Basis, ...] = ("cpu", "wall") if device == "cpu" else ("wall",)
    for basis in bases:
        found += speed_series(cell, basis, runs, _accepted(filed, cell, basis))
    return found


def fresh_runs(runs: RunColumns, faults: tuple[str, ...] = ()) -> RunColumns:
    """The completed runs with the fresh seeds of sweeps; with no planted faults, or with `faults`."""

    def fresh(setting: MadeWith) -> bool:
        trained = setting.outcome == "completed" and setting.seed_role == "sweep" and setting.of_sweep
        return trained and setting.faults in ((), faults)

    return runs.where(fresh)


def _accepted(filed: Iterable[Regression], cell: str, basis: Basis) -> dict[str, str]:
    name = "examples_per_cpu_sec" if basis == "cpu" else "examples_per_sec"
    return {
        each.onset_run: f"accepted by {each.events[-1].owner}"
        for each in filed
        if each.cell == cell and each.quantity.name == name and each.state == "accepted"
    }
