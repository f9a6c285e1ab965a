"""A store with a sweep that came to every verdict there is, judged by the judge itself, on records like a sweep's."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from trainband.results.bands import Band
from trainband.results.codec import encode
from trainband.results.exports.collect import export_rows
from trainband.results.exports.rows import ExportRow
from trainband.results.judgements import Judgement, skipped_judgement
from trainband.results.metrics import MetricForm
from trainband.results.records import CurvePoint, Record
from trainband.results.store import Store
from trainband.results.verdicts import judge
from trainband.results.waivers import Waiver, apply_waiver

SWEEP = "20260303T030000-quick-abcdef"
HOSTILE = "]]></system-out>\x1b[31m\x00 <b>&| \"quoted\"\n=cmd|' /C calc'!A0"
# The fixture's band: accuracy in [0.9254, 0.9746], log_loss in [0.2009, 0.3112].
PLANNED: tuple[tuple[str, dict[str, Any]], ...] = (
    ("pass", {}),
    ("in_sample", {"seed": 1_000_003}),
    ("fail_low", {"accuracy": 0.90}),
    ("fail_high", {"accuracy": 0.99}),
    ("diverged", {"accuracy": math.nan, "log_loss": math.inf}),
    ("error", {"outcome": "error", "log_tail": HOSTILE}),
    ("timeout", {"outcome": "timeout"}),
    ("no_band", {}),
    ("undecided", {"accuracy": 0.90}),
    ("waived", {"accuracy": 0.90}),
    ("skipped", {}),
    ("required", {}),
    ("planned", {}),
)
CONFIRMED = ("fail_low", "fail_high", "waived", "diverged")
WAIVER = Waiver(
    cells="*@waived",
    verdicts=frozenset({"fail_low"}),
    owner="kim",
    reason="bfloat16 sums in the last layer",
    until=date(2027, 1, 31),
)
FINGERPRINT = {
    "python": {"version": "3.11.7"},
    "framework": {
        "backend": "tensorflow",
        "version": "2.21.0",
        "versions": {"tensorflow": "2.21.0", "keras": "3.15.1"},
    },
    "cpu": {"model_name": "Intel(R) Xeon(R) Processor", "physical_cores": 2, "logical_cores": 2},
}
RECIPE = {"epochs": 1, "batch_size": 32, "optimizer": {"name": "sgd"}, "schedule": {"peak": 0.05}}


def _cell(profile: str) -> str:
    return f"mlp_digits:smoke@{profile}"


@pytest.fixture(scope="session")
def make_night(make_run: Callable[..., Record]) -> Callable[..., list[Record]]:
    """The triggering run of a planned profile, with a curve, and two fresh runs where the verdict needs them."""

    def with_curve(record: Record) -> Record:
        measured = record.measurement
        if measured is None:
            return record
        values = {name: metric.value for name, metric in measured.quality.metrics.items()}
        curve = (
            CurvePoint(epoch=0, step=0, train_loss=None, metrics=dict(measured.quality.untrained)),
            CurvePoint(epoch=1, step=measured.steps, train_loss=values["log_loss"], metrics=values),
        )
        return replace(record, measurement=replace(measured, quality=replace(measured.quality, curve=curve)))

    def make(index: int, profile: str, fields: dict[str, Any]) -> list[Record]:
        shared = {"profile": profile, "sweep_id": SWEEP, "sweep_index": index, "recipe": RECIPE, **fields}
        roles = ("sweep", "confirmation", "confirmation") if profile in CONFIRMED else ("sweep",)
        return [
            with_curve(
                make_run(
                    f"20260303T03{index:02d}{place:02d}-{profile}",
                    **{"fingerprint": FINGERPRINT, "seed": 7 + place, **shared},
                    seed_role=role,
                    created=f"2026-03-03T03:{index:02d}:{place:02d}.500+00:00",
                )
            )
            for place, role in enumerate(roles)
        ]

    return make


@pytest.fixture(scope="session")
def whole_store(
    tmp_path_factory: pytest.TempPathFactory,
    make_night: Callable[..., list[Record]],
    make_band: Callable[..., Band],
    metrics: tuple[MetricForm, MetricForm],
) -> Store:
    """The store of the sweep, which was interrupted before its last cell; to be read alone."""
    store = Store(tmp_path_factory.mktemp("exports") / "store")
    band = make_band()
    plan = [{"index": i, "cell": _cell(profile), "repeat": 0, "seed": 7} for i, (profile, _) in enumerate(PLANNED)]
    store.write_sweep(
        {
            "sweep_id": SWEEP,
            "created": "2026-03-03T03:00:00+00:00",
            "status": "interrupted",
            "runs": plan,
            "required": ["required"],
        }
    )
    for index, (profile, fields) in enumerate(PLANNED[:-1]):
        records = [] if profile in ("skipped", "required") else make_night(index, profile, fields)
        for record in records:
            store.begin_run(record.run_id)
            store.commit_run(record.run_id, record)
        store.write_judgement(
            encode(_judgement(index, profile, records, None if profile == "no_band" else band, metrics))
        )
    return store


def _judgement(
    index: int, profile: str, records: Sequence[Record], band: Band | None, metrics: tuple[MetricForm, MetricForm]
) -> Judgement:
    name, created = f"{SWEEP}-{index:04d}", f"2026-03-03T03:{index:02d}:30.000+00:00"
    if not records:
        reason = "no NVIDIA GPU found (no /dev/nvidia0)"
        return skipped_judgement(judgement_id=name, created=created, cell=_cell(profile), reason=reason, sweep_id=SWEEP)
    judged = judge(
        judgement_id=name,
        created=created,
        cell=_cell(profile),
        trigger=records[0],
        fresh=records[1:],
        band=band,
        metrics=metrics,
        band_path="results/reference/mlp_digits/smoke.json",
    )
    return apply_waiver(judged, [WAIVER], date(2026, 3, 3))


@pytest.fixture
def store(whole_store: Store, tmp_path: Path) -> Store:
    """A copy of the store, to be changed."""
    return Store(shutil.copytree(whole_store.root, tmp_path / "store"))


@pytest.fixture(scope="session")
def rows(whole_store: Store) -> dict[str, ExportRow]:
    """Profile -> its row; a profile is named after what it comes to."""
    return {row.profile: row for row in export_rows(whole_store, sweep_id=SWEEP)}
