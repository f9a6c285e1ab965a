"""The band of a (model, tier): where the final metrics of a healthy run lie, with the evidence and its guarantee.

A band is computed from its evidence alone (`band_from_evidence`), so that anybody can compute it again (`verify_band`).
"""

from __future__ import annotations

import functools
import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from trainband.results.codec import encode
from trainband.results.evidence import Evidence, classify
from trainband.results.metric_bands import MetricBand, NoSpread, inside, metric_band
from trainband.results.metrics import MetricForm, MetricSpec, metric_form
from trainband.results.power import expected_false_fails, false_diverged_rate
from trainband.results.statistics import rate_upper_limit

BAND_VERSION = 1
LEAST_SEEDS = 20
_SAME = 1e-6

Status = Literal["calibrated", "partial", "rejected"]


@dataclass(frozen=True, kw_only=True)
class Band:
    """A stored calibration; only the status `calibrated` judges runs.

    Attributes:
      n: seeds in the evidence; a metric's own n leaves out those that did not converge.
      nonconvergent: seeds that did not converge; `nonconvergent_upper` is the upper 95% limit of their rate.
      convergence_threshold: the headline value that a run must reach to count as converged.
      false_diverged_rate: probability that a healthy cell is called `diverged` on a night, at the rate seen here.
      metrics: the headline metric first; a metric without usable spread, or with fewer than two seeds, has no band.
      forms: the metrics that were asked for.
      smallest_drop: by metric, the loss that the recipe promises to find.
    """

    model: str
    tier: str
    status: Status
    rejected_because: str | None
    created: str
    n: int
    n_required: int
    nonconvergent: int
    nonconvergent_upper: float | None
    convergence_threshold: float | None
    false_diverged_rate: float | None
    metrics: tuple[MetricBand, ...]
    forms: tuple[MetricForm, ...]
    smallest_drop: Mapping[str, float]
    evidence: Evidence
    version: int = field(default=BAND_VERSION)

    @functools.cached_property
    def digest(self) -> str:
        """sha256 of the text of its file; the pages of a cell ask for it several times."""
        return hashlib.sha256(band_to_json(self).encode()).hexdigest()

    @property
    def false_fails_a_night(self) -> float:
        """Expected false fails of one cell judged once, false `diverged` included."""
        return expected_false_fails([*(m.false_fail_rate.mean for m in self.metrics), self.false_diverged_rate or 0.0])


def band_to_json(band: Band) -> str:
    """The band as its file's text."""
    return json.dumps(encode(band), indent=1, sort_keys=True, allow_nan=False) + "\n"


def sweep_false_fails(bands: Iterable[Band]) -> float:
    """Expected false fails of a sweep that judges one run against each of `bands` (one entry a cell)."""
    return expected_false_fails(band.false_fails_a_night for band in bands if band.status == "calibrated")


def band_from_evidence(
    evidence: Evidence, metrics: Sequence[MetricSpec], smallest_drop: Mapping[str, float], now: str
) -> Band:
    """The band that `evidence` supports; whether it may judge is its status, not an exception.

    Args:
      metrics: the headline metric first, its continuous companion second.
      smallest_drop: by metric, the loss that the recipe promises to find: in the metric's unit, or as a ratio minus
        one on a log scale.
      now: the creation time to write into the band.

    Raises:
      ValueError: a sample lacks one of the metrics.
    """
    _check_complete(evidence, metrics)
    samples, threshold = classify(evidence.samples, metrics)
    evidence = replace(evidence, samples=samples)
    n = len(samples)
    failed = sum(not sample.converged for sample in samples)
    bands, problems = _metric_bands(evidence, metrics, smallest_drop)
    problems += _failed_training(threshold, failed, n) + _weaknesses(evidence, bands, smallest_drop)
    status: Status = "partial" if n < LEAST_SEEDS else "rejected" if problems else "calibrated"
    return Band(
        model=evidence.model,
        tier=evidence.tier,
        status=status,
        rejected_because="; ".join(problems) if status == "rejected" else None,
        created=now,
        n=n,
        n_required=LEAST_SEEDS,
        nonconvergent=failed,
        nonconvergent_upper=rate_upper_limit(failed, n) if n else None,
        convergence_threshold=threshold,
        false_diverged_rate=false_diverged_rate(failed, n) if n else None,
        metrics=bands,
        forms=tuple(map(metric_form, metrics)),
        smallest_drop={name: float(value) for name, value in smallest_drop.items()},
        evidence=evidence,
    )


def _check_complete(evidence: Evidence, metrics: Sequence[MetricSpec]) -> None:
    for sample in evidence.samples:
        absent = [metric.name for metric in metrics if metric.name not in sample.metrics]
        if absent:
            raise ValueError(
                f"run {sample.run_id}: metric {absent[0]!r} is missing; it has {', '.join(sorted(sample.metrics))}"
            )


