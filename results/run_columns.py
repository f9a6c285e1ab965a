"""The runs of one cell as columns: a series of a thousand nights is made of a few lists, and not of a thousand rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

from trainband.results.index_rows import RunRow, finite
from trainband.results.throughput import Basis, measured_speed

K = TypeVar("K")


class MadeWith(NamedTuple):
    """What many runs of a cell have in common.

    Attributes:
      of_sweep: a sweep trained it.
      environment: as `RunRow.environment`.
    """

    outcome: str
    seed_role: str
    of_sweep: bool
    host_class: str
    recipe_hash: str | None
    faults: tuple[str, ...]
    environment: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class RunColumns:
    """Runs in the order of time, a place in each column for each run.

    Attributes:
      created: as `RunRow.created`.
      made_with: places in `settings`.
      contended: whether its throughput does not count.
      speeds: basis -> examples per second of it, None where it was not measured.
      metrics: name -> final value, None where there is none that is finite.
    """

    run_ids: Sequence[str]
    created: Sequence[str]
    made_with: Sequence[int]
    settings: Sequence[MadeWith]
    contended: Sequence[bool]
    speeds: Mapping[Basis, Sequence[float | None]]
    metrics: Mapping[str, Sequence[float | None]]

    def __len__(self) -> int:
        return len(self.run_ids)

    def __add__(self, later: RunColumns) -> RunColumns:
        """These runs, and `later` ones."""
        if not len(later):
            return self
        known = [*self.settings, *(each for each in later.settings if each not in self.settings)]
        places = [known.index(each) for each in later.settings]
        nothing = [None] * len(self), [None] * len(later)
        return RunColumns(
            run_ids=[*self.run_ids, *later.run_ids],
            created=[*self.created, *later.created],
            made_with=[*self.made_with, *(places[setting] for setting in later.made_with)],
            settings=known,
            contended=[*self.contended, *later.contended],
            speeds={basis: [*column, *later.speeds[basis]] for basis, column in self.speeds.items()},
            metrics={
                name: [*self.metrics.get(name, nothing[0]), *later.metrics.get(name, nothing[1])]
                for name in dict.fromkeys([*self.metrics, *later.metrics])
            },
        )

    def at(self, places: Sequence[int]) -> RunColumns:
        """The runs at these ascending places."""
        if len(places) == len(self):
            return self

        def taken(column: Sequence[Any]) -> list[Any]:
            return [column[place] for place in places]

        return replace(
            self,
            run_ids=taken(self.run_ids),
            created=taken(self.created),
            made_with=taken(self.made_with),
            contended=taken(self.contended),
            speeds={basis: taken(column) for basis, column in self.speeds.items()},
            metrics={name: taken(column) for name, column in self.metrics.items()},
        )

    def where(self, wanted: Callable[[MadeWith], bool]) -> RunColumns:
        """The runs whose setting is wanted."""
        kept = [wanted(setting) for setting in self.settings]
        if all(kept):
            return self
        return self.at([place for place, setting in enumerate(self.made_with) if kept[setting]])

    def by_host(self) -> dict[str, RunColumns]:
        """Host class -> its runs, in the order in which the classes appeared."""

        def on(host: str) -> RunColumns:
            return self.where(lambda setting: setting.host_class == host)

        hosts = dict.fromkeys(self.settings[setting].host_class for setting in dict.fromkeys(self.made_with))
        return {host: on(host) for host in hosts}


def run_columns(rows: Iterable[RunRow]) -> RunColumns:
    """The columns of `rows`, which are in any order."""
    ordered = sorted(rows, key=attrgetter("created", "run_id"))
    # Rows of one question share their environment, which has no hash.
    keys = [(_made_with(row)[:-1], id(row.environment)) for row in ordered]
    known = dict(zip(keys, ordered, strict=True))
    return made_columns(
        run_ids=[row.run_id for row in ordered],
        created=[row.created for row in ordered],
        keys=keys,
        setting_of=lambda key: _made_with(known[key]),
        contended=[bool(row.contended) for row in ordered],
        cpu=[row.examples_per_cpu_sec for row in ordered],
        wall=[row.examples_per_sec for row in ordered],
        metrics=[row.metrics for row in ordered],
    )


def _made_with(row: RunRow) -> MadeWith:
    return MadeWith(
        outcome=row.outcome,
        seed_role=row.seed_role,
        of_sweep=bool(row.sweep_id),
        host_class=row.host_class,
        recipe_hash=row.recipe_hash,
        faults=row.faults,
        environment=row.environment,
    )


def made_columns(
    *,
    run_ids: Sequence[str],
    created: Sequence[str],
    keys: Sequence[K],
    setting_of: Callable[[K], MadeWith],
    contended: Sequence[bool],
    cpu: Iterable[float | None],
    wall: Iterable[float | None],
    metrics: Sequence[Mapping[str, float]],
) -> RunColumns:
    """The columns of runs in the order of time, of what is known of each.

    Args:
      keys: equal ones are of runs with one setting.
      metrics: name -> final value, of each run.
    """
    places = {key: place for place, key in enumerate(dict.fromkeys(keys))}
    names = dict.fromkeys(name for values in metrics for name in values)
    return RunColumns(
        run_ids=run_ids,
        created=created,
        made_with=[places[key] for key in keys],
        settings=list(map(setting_of, places)),
        contended=contended,
        speeds={"cpu": list(map(measured_speed, cpu)), "wall": list(map(measured_speed, wall))},
        metrics={name: [finite(values.get(name)) for values in metrics] for name in names},
    )
