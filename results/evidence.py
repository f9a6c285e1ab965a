"""The evidence behind a band: the raw values of every calibration seed and where they were made."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any, Protocol

from trainband.results.breaches import run_breaches
from trainband.results.metrics import MetricSpec, better, from_scale, to_scale
from trainband.results.records import Measurement, Record

FIRST_CALIBRATION_SEED = 1_000_000


class PublishedSpec(Protocol):
    """A figure from the literature, as recipes state it."""

    @property
    def metric(self) -> str: ...
    @property
    def value(self) -> float: ...
    @property
    def source(self) -> str: ...
    @property
    def sd(self) -> float | None: ...
    @property
    def n(self) -> int | None: ...


@dataclass(frozen=True, kw_only=True)
class PublishedPrior:
    """What somebody else reached with this recipe: shown beside the band, never part of it."""

    metric: str
    value: float
    source: str
    sd: float | None = None
    n: int | None = None


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One calibration seed.

    Attributes:
      converged: set by the convergence rule over all samples (`classify`); a run that met NaN or inf never is.
    """

    seed: int
    run_id: str
    metrics: Mapping[str, float]
    untrained: Mapping[str, float]
    diverged_at_step: int | None
    converged: bool
    created: str
    profile: str
    host_class: str


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All samples of one (model, tier) under one recipe and one data set.

    Attributes:
      samples: by ascending seed, whatever order they were made in.
      versions: package -> every version that samples were made with.
      hosts: host class -> facts about that host.
      jobs: the most runs trained at once; above 1 no sample's speed means anything, its quality does.
    """

    model: str
    tier: str
    profile: str
    recipe_hash: str
    data_digest: str
    n_test: int
    samples: tuple[Sample, ...] = ()
    versions: Mapping[str, tuple[str, ...]]
    hosts: Mapping[str, Mapping[str, Any]]
    jobs: int = 1
    notes: tuple[str, ...] = ()
    published: tuple[PublishedPrior, ...] = ()

    @property
    def dates(self) -> tuple[str, str] | None:
        """Creation time of the first and the last sample; None without samples."""
        created = sorted(sample.created for sample in self.samples)
        return (created[0], created[-1]) if created else None


def start_evidence(record: Record, *, published: Iterable[PublishedSpec] = (), notes: Sequence[str] = ()) -> Evidence:
    """Evidence without samples for what `record` trained; follow with `add_sample(evidence, record, ...)`."""
    measurement = _measurement(record)
    return Evidence(
        model=record.model,
        tier=record.tier,
        profile=record.profile,
        recipe_hash=measurement.recipe_hash,
        data_digest=measurement.data.digest,
        n_test=measurement.data.n_test,
        versions={},
        hosts={},
        notes=tuple(notes),
        published=tuple(
            PublishedPrior(metric=f.metric, value=float(f.value), source=f.source, sd=f.sd, n=f.n) for f in published
        ),
    )


def add_sample(
    evidence: Evidence,
    record: Record,
    *,
    versions: Mapping[str, str],
    host: Mapping[str, Any],
    jobs: int = 1,
) -> Evidence:
    """`evidence` with the values of `record` added.

    Args:
      versions: package -> version of the environment that trained it.
      host: facts about the host, kept under the record's host class.
      jobs: runs that were trained at once.

    Raises:
      ValueError: the record failed or is structurally broken, its seed is not a calibration seed or is there already,
        or it trained something else than the evidence is about.
    """
    _check_belongs(evidence, record, _measurement(record))
    _check_sound(record)
    if any(sample.seed == record.seed for sample in evidence.samples):
        raise ValueError(f"record {record.run_id}: seed {record.seed} is in the evidence already")
    return replace(
        evidence,
        samples=tuple(sorted((*evidence.samples, _sample(record)), key=lambda item: item.seed)),
        versions=_merged_versions(evidence.versions, versions),
        hosts={**evidence.hosts, record.host_class: dict(host)},
        jobs=max(evidence.jobs, jobs),
    )


def _measurement(record: Record) -> Measurement:
    if record.measurement is None:
        raise ValueError(f"record {record.run_id}: outcome {record.outcome!r} has no values to calibrate with")
    return record.measurement


def _check_belongs(evidence: Evidence, record: Record, measurement: Measurement) -> None:
    pairs: dict[str, tuple[object, object]] = {
        "model": (evidence.model, record.model),
        "tier": (evidence.tier, record.tier),
        "profile": (evidence.profile, record.profile),
        "recipe_hash": (evidence.recipe_hash, measurement.recipe_hash),
        "data.digest": (evidence.data_digest, measurement.data.digest),
        "data.n_test": (evidence.n_test, measurement.data.n_test),
    }
    for name, (expected, found) in pairs.items():
        if expected != found:
            raise ValueError(
                f"record {record.run_id}: {name} is {found!r}, the evidence has {expected!r}; start new evidence for it"
            )


def _check_sound(record: Record) -> None:
    if record.seed < FIRST_CALIBRATION_SEED:
        raise ValueError(
            f"record {record.run_id}: seed = {record.seed}, calibration seeds are {FIRST_CALIBRATION_SEED} and up"
        )
    if record.faults:
        raise ValueError(f"record {record.run_id}: trained with planted faults {', '.join(record.faults)}")
    breaches = run_breaches(record)
    if breaches:
        raise ValueError(f"record {record.run_id}: {'; '.join(breaches)}")


def _sample(record: Record) -> Sample:
    quality = _measurement(record).quality
    metrics = {name: float(metric.value) for name, metric in quality.metrics.items()}
    return Sample(
        seed=record.seed,
        run_id=record.run_id,
        metrics=metrics,
        untrained={name: float(value) for name, value in quality.untrained.items()},
        diverged_at_step=quality.diverged_at_step,
        converged=quality.diverged_at_step is None and all(map(math.isfinite, metrics.values())),
        created=record.created,
        profile=record.profile,
        host_class=record.host_class,
    )


def _merged_versions(known: Mapping[str, tuple[str, ...]], new: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    return {
        name: tuple(sorted({*known.get(name, ()), *([new[name]] if name in new else [])})) for name in {*known, *new}
    }


def finite(sample: Sample, metrics: Iterable[MetricSpec]) -> bool:
    """Whether the run stayed finite throughout and each of `metrics` is a finite number."""
    return sample.diverged_at_step is None and all(
        math.isfinite(sample.metrics.get(metric.name, math.nan)) for metric in metrics
    )


def convergence_threshold(samples: Sequence[Sample], metrics: Sequence[MetricSpec]) -> float | None:
    """The headline value that a run must reach to count as converged, in the metric's unit.

    With u the mean untrained value and m the mean over the finite samples, both on the headline's scale: the samples
    at or beyond (u + m) / 2 form the upper cluster, and the threshold is half-way between u and that cluster's mean.
    One repetition is enough to take failed runs out of m, and makes the rule independent of the samples' order.

    Returns:
      None where no finite sample or no finite untrained value says where half-way is, or where training did not
      improve on the untrained model.
    """
    headline = metrics[0]
    trained = [to_scale(headline, s.metrics[headline.name]) for s in samples if finite(s, metrics)]
    trained = [value for value in trained if math.isfinite(value)]
    start = [to_scale(headline, s.untrained.get(headline.name, math.nan)) for s in samples]
    start = [value for value in start if math.isfinite(value)]
    if not trained or not start:
        return None
    untrained = fmean(start)
    halfway = (untrained + fmean(trained)) / 2.0
    cluster = [value for value in trained if not better(headline, halfway, value)]
    if not cluster or not better(headline, fmean(cluster), untrained):
        return None
    return from_scale(headline, (untrained + fmean(cluster)) / 2.0)


def classify(samples: Sequence[Sample], metrics: Sequence[MetricSpec]) -> tuple[tuple[Sample, ...], float | None]:
    """The samples with `converged` set by the rule, and the threshold it used."""
    threshold = convergence_threshold(samples, metrics)
    headline = metrics[0]

    def converged(sample: Sample) -> bool:
        if not finite(sample, metrics):
            return False
        return threshold is None or not better(headline, threshold, sample.metrics[headline.name])

    return tuple(replace(sample, converged=converged(sample)) for sample in samples), threshold
