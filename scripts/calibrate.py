"""`trainband calibrate`: many seeds of a cell, and the band that their values support."""

from __future__ import annotations

import json
import sys
from typing import Any

from absl import flags

from trainband.command_line import INFRASTRUCTURE, UsageError, Verb, define_training, one_cell
from trainband.tables import significant


def define(values: flags.FlagValues) -> None:
    """Flags of `calibrate`."""
    define_training(values)
    flags.DEFINE_integer("seeds", 20, "Seeds wanted in all, those recorded before included.", 2, flag_values=values)
    flags.DEFINE_integer(
        "jobs", 1, "One-thread runs at once; above 1 their throughput is not judged.", 1, flag_values=values
    )


def run(values: Any, words: list[str]) -> int:
    """Train what the evidence lacks; it is written after each seed."""
    from trainband.benchmarks.calibrate import Calibration
    from trainband.benchmarks.data.cache import cache_root
    from trainband.results.codec import encode
    from trainband.session import NotHere, Session, say_waiting

    name = one_cell(words)
    if values.fault:
        raise UsageError("--fault: a band is never calibrated with planted faults")
    session = Session(values)
    try:
        cell = session.banded_cell(name)
    except NotHere as error:
        print(f"trainband calibrate: {error}", file=sys.stderr)
        return INFRASTRUCTURE
    path = session.bands.path(cell.model.name, cell.recipe.tier)
    calibration = Calibration(
        cell=cell,
        seeds=values.seeds,
        jobs=values.jobs,
        path=path,
        store=session.store,
        time_limit_sec=values.time_limit,
        cache_root=cache_root(),
        python=sys.executable,
        on_wait=say_waiting,
        on_void=_say_void,
    )

    def told(record: Any, band: Any) -> None:
        if not values.json:
            print(_progress(record, band, values.seeds), flush=True)

    band = calibration.run(told)
    print(json.dumps(encode(band), indent=1) if values.json else _summary(band, path))
    return 0 if band.status == "calibrated" else 4


def _say_void(kept: Any) -> None:
    text = (
        f"the evidence so far is of another recipe, data set or structure, and void; it begins anew, the old is {kept}"
    )
    print(f"trainband calibrate: {text}", file=sys.stderr, flush=True)


def _progress(record: Any, band: Any, seeds: int) -> str:
    figures = ", ".join(f"{name} {metric.value:.4f}" for name, metric in record.measurement.quality.metrics.items())
    return f"[{band.n}/{seeds}] seed {record.seed}: {figures} ({record.wall_sec:.0f} s)"


def _summary(band: Any, path: Any) -> str:
    lines = [f"{band.model}:{band.tier}: {band.status}, n = {band.n}, {band.nonconvergent} did not converge"]
    if band.rejected_because:
        lines.append(f"  rejected: {band.rejected_because}")
    for metric in band.metrics:
        lines.append(
            f"  {metric.name}: center {metric.center:.4f}, sd {significant(metric.sd, 3)}, "
            f"band [{metric.lower:.4f}, {metric.upper:.4f}]; margin {significant(metric.margin.value, 3)}; "
            f"finds {significant(metric.detectable_drop, 3)} with 80% power within 7 nights"
        )
    lines.append(f"evidence: {path}")
    return "\n".join(lines)


VERB = Verb(
    summary="Train many seeds of one cell and write the band with its evidence. Resumable; edited by nobody's hand.",
    example="trainband calibrate cnn_digits:smoke@cpu --seeds=20 --jobs=2",
    define=define,
    run=run,
    words="MODEL:TIER@PROFILE",
)
