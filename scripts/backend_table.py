"""The same seeds on TensorFlow, JAX and PyTorch: what a store's runs say of one band for three backends."""

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

# Seeds -> the metric's value, on one profile.
Values = Mapping[Seeds, float]


def backend_rows(models: Mapping[str, ReferenceModel], bands: BandFolder, store: Store) -> list[dict[str, Any]]:
    """One row for each banded metric of each tier that ran on two profiles or more of `PROFILES`.

    A profile's column is the mean of its runs, the newest of each seed, and how many; `in band` counts runs; the largest
    difference is between two profiles at one seed, in the metric's unit and in the band's standard deviations.
    """
    rows: list[dict[str, Any]] = []
    for model in models.values():
        for recipe in model.recipes:
            band = bands.read(model.name, recipe.tier)
            runs = {profile: _newest_of_each_seed(store, model.name, recipe.tier, profile) for profile in PROFILES}
            if band is not None and sum(map(bool, runs.values())) > 1:
                rows += _rows(model.name, band, runs)
    return rows


def _newest_of_each_seed(store: Store, model: str, tier: str, profile: str) -> list[Record]:
    found: dict[Seeds, Record] = {}
    for record in healthy_runs(store, f"{model}:{tier}@{profile}"):
        found.setdefault(record.seeds, record)
    return list(found.values())


def _rows(model: str, band: Band, runs: Mapping[str, Sequence[Record]]) -> Iterable[dict[str, Any]]:
    for metric in band.metrics:
        values = {profile: _values(metric.name, records) for profile, records in runs.items()}
        each = [value for found in values.values() for value in found.values()]
        if not each:
            continue
        shared = set.intersection(*(set(found) for found in values.values() if found))
        yield {
            "model": model,
            "tier": band.tier,
            "metric": metric.name,
            "band": f"[{significant(metric.lower)}, {significant(metric.upper)}]",
            **{name: _mean(metric, values[profile]) for profile, name in PROFILES.items()},
            "in band": f"{sum(inside(metric, value) for value in each)} of {len(each)}",
            "equal seeds": str(len(shared)),
            "largest difference": _largest_difference(metric, values, shared),
        }


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


def _largest_difference(metric: MetricBand, values: Mapping[str, Values], shared: set[Seeds]) -> str:
    if not shared:
        return "-"
    plain, scaled = [], []
    for seeds in shared:
        found = [each[seeds] for each in values.values() if each]
        plain.append(max(found) - min(found))
        on_scale = [to_scale(metric, value) for value in found]
        scaled.append(max(on_scale) - min(on_scale))
    return f"{significant(max(plain), 2)} ({max(scaled) / metric.sd:.1f} sd)"
