"""Cells: a reference model at a tier on a profile, written `model:tier@profile`, and globs over all of them."""

from __future__ import annotations

import difflib
import fnmatch
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from trainband.models.specs import Recipe, ReferenceModel
from trainband.platforms.profiles import Profile

T = TypeVar("T")
_FORM = re.compile(r"(?P<model>[^:@]+):(?P<tier>[^:@]+)@(?P<profile>[^:@]+)")


class CellError(ValueError):
    """A cell that does not exist; the message names the nearest ones that do."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One square of the matrix."""

    model: ReferenceModel
    recipe: Recipe
    profile: Profile

    @property
    def name(self) -> str:
        return f"{self.model.name}:{self.recipe.tier}@{self.profile.name}"


def all_cells(models: Mapping[str, ReferenceModel], profiles: Mapping[str, Profile]) -> list[Cell]:
    """Every cell, in the order of the registry: models, then tiers, then profiles."""
    return [
        Cell(model=model, recipe=recipe, profile=profile)
        for model in models.values()
        for recipe in model.recipes
        for profile in profiles.values()
    ]


def find_cell(name: str, models: Mapping[str, ReferenceModel], profiles: Mapping[str, Profile]) -> Cell:
    """The cell called `name`.

    Raises:
      CellError: the form is wrong, or the model, its tier or the profile does not exist.
    """
    parts = _FORM.fullmatch(name)
    if not parts:
        raise CellError(f"cell {name!r}: not of the form model:tier@profile, such as cnn_digits:smoke@cpu")
    model = _look_up("model", parts["model"], models)
    profile = _look_up("profile", parts["profile"], profiles)
    if parts["tier"] not in model.tiers:
        raise CellError(
            f"cell {name!r}: model {model.name!r} has no tier {parts['tier']!r}; it has {', '.join(model.tiers)}"
        )
    return Cell(model=model, recipe=model.recipe(parts["tier"]), profile=profile)


def select_cells(globs: Sequence[str], cells: Iterable[Cell]) -> list[Cell]:
    """The cells that any of `globs` (shell patterns over `model:tier@profile`) names, in the order of `cells`.

    Raises:
      CellError: a glob that names no cell.
    """
    known = list(cells)
    names = [cell.name for cell in known]
    for glob in globs:
        if not fnmatch.filter(names, glob):
            raise CellError(
                f"no cell matches {glob!r}{did_you_mean(glob, names)}; `trainband list cells` shows all {len(names)}"
            )
    return [cell for cell in known if any(fnmatch.fnmatchcase(cell.name, glob) for glob in globs)]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` (did you mean 'x'?)`, or nothing where no known word is close."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _look_up(kind: str, name: str, known: Mapping[str, T]) -> T:
    if name in known:
        return known[name]
    raise CellError(f"no {kind} {name!r}{did_you_mean(name, known)}; there are {', '.join(map(repr, known))}")
