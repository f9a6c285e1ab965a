"""What a report is about: one frozen value with everything that its pages show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from trainband.results.bands import Band
from trainband.results.index_rows import Problem, RunRow
from trainband.results.judgements import Judgement
from trainband.results.metrics import MetricForm, MetricSpec, metric_form
from trainband.results.pages.history_content import HistoryContent
from trainband.results.pages.run_extras import ExtrasOf, no_extras
from trainband.results.pages.words import WORST_FIRST
from trainband.results.records import Record
from trainband.results.throughput import ThroughputJudgement

if TYPE_CHECKING:
    from trainband.results.pages.shown_runs import ShownRun


class ModelRow(Protocol):
    """What a report needs to know of a reference model; the catalog's models have this form."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def tiers(self) -> Sequence[str]: ...
    @property
    def metrics(self) -> Sequence[MetricSpec]: ...


class ProfileRow(Protocol):
    """What a report needs to know of a profile; `device` is cpu, gpu or tpu."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def device(self) -> str: ...


class AvailabilityRow(Protocol):
    """The answer of a probe."""

    @property
    def available(self) -> bool: ...
    @property
    def reason(self) -> str: ...


@dataclass(frozen=True, kw_only=True)
class ModelInfo:
    """A reference model. `metrics` has the headline metric first."""

    name: str
    title: str
    tiers: tuple[str, ...]
    metrics: tuple[MetricForm, ...]


@dataclass(frozen=True, kw_only=True)
class ProfileInfo:
    """A profile. `available` is None where nobody asked."""

    name: str
    title: str
    device: str = "cpu"
    available: bool | None = None
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class ReportContent:
    """Attributes:
    store_label: where the runs lie, as the reader knows it.
    sweep: the stored document of the sweep that the report is about; None where it is about the whole store.
    models, profiles: in the order in which the matrix shows them.
    judgements, records: of the cells shown, in any order.
    kept_runs: of the one cell shown, those whose records need not be opened again.
    throughput: run id -> how fast it was beside earlier runs.
    bands: `model:tier` -> band.
    left_out: cell -> older runs that the store has and the report does not show.
    problems: what in the store cannot be read.
    history: series, regressions and nights.
    unfinished: documents of the sweeps that run or were interrupted, newest first.
    verdicts: sweep -> verdict -> how many judgements.
    judged: ids of the judgements of the unfinished sweeps.
    extras: run id -> what it left beside its record.
    rows: the runs that the compare page sets beside one another, newest first.
    """

    title: str
    created: str
    store_label: str
    trainband_version: str
    sweep: Mapping[str, Any] | None = None
    models: tuple[ModelInfo, ...] = ()
    profiles: tuple[ProfileInfo, ...] = ()
    judgements: tuple[Judgement, ...] = ()
    records: tuple[Record, ...] = ()
    kept_runs: tuple[ShownRun, ...] = ()
    throughput: Mapping[str, ThroughputJudgement] = field(default_factory=dict)
    bands: Mapping[str, Band] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    history: HistoryContent = field(default_factory=HistoryContent)
    unfinished: tuple[Mapping[str, Any], ...] = ()
    verdicts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    judged: frozenset[str] = frozenset()
    rows: tuple[RunRow, ...] = ()
    extras: ExtrasOf = no_extras

    @property
    def planned_cells(self) -> tuple[str, ...]:
        """The cells that the sweep asked for."""
        runs = self.sweep.get("runs", ()) if self.sweep else ()
        return tuple(dict.fromkeys(str(run["cell"]) for run in runs))

    @property
    def known_cells(self) -> list[str]:
        """The cells that have a page: those with a judgement or a run."""
        return sorted({*(item.cell for item in self.judgements), *(item.cell for item in self.records)})

    def of_cell(self, cell: str) -> ReportContent:
        """What of this the pages of one cell need."""
        return replace(
            self,
            judgements=tuple(each for each in self.judgements if each.cell == cell),
            records=tuple(each for each in self.records if each.cell == cell),
            left_out={cell: self.left_out[cell]} if cell in self.left_out else {},
            history=self.history.of_cell(cell),
            problems=(),
        )


@dataclass(frozen=True, kw_only=True)
class Current:
    """What stands for a cell now: the worst of the newest judgement's sweep, and how many runs it speaks for."""

    judgement: Judgement
    passed: int
    total: int


def model_info(model: ModelRow) -> ModelInfo:
    """`model` as a report keeps it."""
    return ModelInfo(
        name=model.name,
        title=model.title,
        tiers=tuple(model.tiers),
        metrics=tuple(map(metric_form, model.metrics)),
    )


def standing(judgements: Iterable[Judgement]) -> dict[str, list[Judgement]]:
    """Cell -> its judgements of the newest judgement's sweep, the newest one of each triggering run."""
    newest_first = sorted(judgements, key=lambda item: (item.created, item.judgement_id), reverse=True)
    found: dict[str, dict[tuple[str, ...], Judgement]] = {}
    for judgement in newest_first:
        kept = found.setdefault(judgement.cell, {})
        first = next(iter(kept.values()), judgement)
        alone = judgement.sweep_id is None and bool(kept)
        if first.sweep_id == judgement.sweep_id and not alone:
            kept.setdefault(judgement.records[:1], judgement)
    return {cell: list(kept.values()) for cell, kept in found.items()}


def current_judgements(judgements: Iterable[Judgement]) -> dict[str, Current]:
    """Cell -> what stands for it. Several seeds of one sweep do not hide each other: the worst run is shown."""
    return {
        cell: Current(
            judgement=min(items, key=lambda item: WORST_FIRST.index(item.verdict)),
            passed=sum(item.verdict == "pass" for item in items),
            total=len(items),
        )
        for cell, items in standing(judgements).items()
    }


def records_by_cell(records: Iterable[Record]) -> dict[str, list[Record]]:
    """Cell -> its runs, newest first."""
    found: dict[str, list[Record]] = {}
    for record in sorted(records, key=lambda item: (item.created, item.run_id), reverse=True):
        found.setdefault(record.cell, []).append(record)
    return found
