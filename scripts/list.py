"""`trainband list`: what there is. Imports no framework and no library that it does not need: it must feel instant."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from absl import flags

from trainband.command_line import UsageError, Verb, define_store, open_store, optional_path
from trainband.tables import plain_table

KINDS = ("models", "profiles", "cells", "suites", "datasets", "reference", "audit", "backends", "history")


def define(values: flags.FlagValues) -> None:
    """The store that `reference`, `backends` and `history` take runs from."""
    define_store(values)


def run(values: Any, words: list[str]) -> int:
    """Print one kind."""
    if len(words) != 1 or words[0] not in KINDS:
        raise UsageError(f"{' '.join(words) or 'nothing'!r} cannot be listed; name one of {', '.join(KINDS)}")
    rows = _FROM_RUNS[words[0]](values) if words[0] in _FROM_RUNS else _ROWS[words[0]]()
    if values.json:
        print(json.dumps(rows, indent=1))
    else:
        print(plain_table(rows) if rows else _NOTHING.get(words[0], "nothing to show"))
    return 0


def _models() -> Sequence[dict[str, Any]]:
    from trainband.models.catalog import load_catalog

    return [
        {
            "model": model.name,
            "tiers": ", ".join(model.tiers),
            "parameters": "-" if model.parameters is None else f"{model.parameters:,}",
            "data set": ", ".join(dict.fromkeys(model.dataset_of(tier) for tier in model.tiers)),
            "metrics": ", ".join(metric.name for metric in model.metrics),
            "title": model.title,
        }
        for model in load_catalog().values()
    ]


def _profiles() -> Sequence[dict[str, Any]]:
    import os

    from trainband.platforms.host_facts import gather_host_facts
    from trainband.platforms.probes import probe
    from trainband.platforms.profiles import load_profiles

    host = gather_host_facts(environ=os.environ)
    rows = []
    for profile in load_profiles().values():
        found = probe(profile, host=host)
        rows.append(
            {
                "profile": profile.name,
                "here": "yes" if found.available else "no",
                "title": profile.title,
                "why": found.reason,
            }
        )
    return rows


def _cells() -> Sequence[dict[str, Any]]:
    from trainband.benchmarks.bands_on_disk import reference_bands
    from trainband.benchmarks.cells import all_cells
    from trainband.models.catalog import load_catalog
    from trainband.platforms.profiles import load_profiles

    bands = reference_bands()
    status: dict[tuple[str, str], str] = {}
    rows = []
    for cell in all_cells(load_catalog(), load_profiles()):
        key = (cell.model.name, cell.recipe.tier)
        if key not in status:
            band = bands.read(*key)
            status[key] = "none" if band is None else f"{band.status} (n={band.n})"
        rows.append({"cell": cell.name, "band": status[key]})
    return rows


def _suites() -> Sequence[dict[str, Any]]:
    from trainband.benchmarks.suites import load_suites

    return [
        {"suite": suite.name, "seeds": suite.seeds, "title": suite.title, "cells": " ".join(suite.cells)}
        for suite in load_suites().values()
    ]


def _datasets() -> Sequence[dict[str, Any]]:
    from trainband.models.datasets import DATASETS

    return [
        {
            "data set": row.name,
            "version": row.version,
            "train": row.n_train,
            "test": row.n_test,
            "origin": row.origin,
            "licence": row.licence,
            "title": row.title,
        }
        for row in DATASETS.values()
    ]


def _audit() -> Sequence[dict[str, Any]]:
    from trainband.audit_table import audit_rows
    from trainband.benchmarks.bands_on_disk import reference_bands
    from trainband.results.audits import AUDIT_FILE, read_audit

    return audit_rows(read_audit(reference_bands().root / AUDIT_FILE))


def _reference(values: Any) -> Sequence[dict[str, Any]]:
    from trainband.benchmarks.bands_on_disk import reference_bands
    from trainband.models.catalog import load_catalog
    from trainband.reference_table import reference_rows

    return reference_rows(load_catalog(), reference_bands(), _store(values))


def _backends(values: Any) -> Sequence[dict[str, Any]]:
    from trainband.backend_table import backend_rows
    from trainband.benchmarks.bands_on_disk import reference_bands
    from trainband.models.catalog import load_catalog

    store = _store(values)
    return [] if store is None else backend_rows(load_catalog(), reference_bands(), store)


def _history(values: Any) -> Sequence[dict[str, Any]]:
    from trainband.benchmarks.bands_on_disk import reference_bands
    from trainband.history_table import history_rows
    from trainband.models.catalog import load_catalog
    from trainband.platforms.profiles import load_profiles

    store = _store(values)
    return [] if store is None else history_rows(store, reference_bands(), load_catalog(), load_profiles())


def _store(values: Any) -> Any:
    """The store that the flags name; None where none is named and the usual one is not there."""
    there = optional_path(values.store)
    absent = values["store"].using_default_value and not (there is not None and there.is_dir())
    return None if absent else open_store(values, create=False)


_ROWS = {
    "models": _models,
    "profiles": _profiles,
    "cells": _cells,
    "suites": _suites,
    "datasets": _datasets,
    "audit": _audit,
}
_FROM_RUNS = {"reference": _reference, "backends": _backends, "history": _history}
_NOTHING = {
    "backends": "nothing to show: no model that has a band ran in the store on two of cpu, cpu_jax, cpu_torch, gpu, gpu_jax and "
    "gpu_torch; train one with the same --seed on each, and name the store with --store",
    "history": "nothing to show: the store has no run of a sweep; `trainband nightly` makes them, --store names another store",
}

VERB = Verb(
    summary="List models, profiles, cells, suites, data sets; what each model reaches and costs (reference); which planted "
    "faults are found (audit); how far the backends lie apart at equal seeds (backends); how each cell moves over the nights (history).",
    example="trainband list models",
    define=define,
    run=run,
    words="|".join(KINDS),
)
