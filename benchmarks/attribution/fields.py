"""The fields of profile and recipe that make the difference between two cells, in one environment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from trainband.benchmarks.attribution.search import guilty_sets
from trainband.benchmarks.attribution.trials import Laboratory, NoSetting, Setting
from trainband.benchmarks.cells import Cell
from trainband.benchmarks.environments.asked import Environment
from trainband.models.specs import Recipe
from trainband.platforms.profiles import Profile
from trainband.results.attributions import Attribution, Guilty
from trainband.results.codec import CodecError, decode, encode

MIXTURE = "mixture"  # the profile's name in runs of cells that are in no catalog
# What moves no weight and no clock.
_WORDS = {"profile": ("name", "title", "notes"), "recipe": ("tier", "smallest_drop", "published", "time_limit_sec")}
_ABSENT = "absent"


class NotOneTask(ValueError):
    """Two cells that do not learn the same thing; the message says why."""


@dataclass(frozen=True, kw_only=True)
class CellFields:
    """The steps from one cell to another, one field each.

    Raises:
      NotOneTask: other data or metrics: no field of theirs could be to blame.
    """

    baseline: Cell
    candidate: Cell

    def __post_init__(self) -> None:
        for name, value in _task(self.baseline).items():
            if value != _task(self.candidate)[name]:
                raise NotOneTask(
                    f"{self.baseline.name} and {self.candidate.name} have other {name}: name two cells that learn the "
                    "same thing"
                )

    @property
    def changed(self) -> tuple[str, ...]:
        """Fields that differ, such as `profile.threads` or `recipe.optimizer.momentum`."""
        return tuple(self._steps())

    def values(self, name: str) -> tuple[str, str]:
        """The baseline's and the candidate's value of a field that differs, as they are written in Python."""
        ours, theirs = self._steps()[name]
        return repr(ours), repr(theirs)

    def mixed(self, moved: frozenset[str]) -> Cell:
        """The baseline with the candidate's values of the fields that moved; raises NoSetting where there is no such cell."""
        if not moved:
            return self.baseline
        if moved == frozenset(self.changed):
            return self.candidate
        document = _document(self.baseline)
        for name in moved:
            _put(document, name.split("."), self._steps()[name][1])
        try:
            recipe = decode(Recipe, document["recipe"])
            profile = replace(decode(Profile, document["profile"]), name=MIXTURE)
        except (CodecError, ValueError) as error:
            raise NoSetting(str(error)) from error
        model = replace(self.baseline.model, architecture=document["model"]["architecture"], recipes=(recipe,))
        return Cell(model=model, recipe=recipe, profile=profile)

    def _steps(self) -> dict[str, tuple[Any, Any]]:
        return dict(_differing("", _document(self.baseline), _document(self.candidate)))


def _task(cell: Cell) -> dict[str, Any]:
    """What must be one for both cells."""
    model, tier = cell.model, cell.recipe.tier
    return {"data": model.dataset_of(tier), "metrics": model.judged_by(tier), "losses": model.loss}


def _document(cell: Cell) -> dict[str, Any]:
    return {
        "model": {"architecture": cell.model.architecture},
        "recipe": encode(cell.recipe),
        "profile": encode(cell.profile),
    }


def _differing(path: str, ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Iterator[tuple[str, tuple[Any, Any]]]:
    """(field, both values) of what differs; objects of two kinds, whose keys differ, are one field."""
    for key in sorted({*ours, *theirs}):
        name = f"{path}{key}"
        if key in _WORDS.get(path.removesuffix("."), ()) or ours.get(key, _ABSENT) == theirs.get(key, _ABSENT):
            continue
        a, b = ours.get(key, _ABSENT), theirs.get(key, _ABSENT)
        one_kind = isinstance(a, Mapping) and isinstance(b, Mapping) and (a.keys() == b.keys() or name == "profile.env")
        if one_kind:
            yield from _differing(f"{name}.", a, b)
        else:
            yield name, (a, b)


def _put(document: dict[str, Any], path: list[str], value: Any) -> None:
    *outer, key = path
    for each in outer:
        document = document[each]
    if value == _ABSENT:
        document.pop(key, None)
    else:
        document[key] = value


@dataclass(kw_only=True)
class FieldSearch:
    """Searches the steps from one cell to another; every cell trains in one environment."""

    fields: CellFields
    laboratory: Laboratory
    environment: Environment

    def run(self) -> Attribution:
        """The guilty fields; raises EndsError."""
        guilty = [
            Guilty(leaders=leaders, moved={name: self.fields.values(name) for name in sorted(moved)})
            for _, leaders, moved in guilty_sets(self.laboratory, self.fields.changed, {}, self._mixture)
        ]
        self.laboratory.keep(replace(self.laboratory.found, guilty=tuple(guilty), complete=True))
        return self.laboratory.found

    def _mixture(self, moved: frozenset[str]) -> int:
        what = f"{self.fields.baseline.name} with {', '.join(sorted(moved))}" if moved else self.fields.baseline.name
        if moved == frozenset(self.fields.changed):
            what = self.fields.candidate.name
        return self.laboratory.trial(what, sorted(moved), lambda: Setting(self.fields.mixed(moved), self.environment))
