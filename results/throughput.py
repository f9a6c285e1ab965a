"""Throughput has a word of its own beside the verdict and never changes it.

A baseline belongs to one cell, recipe and host class: hosts are not compared with one another. It needs runs from
several days, because a shared host has slow days, and a host whose runs scatter more than the limit has none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Literal, Protocol

from trainband.results.records import Record
from trainband.results.statistics import tolerance_factor

LEAST_DAYS = 5
# At 10 runs the factor is 3.38; below, it grows so fast (5.09 at 5) that only a halved speed would be seen.
LEAST_RUNS = 10
# A coefficient of variation of 5% makes a band of -16% / +18% at 10 runs; above, A/B runs must judge speed.
NOISY_CV = 0.05

Word = Literal["ok", "slower", "faster", "no_baseline", "contended"]
Basis = Literal["cpu", "wall"]


class RunSpeeds(Protocol):
    """The speeds of a run, as a point or a row of the index has them."""

    @property
    def examples_per_sec(self) -> float | None: ...

    @property
    def examples_per_cpu_sec(self) -> float | None: ...

    @property
    def contended(self) -> tuple[str, ...]: ...

    @property
    def faults(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, kw_only=True)
class ThroughputPoint:
    """The speed of one run, with what must be equal before two runs are compared."""

    run_id: str
    created: str
    cell: str
    recipe_hash: str
    host_class: str
    examples_per_sec: float | None
    examples_per_cpu_sec: float | None
    contended: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class BasisJudgement:
    """One speed against its baseline: two-sided 95/95 normal tolerance interval of the logarithms."""

    basis: Basis
    word: Literal["ok", "slower", "faster", "no_baseline"]
    reason: str
    ratio: float | None = None
    lower: float | None = None
    upper: float | None = None
    cv: float | None = None


@dataclass(frozen=True, kw_only=True)
class ThroughputJudgement:
    """Attributes:
    ratio: this run's speed over the baseline's geometric mean, on the first basis that has one.
    """

    word: Word
    reason: str
    ratio: float | None = None
    bases: tuple[BasisJudgement, ...] = ()


def throughput_point(record: Record) -> ThroughputPoint | None:
    """The point of a completed run; None for any other."""
    if record.measurement is None:
        return None
    throughput = record.measurement.throughput
    return ThroughputPoint(
        run_id=record.run_id,
        created=record.created,
        cell=record.cell,
        recipe_hash=record.measurement.recipe_hash,
        host_class=record.host_class,
        examples_per_sec=throughput.examples_per_sec,
        examples_per_cpu_sec=throughput.examples_per_cpu_sec,
        contended=throughput.contended,
        faults=record.faults,
    )


@dataclass(frozen=True, kw_only=True)
class SpeedsBefore:
    """The speeds on one basis of earlier runs that a run may be compared with.

    Attributes:
      days: on how many they were made.
      cv: standard deviation over mean.
      log_mean, log_sd: of the natural logarithms.
    """

    n: int
    days: int
    cv: float
    log_mean: float
    log_sd: float


def throughput_word(record: Record, history: Sequence[ThroughputPoint]) -> ThroughputJudgement:
    """How fast `record` trained, beside the earlier runs in `history` that it may be compared with."""
    point = throughput_point(record)
    earlier = [item for item in history if _comparable(item, point)] if point is not None else []
    return throughput_word_beside(record, lambda basis: _speeds_before(basis, earlier))


def throughput_word_beside(record: Record, before: Callable[[Basis], SpeedsBefore]) -> ThroughputJudgement:
    """How fast `record` trained, beside the speeds `before` it on each basis.

    On the CPU, examples per CPU second decide, and examples per second as well where the host is quiet enough. On an
    accelerator CPU seconds are mostly waiting, so examples per second alone decide.
    """
    point = throughput_point(record)
    if point is None:
        return ThroughputJudgement(word="no_baseline", reason=f"outcome {record.outcome}: no speed was measured")
    if point.contended:
        return ThroughputJudgement(word="contended", reason="; ".join(point.contended))
    on_cpu = record.profile_spec.get("device") == "cpu"
    order: tuple[Basis, ...] = ("cpu", "wall") if on_cpu else ("wall",)
    bases = tuple(_judge_basis(basis, point, before(basis)) for basis in order)
    first = bases[0]
    if first.word == "no_baseline":
        return ThroughputJudgement(word="no_baseline", reason=first.reason, bases=bases)
    for word in ("slower", "faster"):
        moved = [item for item in bases if item.word == word]
        if moved:
            reason = "; ".join(item.reason for item in moved)
            return ThroughputJudgement(word=moved[0].word, reason=reason, ratio=moved[0].ratio, bases=bases)
    return ThroughputJudgement(word="ok", reason=first.reason, ratio=first.ratio, bases=bases)


def is_healthy(item: RunSpeeds) -> bool:
    """Whether the run may stand in a baseline."""
    return not (item.contended or item.faults)


def speed_of(basis: Basis, point: RunSpeeds) -> float | None:
    """The speed on that basis; None where it was not measured."""
    return measured_speed(point.examples_per_cpu_sec if basis == "cpu" else point.examples_per_sec)


def measured_speed(value: float | None) -> float | None:
    """`value`, None where it is no speed that was measured."""
    return value if value is not None and 0.0 < value < math.inf else None


def _comparable(item: ThroughputPoint, point: ThroughputPoint) -> bool:
    """Earlier only, so that judging again later gives the same word."""
    same = (item.cell, item.recipe_hash, item.host_class) == (point.cell, point.recipe_hash, point.host_class)
    return same and item.run_id != point.run_id and item.created < point.created and is_healthy(item)


def _speeds_before(basis: Basis, earlier: Sequence[ThroughputPoint]) -> SpeedsBefore:
    usable = [(item.created[:10], speed) for item in earlier if (speed := speed_of(basis, item)) is not None]
    speeds = [speed for _, speed in usable]
    logs = [math.log(speed) for speed in speeds]
    return SpeedsBefore(
        n=len(speeds),
        days=len({day for day, _ in usable}),
        cv=stdev(speeds) / fmean(speeds) if len(speeds) > 1 else 0.0,
        log_mean=fmean(logs) if logs else 0.0,
        log_sd=stdev(logs) if len(logs) > 1 else 0.0,
    )


def _judge_basis(basis: Basis, point: ThroughputPoint, before: SpeedsBefore) -> BasisJudgement:
    value = speed_of(basis, point)
    if value is None:
        return BasisJudgement(basis=basis, word="no_baseline", reason="no window of this run closed")
    if before.days < LEAST_DAYS:
        return BasisJudgement(basis=basis, word="no_baseline", reason=f"{before.days} of {LEAST_DAYS} days")
    if before.n < LEAST_RUNS:
        return BasisJudgement(basis=basis, word="no_baseline", reason=f"{before.n} of {LEAST_RUNS} runs")
    cv = before.cv
    if cv >= NOISY_CV:
        return BasisJudgement(basis=basis, word="no_baseline", reason=f"noisy host: cv {100 * cv:.0f}%", cv=cv)
    return _compare(basis, value, before)


def _compare(basis: Basis, value: float, before: SpeedsBefore) -> BasisJudgement:
    width = tolerance_factor(before.n) * before.log_sd
    ratio, lower, upper = math.exp(math.log(value) - before.log_mean), math.exp(-width), math.exp(width)
    word: Literal["ok", "slower", "faster"] = "slower" if ratio < lower else "faster" if ratio > upper else "ok"
    unit = "examples per CPU second" if basis == "cpu" else "examples per second"
    reason = f"{value:.5g} {unit}, {ratio:.3f} of the baseline, {word} by [{lower:.3f}, {upper:.3f}] of {before.n} runs"
    return BasisJudgement(basis=basis, word=word, reason=reason, ratio=ratio, lower=lower, upper=upper, cv=before.cv)
