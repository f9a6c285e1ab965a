"""What a fault is: a named defect, and the places of a run that it changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from trainband.benchmarks.backends.base import Adapter
from trainband.benchmarks.batches import Order
from trainband.benchmarks.diff.stages import Stage
from trainband.models.specs import Recipe, Schedule
from trainband.platforms.profiles import Profile

Arrays = dict[str, np.ndarray]
NO_PLACE = "no_place"


class NoPlace(ValueError):
    """A fault that this run has no place for; the message says why."""


def stated_schedule(recipe: Recipe) -> Schedule:
    """The recipe's schedule; raises NoPlace where the optimizer's own rate is in force."""
    if recipe.schedule is None:
        raise NoPlace("the recipe states no learning rate")
    return recipe.schedule


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A named defect; each hook left out changes nothing, and one that is there may raise NoPlace.

    Hooks lie below the recipe: recipe, recipe hash, profile and fingerprint of the record are a healthy run's.

    Attributes:
      stage: where `diff` must find it; None for a fault that is no part of the audit.
      recipe: what data, loop and backend are given for the stated recipe.
      profile: what the backend is given for the stated profile.
      data: all arrays, as read.
      order: how the examples of an epoch are ordered, from how they should be.
      draw_seed: of random layers.
      built: changes a model that is built and drawn; returns the layer that it is planted in, "" for none or all.
      evaluation: what evaluations read of the arrays, given the batch size of the training.
      evaluated: the split of the final evaluation.
      weights_at_evaluation: changes a variable, by its role, before the final evaluation.
      process: what the child does in the folder of its run, before anything else.
    """

    name: str
    title: str
    stage: Stage | None = None
    recipe: Callable[[Recipe], Recipe] = lambda recipe: recipe
    profile: Callable[[Profile], Profile] = lambda profile: profile
    data: Callable[[Arrays], Arrays] = lambda arrays: arrays
    order: Callable[[Order], Order] = lambda order: order
    draw_seed: Callable[[int], int] = lambda seed: seed
    built: Callable[[Adapter], str] = lambda adapter: ""
    evaluation: Callable[[Arrays, int], Arrays] = lambda arrays, batch: arrays
    evaluated: Callable[[Arrays], str] = lambda arrays: "test"
    weights_at_evaluation: Callable[[str, np.ndarray], np.ndarray] | None = None
    restarts_before_evaluation: bool = False
    process: Callable[[str], None] = lambda folder: None
