"""`trainband report`: the static HTML pages of a store or of one sweep."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from absl import flags

from trainband.benchmarks.bands_on_disk import BandFolder
from trainband.command_line import Verb, define_store, open_store, optional_path
from trainband.models.specs import ReferenceModel
from trainband.platforms.probes import Availability
from trainband.platforms.profiles import Profile
from trainband.results.bands import Band
from trainband.results.pages.run_extras import RunExtras
from trainband.results.store import Store


def define(values: flags.FlagValues) -> None:
    """Flags of `report`."""
    define_store(values)
    flags.DEFINE_string("bands", None, "Directory of band files; the committed ones by default.", flag_values=values)
    flags.DEFINE_string("sweep", None, "Show this sweep; the whole store by default.", flag_values=values)
    flags.DEFINE_string("out", None, "Where to write; `site` inside the store by default.", flag_values=values)


def run(values: Any, words: list[str]) -> int:
    """Write the pages and say where."""
    from trainband.knowledge import Knowledge

    known = Knowledge(values)
    store = open_store(values, create=False)
    page = write_site(
        store,
        known.bands,
        optional_path(values.out) or store.root / "site",
        models=known.models,
        profiles=known.profiles,
        available=known.availability(),
        sweep_id=values.sweep,
    )
    print(json.dumps({"page": str(page)}) if values.json else f"page: {page}")
    return 0


def write_site(
    store: Store,
    bands: BandFolder,
    out: Path,
    *,
    models: Mapping[str, ReferenceModel],
    profiles: Mapping[str, Profile],
    available: Mapping[str, Availability],
    sweep_id: str | None = None,
) -> Path:
    """Write the report of `store`; returns the path of its first page."""
    from trainband import __version__
    from trainband.benchmarks.judging import now_utc
    from trainband.results.pages.collect import store_content
    from trainband.results.pages.store_report import seldom_collected, write_store_report

    with seldom_collected():
        content = store_content(
            store,
            title="trainband",
            created=now_utc(),
            store_label=str(store.root),
            trainband_version=__version__,
            models=models.values(),
            profiles=profiles.values(),
            available=available,
            bands=_bands(bands, models),
            waivers=bands.waivers,
            sweep_id=sweep_id,
            extras=lambda run_id: _extras(store.run_path(run_id)),
        )
        return write_store_report(out, content)


def _extras(folder: Path) -> RunExtras:
    from trainband.benchmarks.run_extras import run_extras  # imports NumPy: paid once the page of a run is written

    return run_extras(folder)


def _bands(bands: BandFolder, models: Mapping[str, ReferenceModel]) -> dict[str, Band]:
    found = {}
    for model in models.values():
        for tier in model.tiers:
            band = bands.read(model.name, tier)
            if band is not None:
                found[f"{model.name}:{tier}"] = band
    return found


VERB = Verb(
    summary="Write the static HTML pages: the matrix, a page a cell, a page a run. They open from disk.",
    example="trainband report --store=trainband-results",
    define=define,
    run=run,
)
