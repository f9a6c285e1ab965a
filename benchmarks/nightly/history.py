"""A store's history, judged tonight: alarms become candidates, confirmed verdicts regressions, and candidates are decided."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fnmatch import fnmatchcase

from trainband.benchmarks.bands_on_disk import BandFolder
from trainband.benchmarks.cells import Cell
from trainband.benchmarks.diff.inputs import Group, input_differences
from trainband.benchmarks.judging import now_utc
from trainband.models.specs import ReferenceModel
from trainband.platforms.profiles import Profile
from trainband.results.history.candidates import new_candidates, regressions_of_verdict, restart_runs
from trainband.results.history.looking import SeriesState, look_at
from trainband.results.history.regression_files import RegressionFolder
from trainband.results.history.regressions import Confirmation, EnvironmentChange, Regression, decided
from trainband.results.history.series import Series
from trainband.results.history.store_series import cell_series
from trainband.results.index_rows import utc_text
from trainband.results.judgements import Judgement
from trainband.results.records import Record
from trainband.results.store import RunFilter, Store, StoreError
from trainband.results.waivers import Waiver

_TOLD: frozenset[Group] = frozenset({"packages", "framework", "host", "flags", "code", "profile", "data"})


@dataclass(kw_only=True)
class History:
    """The history of one store.

    Attributes:
      faults: planted ones of a rehearsal.
    """

    store: Store
    bands: BandFolder
    models: Mapping[str, ReferenceModel]
    profiles: Mapping[str, Profile]
    faults: tuple[str, ...] = ()

    @property
    def folder(self) -> RegressionFolder:
        return RegressionFolder(self.store.root)

    def states(self, cell: Cell, filed: Sequence[Regression]) -> list[SeriesState]:
        """Every series of the cell as of now, beside the regressions that are `filed`."""
        band = self.bands.read(cell.model.name, cell.recipe.tier)
        series = cell_series(
            self.store, cell.name, band=band, device=cell.profile.device, filed=filed, faults=self.faults
        )
        return [look_at(each, restart_runs(each, filed)) for each in series]

    def file_alarms(self, cells: Iterable[Cell], today: date) -> list[Regression]:
        """File the new alarms of `cells` as candidates; a cell whose failing is waived raises none."""
        filed, _ = self.folder.all()
        found: list[Regression] = []
        for cell in cells:
            for state in self.states(cell, filed):
                for candidate in new_candidates(state, [*filed, *found], now_utc()):
                    if not _waived(candidate, self.bands.waivers, today):
                        found.append(self.folder.add(self._with_environment(candidate, state.series)))
        return found

    def file_verdicts(self, judgements: Iterable[tuple[Judgement, Record]]) -> list[Regression]:
        """File what tonight's failed verdicts say; their own fresh runs have confirmed it."""
        filed, _ = self.folder.all()
        found: list[Regression] = []
        for judgement, trigger in judgements:
            band = self.bands.read(trigger.model, trigger.tier)
            metrics = band.metrics if band is not None else ()
            for each in regressions_of_verdict(judgement, trigger, metrics, [*filed, *found], now_utc()):
                found.append(self.folder.add(self._compared(each, self._run_before(trigger), trigger)))
        return found

    def decide(self, candidate: Regression, confirmation: Confirmation) -> Regression:
        """File what was found; where another process has decided meanwhile, that stands."""
        with self.folder.writing():
            current = self.folder.read(candidate.regression_id)
            if current.state != "candidate":
                return current
            found = decided(current, confirmation, now_utc())
            self.folder.replace(found)
        return found

    def _with_environment(self, candidate: Regression, series: Series) -> Regression:
        place = series.points.run_ids.index(candidate.onset_run)
        before = self._record(series.points.run_ids[place - 1]) if place else None
        return self._compared(candidate, before, self._record(candidate.onset_run))

    def _compared(self, regression: Regression, before: Record | None, after: Record | None) -> Regression:
        if before is None or after is None:
            return regression
        return replace(regression, environment=environment_changes(before, after))

    def _run_before(self, trigger: Record) -> Record | None:
        """The newest earlier run of a sweep, of the cell and on the host class of `trigger`."""
        created = utc_text("created", trigger.created)
        for row in self.store.rows(RunFilter(cell=trigger.cell, outcome="completed")):
            if row.seed_role == "sweep" and row.host_class == trigger.host_class and row.created < created:
                return self._record(row.run_id)
        return None

    def _record(self, run_id: str) -> Record | None:
        try:
            return self.store.read_record(run_id)
        except StoreError:
            return None


def environment_changes(before: Record, after: Record) -> tuple[EnvironmentChange, ...]:
    """What differs between two runs besides their seeds."""
    return tuple(
        EnvironmentChange(group=each.group, name=each.name, before=_text(each.values[0]), after=_text(each.values[1]))
        for each in input_differences(before, after)
        if each.group in _TOLD
    )


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _waived(candidate: Regression, waivers: Iterable[Waiver], today: date) -> bool:
    """Whether somebody owns that this cell's quality lies on that side."""
    verdict = "fail_low" if candidate.trend == "worse" else "fail_high"
    return candidate.quantity.kind == "quality" and any(
        fnmatchcase(candidate.cell, each.cells) and verdict in each.verdicts and today <= each.until for each in waivers
    )
