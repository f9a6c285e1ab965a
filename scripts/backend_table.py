"""The same seeds on TensorFlow, JAX and PyTorch: what a store's runs say of one band, on processors and on GPUs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

from trainband.benchmarks.bands_on_disk import BandFolder
from trainband.models.specs import ReferenceModel
from trainband.reference_table import PROFILES, healthy_runs
from trainband.results.bands import Band
from trainband.results.metric_bands import MetricBand, inside
from trainband.results.metrics import from_scale, to_scale
from trainband.results.records import Record, Seeds
from trainband.results.store import Store
from trainband.tables import significant

COLUMNS = {**PROFILES, "gpu": "TensorFlow, GPU", "gpu_jax": "JAX, GPU", "gpu_torch": "PyTorch, GPU"}

# Seeds -> the metric's value, on one profile.
Values = Mapping[Seeds, float]
# Profile -> its runs, the newest of each seed; none without a run.
Runs = Mapping[str, Sequence[Record]]


def backend_rows(models: Mapping[str, ReferenceModel], bands: BandFolder, store: Store) -> list[dict[str, Any]]:
    """One row for each banded metric of each tier that ran on two profiles or more of `COLUMNS`.

    A profile's column is the mean of its runs, the newest of each seed, and how many; a profile without any run has none.
    `in band` counts runs, `equal seeds` those that two profiles or more have trained; the largest difference is between
    two profiles at one seed, in the metric's unit and in the band's standard deviations.
    """
    found: list[tuple[Band, Runs]] = []
    for model in models.values():
        for recipe in model.recipes:
            band = bands.read(model.name, recipe.tier)
            if band is not None:
                found.append((band, _runs(store, band)))
    used = {profile for _, runs in found for profile in runs}
    columns = {profile: name for profile, name in COLUMNS.items() if profile in used}
    return [row for band, runs in found if len(runs) > 1 for row in _rows(band, runs, columns)]


def _runs(store: Store, band: Band) -> Runs:
    runs = {profile: _newest_of_each_seed(store, band, profile) for profile in COLUMNS}
    return {profile: records for profile, records in runs.items() if records}


def _newest_of_each_seed(store: Store, band: Band, profile: str) -> list[Record]:
    found: dict[Seeds, Record] = {}
    for record in healthy_runs(store, f"{band.model}:{band.tier}@{profile}", band):
        found.setdefault(record.seeds, record)
    return list(found.values())


def _rows(band: Band, runs: Runs, columns: Mapping[str, str]) -> Iterable[dict[str, Any]]:
    for metric in band.metrics:
        values = {profile: _values(metric.name, records) for profile, records in runs.items()}
        each = [value for found in values.values() for value in found.values()]
        if not each:
            continue
        shared = _shared(values)
        yield {
            "model": band.model,
            "tier": band.tier,
            "metric": metric.name,
            "band": f"[{significant(metric.lower)}, {significant(metric.upper)}]",
            **{name: _mean(metric, values.get(profile, {})) for profile, name in columns.items()},
            "in band": f"{sum(inside(metric, value) for value in each)} of {len(each)}",
            "equal seeds": str(len(shared)),
            "largest difference": _largest_difference(metric, shared),
        }


def _shared(values: Mapping[str, Values]) -> list[list[float]]:
    """Of each seed that two profiles or more have trained, the values."""
    seeds = {seed for found in values.values() for seed in found}
    each = [[found[seed] for found in values.values() if seed in found] for seed in seeds]
    return [found for found in each if len(found) > 1]


def _values(metric: str, records: Sequence[Record]) -> Values:
    measured = {record.seeds: record.measurement for record in records}
    return {
        seeds: measurement.quality.metrics[metric].value
        for seeds, measurement in measured.items()
        if measurement is not None and metric in measurement.quality.metrics
    }


def _mean(metric: MetricBand, values: Values) -> str:
    if not values:
        return "-"
    mean = from_scale(metric, fmean(to_scale(metric, value) for value in values.values()))
    return f"{significant(mean)} ({len(values)})"


def _largest_difference(metric: MetricBand, shared: Sequence[Sequence[float]]) -> str:
    if not shared:
        return "-"
    plain = max(max(found) - min(found) for found in shared)
    scaled = max(to_scale(metric, max(found)) - to_scale(metric, min(found)) for found in shared)
    return f"{significant(plain, 2)} ({scaled / metric.sd:.1f} sd)"
