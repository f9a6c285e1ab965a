"""A run as one line of a table."""

from __future__ import annotations

from dataclasses import dataclass

from trainband.results.pages import formats
from trainband.results.pages.content import ReportContent
from trainband.results.pages.words import OUTCOMES, THROUGHPUT, Word
from trainband.results.records import Record


@dataclass(frozen=True, kw_only=True)
class RunLine:
    """Attributes:
    metrics: name -> value, ready to show.
    speed_reason: why the throughput has its word.
    """

    run_id: str
    page: str
    cell: str
    cell_page: str
    created: str
    created_iso: str
    seed: str
    role: str
    outcome: Word
    failure: str | None
    faults: str | None
    metrics: dict[str, str]
    speed: str | None
    cpu_speed: str | None
    speed_word: Word | None
    speed_reason: str
    wall: str
    current: bool = False


def run_line(record: Record, content: ReportContent, *, current: bool = False) -> RunLine:
    """`record` as a line; `current` marks the run that the standing judgement is about."""
    measured = record.measurement
    throughput = measured.throughput if measured else None
    spoken = content.throughput.get(record.run_id) if measured else None
    metrics = measured.quality.metrics if measured else {}
    return RunLine(
        run_id=record.run_id,
        page=formats.run_page(record.run_id),
        cell=record.cell,
        cell_page=formats.cell_page(record.cell),
        created=formats.utc(record.created),
        created_iso=record.created,
        seed=str(record.seed),
        role=record.seed_role,
        outcome=OUTCOMES[record.outcome],
        failure=f"{record.failure.kind}: {record.failure.message}" if record.failure else None,
        faults=", ".join(record.faults) or None,
        metrics={name: formats.metric(value.value, value.unit) for name, value in metrics.items()},
        speed=formats.number(throughput.examples_per_sec) if throughput else None,
        cpu_speed=formats.number(throughput.examples_per_cpu_sec) if throughput else None,
        speed_word=THROUGHPUT[spoken.word] if spoken else None,
        speed_reason=spoken.reason if spoken else "",
        wall=formats.duration(record.wall_sec),
        current=current,
    )
