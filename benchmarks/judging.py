"""Records meet bands: the judgement of a cell, stored under an id of its own."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from trainband.benchmarks.bands_on_disk import BandFolder
from trainband.benchmarks.cells import Cell
from trainband.results.bands import sweep_false_fails
from trainband.results.codec import encode
from trainband.results.judgements import Judgement
from trainband.results.records import Record
from trainband.results.store import Store
from trainband.results.verdicts import judge
from trainband.results.waivers import apply_waiver


def now_utc() -> str:
    """The current time as records and judgements write it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def judge_cell(
    cell: Cell, trigger: Record | None, fresh: Sequence[Record], bands: BandFolder, *, judgement_id: str
) -> Judgement:
    """The judgement of `trigger`, confirmed or not by the runs of `fresh` seeds, behind the waivers in force."""
    model, tier = cell.model.name, cell.recipe.tier
    judgement = judge(
        judgement_id=judgement_id,
        created=now_utc(),
        cell=cell.name,
        trigger=trigger,
        fresh=fresh,
        band=bands.read(model, tier),
        metrics=cell.model.judged_by(tier),
        band_path=bands.label(model, tier),
    )
    return apply_waiver(judgement, bands.waivers, datetime.now(UTC).date())


def new_judgement_id(subject: str) -> str:
    """An id for a judgement outside a sweep; a judgement is never written twice, so it has a random tail."""
    return f"{subject}-{secrets.token_hex(3)}"


def expected_false_fails(judgements: Iterable[Judgement], bands: BandFolder) -> float:
    """How many of these cells a night would call failed though nothing is wrong; cells without a band add nothing."""
    found = []
    for judgement in judgements:
        if judgement.band_digest is None:
            continue
        model, tier = judgement.cell.partition("@")[0].split(":")
        band = bands.read(model, tier)
        if band is not None:
            found.append(band)
    return sweep_false_fails(found)


def store_judgement(store: Store, judgement: Judgement) -> None:
    """Write the judgement into the store."""
    store.write_judgement(encode(judgement))
