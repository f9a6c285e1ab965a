"""What each model reaches and costs: its band beside the published figure, and its newest runs in a store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from trainband.benchmarks.bands_on_disk import BandFolder
from trainband.models.specs import PublishedFigure, Recipe, ReferenceModel
from trainband.results.bands import Band
from trainband.results.metric_bands import MetricBand
from trainband.results.records import Record
from trainband.results.store import RunFilter, Store
from trainband.tables import significant

PROFILES = {"cpu": "TensorFlow", "cpu_jax": "JAX", "cpu_torch": "PyTorch"}


def reference_rows(
    models: Mapping[str, ReferenceModel], bands: BandFolder, store: Store | None
) -> list[dict[str, Any]]:
    """One row for each metric of each tier that has a band, a published figure or a run in `store`.

    Seconds and examples a second are those of the newest run on the profile that nothing else on the host disturbed;
    where each was disturbed, of the newest, marked by a `*`; a dash says that there is no run.
    """
    rows: list[dict[str, Any]] = []
    for model in models.values():
        for recipe in model.recipes:
            band = bands.read(model.name, recipe.tier)
            newest = _newest(store, model.name, recipe.tier, band)
            if band is not None or recipe.published or newest:
                rows += _rows(model, recipe, band, newest)
    return rows


def _newest(store: Store | None, model: str, tier: str, band: Band | None) -> dict[str, Record]:
    """Profile -> its newest completed run."""
    found: dict[str, Record] = {}
    if store is None:
        return {}
    for profile in PROFILES:
        runs = healthy_runs(store, f"{model}:{tier}@{profile}", band)
        if runs:
            found[profile] = max(runs, key=lambda record: (not _contended(record), record.created))
    return found


def healthy_runs(store: Store, cell: str, band: Band | None) -> list[Record]:
    """Completed runs of a cell without a planted fault, newest first: of the recipe that `band` was calibrated with.

    Without a band, of the newest run's recipe.
    """
    runs = [record for record in store.records(RunFilter(cell=cell, outcome="completed")) if not record.faults]
    wanted = band.evidence.recipe_hash if band is not None else next(map(_recipe_hash, runs), None)
    return [record for record in runs if _recipe_hash(record) == wanted]


def _recipe_hash(record: Record) -> str | None:
    return record.measurement.recipe_hash if record.measurement is not None else None


def _contended(record: Record) -> bool:
    return record.measurement is None or bool(record.measurement.throughput.contended)


def _rows(
    model: ReferenceModel, recipe: Recipe, band: Band | None, newest: Mapping[str, Record]
) -> Iterable[dict[str, Any]]:
    metrics = {metric.name: metric for metric in band.metrics} if band is not None else {}
    published = {figure.metric: figure for figure in recipe.published}
    for metric in model.metrics:
        yield {
            "model": model.name,
            "tier": recipe.tier,
            "parameters": _parameters(model, newest),
            "metric": metric.name,
            **_band_columns(band, metrics.get(metric.name)),
            "published": _figure(published.get(metric.name)),
            "seconds": _seconds(newest.get("cpu")),
            **{f"examples/s {name}": _speed(newest.get(profile)) for profile, name in PROFILES.items()},
        }


def _band_columns(band: Band | None, metric: MetricBand | None) -> dict[str, str]:
    if band is None or metric is None:
        return {"n": "0" if band is None else str(band.n), "mean": "-", "sd": "-", "band": "none"}
    sd = f"{metric.sd:.2%}" if metric.scale == "log" else significant(metric.sd, 2)
    interval = f"[{significant(metric.lower)}, {significant(metric.upper)}]"
    text = interval if band.status == "calibrated" else f"{band.status}"
    return {"n": str(band.n), "mean": significant(metric.center), "sd": sd, "band": text}


def _figure(figure: PublishedFigure | None) -> str:
    return "-" if figure is None else significant(figure.value)


def _parameters(model: ReferenceModel, newest: Mapping[str, Record]) -> str:
    """What the row says, or else the newest runs."""
    measured = {r.measurement.weights.parameters for r in newest.values() if r.measurement is not None}
    counts = measured if model.parameters is None else {model.parameters}
    return f"{counts.pop():,}" if len(counts) == 1 else "-"


def _seconds(record: Record | None) -> str:
    return "-" if record is None else f"{record.wall_sec:.0f}"


def _speed(record: Record | None) -> str:
    if record is None or record.measurement is None:
        return "-"
    throughput = record.measurement.throughput
    text = significant(throughput.examples_per_sec)
    return f"{text}*" if throughput.contended else text
