"""What the index knows of a run, and the questions it answers; values only, no database."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from trainband.results.environments import environment_of
from trainband.results.records import Record

JUDGEMENT_KEYS = ("judgement_id", "cell", "verdict", "sweep_id", "created", "records")


class RunRow(NamedTuple):
    """A run as the index has it, its columns in their order: enough for a list or a chart without opening its record.

    Attributes:
      created: ISO 8601, UTC, microseconds: later is greater as text.
      metrics: final value of each metric of the record, empty where there is no measurement.
      contended: why its throughput does not count; empty where it does.
      environment: what it ran on, by `environment_of`.
    """

    run_id: str
    cell: str
    model: str
    tier: str
    profile: str
    seed: int
    seed_role: str
    sweep_id: str | None
    sweep_index: int | None
    created: str
    outcome: str
    host_class: str
    recipe_hash: str | None
    faults: tuple[str, ...]
    metrics: Mapping[str, float]
    examples_per_sec: float | None
    examples_per_cpu_sec: float | None
    contended: tuple[str, ...]
    wall_sec: float
    environment: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class RunFilter:
    """Which runs, newest first. `cell` is a glob such as `resnet*:short@*`; what is None does not filter.

    `since` is an ISO 8601 date or time (UTC where it names no zone) or a datetime, and is itself included.
    """

    cell: str | None = None
    model: str | None = None
    tier: str | None = None
    profile: str | None = None
    sweep_id: str | None = None
    outcome: str | None = None
    since: str | datetime | None = None
    limit: int | None = None

    def __post_init__(self) -> None:
        _check_limit(self.limit)


@dataclass(frozen=True, kw_only=True)
class JudgementFilter:
    """Which judgements, newest first; as RunFilter. `run_id` keeps those that name the run among their records."""

    cell: str | None = None
    verdict: str | None = None
    sweep_id: str | None = None
    run_id: str | None = None
    since: str | datetime | None = None
    limit: int | None = None

    def __post_init__(self) -> None:
        _check_limit(self.limit)


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something in the store that is not what its place says. `path` is relative to the store, such as `runs/abc`."""

    path: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Entries:
    """What lies in a store's directories, read. Each is known by its path there: `runs/<id>`, `judgements/<id>.json`."""

    runs: Sequence[RunRow] = ()
    judgements: Sequence[Mapping[str, Any]] = ()
    problems: Sequence[Problem] = ()

    def paths(self) -> list[str]:
        return [
            *(f"runs/{row.run_id}" for row in self.runs),
            *(f"judgements/{document['judgement_id']}.json" for document in self.judgements),
            *(problem.path for problem in self.problems),
        ]


def utc_text(field: str, value: object) -> str:
    """A time as the index writes it, so that text order is time order.

    Raises:
      ValueError: neither a datetime nor ISO 8601.
    """
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC).isoformat(timespec="microseconds")
    except (ValueError, OverflowError) as error:
        message = f"{field} = {value!r}: not an ISO 8601 date or time such as 2026-01-31 or 2026-01-31T04:00:00+00:00"
        raise ValueError(message) from error


def run_row(record: Record) -> RunRow:
    """The index's row for `record`.

    Raises:
      ValueError: a value cannot be stored: `created` is no time, `seed` exceeds 64 bits or `wall_sec` is not finite.
    """
    if not -(2**63) <= record.seed < 2**63:
        raise ValueError(f"seed = {record.seed}: does not fit in 64 bits")
    if not math.isfinite(record.wall_sec):
        raise ValueError(f"wall_sec = {record.wall_sec}: not finite")
    measured = record.measurement
    throughput = measured.throughput if measured else None
    return RunRow(
        run_id=record.run_id,
        cell=record.cell,
        model=record.model,
        tier=record.tier,
        profile=record.profile,
        seed=record.seed,
        seed_role=record.seed_role,
        sweep_id=record.sweep_id,
        sweep_index=record.sweep_index,
        created=utc_text("created", record.created),
        outcome=record.outcome,
        host_class=record.host_class,
        recipe_hash=measured.recipe_hash if measured else None,
        faults=record.faults,
        metrics={name: metric.value for name, metric in measured.quality.metrics.items()} if measured else {},
        examples_per_sec=finite(throughput.examples_per_sec) if throughput else None,
        examples_per_cpu_sec=finite(throughput.examples_per_cpu_sec) if throughput else None,
        contended=throughput.contended if throughput else (),
        wall_sec=record.wall_sec,
        environment=environment_of(record),
    )


def check_judgement(document: Mapping[str, Any]) -> None:
    """Refuses what the index could not file.

    Raises:
      ValueError: a key is missing or its value has the wrong type.
    """
    missing = [key for key in JUDGEMENT_KEYS if key not in document]
    if missing:
        raise ValueError(f"judgement: key {missing[0]!r} is missing; it needs {', '.join(JUDGEMENT_KEYS)}")
    for key in ("judgement_id", "cell", "verdict"):
        if not isinstance(document[key], str):
            raise ValueError(f"judgement.{key} = {document[key]!r}: expected a text")
    if not isinstance(document["sweep_id"], str | None):
        raise ValueError(f"judgement.sweep_id = {document['sweep_id']!r}: expected a text or null")
    if not isinstance(document.get("band_digest"), str | None):
        raise ValueError(f"judgement.band_digest = {document['band_digest']!r}: expected a text or null")
    if not isinstance(document["records"], list) or not all(isinstance(item, str) for item in document["records"]):
        raise ValueError(f"judgement.records = {document['records']!r}: expected a list of run ids")
    utc_text("judgement.created", document["created"])


def _check_limit(limit: int | None) -> None:
    if limit is not None and limit < 1:
        raise ValueError(f"limit = {limit}: must be at least 1, or None for no limit")


def finite(value: float | None) -> float | None:
    """`value`, None where it is no number."""
    return value if value is not None and math.isfinite(value) else None


ALL_RUNS = RunFilter()
ALL_JUDGEMENTS = JudgementFilter()