def _failed_training(threshold: float | None, failed: int, n: int) -> list[str]:
    found = ["training does not improve on the untrained model"] if threshold is None else []
    return found + ([f"{failed} of {n} seeds did not converge"] if 2 * failed >= n else [])


def _metric_bands(
    evidence: Evidence, metrics: Sequence[MetricSpec], smallest_drop: Mapping[str, float]
) -> tuple[tuple[MetricBand, ...], list[str]]:
    converged = [sample for sample in evidence.samples if sample.converged]
    if len(converged) < 2:
        return (), [f"{len(converged)} converged seeds: two are the least that have an sd"]
    bands, problems = [], []
    for metric in metrics:
        values = [sample.metrics[metric.name] for sample in converged]
        drop = smallest_drop.get(metric.name)
        try:
            bands.append(metric_band(metric, values, n_test=evidence.n_test, smallest_drop=drop))
        except NoSpread as error:
            problems.append(str(error))
    return tuple(bands), problems


def _weaknesses(evidence: Evidence, bands: Sequence[MetricBand], smallest_drop: Mapping[str, float]) -> list[str]:
    """Why these bounds could not do their work."""
    found = []
    for sample in evidence.samples:
        if bands and all(inside(band, sample.untrained.get(band.name, math.nan)) for band in bands):
            values = ", ".join(f"{band.name} {sample.untrained[band.name]:.4g}" for band in bands)
            found.append(f"the untrained model of seed {sample.seed} would pass ({values})")
            break
    for band in bands:
        asked = smallest_drop.get(band.name, math.inf)
        if band.detectable_drop is None:
            found.append(f"{band.name}: no loss can be found, the bound lies at the end of the metric's range")
        elif band.detectable_drop > band.margin.value:
            found.append(
                f"{band.name}: the smallest loss found with 80% power within a week is {band.detectable_drop:.3g}, "
                f"more than the margin {band.margin.value:.3g} ({band.margin.reason}); "
                "train longer, or declare a larger smallest_drop"
            )
        elif band.detectable_drop > asked:
            found.append(
                f"{band.name}: the smallest loss found with 80% power within a week is {band.detectable_drop:.3g}, "
                f"more than the declared smallest_drop {asked:.3g}; train longer, or declare a larger one"
            )
    return found


def recalibrate_command(band: Band) -> str:
    """The command that makes the evidence of `band` anew, or completes it."""
    return f"trainband calibrate {band.model}:{band.tier}@{band.evidence.profile} --seeds={band.n_required}"


def void_reason(band: Band, recipe_hash: str, data_digest: str) -> str | None:
    """Why the evidence is not about this recipe and these data any more; None where it is."""
    stored = {
        "recipe hash": (band.evidence.recipe_hash, recipe_hash),
        "data digest": (band.evidence.data_digest, data_digest),
    }
    for name, (expected, found) in stored.items():
        if expected != found:
            return (
                f"the band is void: its evidence has {name} {expected[:12]}, the run has {found[:12]}; "
                f"run {recalibrate_command(band)}"
            )
    return None


def unusable_reason(band: Band | None, cell: str, recipe_hash: str, data_digest: str) -> str | None:
    """Why `band` cannot judge a run of `cell`; None where it can."""
    if band is None:
        return f"no band; run trainband calibrate {cell} --seeds={LEAST_SEEDS}"
    if cell.partition("@")[0] != f"{band.model}:{band.tier}":
        return f"the band is of {band.model}:{band.tier}"
    void = void_reason(band, recipe_hash, data_digest)
    if void is not None:
        return void
    if band.status == "partial":
        return f"n={band.n} of {band.n_required}"
    if band.status == "rejected":
        return f"the calibration was rejected: {band.rejected_because}"
    return None


def verify_band(band: Band) -> tuple[str, ...]:
    """Each stored value that differs from what the raw samples give, as `path: stored, computed`; empty where none."""
    again = band_from_evidence(band.evidence, band.forms, band.smallest_drop, band.created)
    return tuple(_differences("band", encode(band), encode(again)))


def _differences(path: str, stored: Any, computed: Any) -> Iterable[str]:
    if isinstance(stored, dict) and isinstance(computed, dict):
        for key in sorted({*stored, *computed}):
            yield from _differences(f"{path}.{key}", stored.get(key), computed.get(key))
    elif isinstance(stored, list) and isinstance(computed, list) and len(stored) == len(computed):
        for index, (left, right) in enumerate(zip(stored, computed, strict=True)):
            yield from _differences(f"{path}[{index}]", left, right)
    elif isinstance(stored, float) and isinstance(computed, float):
        if not math.isclose(stored, computed, rel_tol=_SAME):
            yield f"{path}: stored {stored!r}, the samples give {computed!r}"
    elif stored != computed:
        yield f"{path}: stored {stored!r}, the samples give {computed!r}"
