"""Faults of how a model is trained: loss, optimizer, schedule, precision and budget."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

from trainband.benchmarks.backends.base import Adapter
from trainband.benchmarks.faults.fault import Fault, NoPlace, stated_schedule
from trainband.models.specs import Optimizer, Recipe, Schedule, StockOptimizer
from trainband.platforms.profiles import Profile


@dataclass(frozen=True, kw_only=True)
class _DecaysLate(Schedule):
    """The same rates, held for one more epoch where the warm-up ends."""

    def learning_rate(self, step: int, *, steps_per_epoch: int, total_steps: int) -> float:
        warmup = math.ceil(self.warmup_epochs * steps_per_epoch)
        late = step if step < warmup else max(warmup, step - steps_per_epoch)
        return super().learning_rate(late, steps_per_epoch=steps_per_epoch, total_steps=total_steps)


@dataclass(frozen=True, kw_only=True)
class _Planned(Schedule):
    """The rates of a training of `epochs` epochs, however many there are."""

    epochs: int

    def learning_rate(self, step: int, *, steps_per_epoch: int, total_steps: int) -> float:
        return super().learning_rate(step, steps_per_epoch=steps_per_epoch, total_steps=self.epochs * steps_per_epoch)


def _values(schedule: Schedule) -> dict[str, Any]:
    return {field.name: getattr(schedule, field.name) for field in fields(schedule)}


def _no_smoothing(recipe: Recipe) -> Recipe:
    if not recipe.label_smoothing:
        raise NoPlace("the recipe smooths no labels")
    return replace(recipe, label_smoothing=0.0)


def _low_rate(recipe: Recipe) -> Recipe:
    schedule = stated_schedule(recipe)
    return replace(recipe, schedule=replace(schedule, peak=0.9 * schedule.peak))


def _optimizer(change: Callable[[Optimizer], Optimizer]) -> Callable[[Recipe], Recipe]:
    def changed(recipe: Recipe) -> Recipe:
        if isinstance(recipe.optimizer, StockOptimizer):
            raise NoPlace("the recipe states nothing of its optimizer")
        return replace(recipe, optimizer=change(recipe.optimizer))

    return changed


def _low_momentum(optimizer: Optimizer) -> Optimizer:
    name = "momentum" if optimizer.name == "sgd" else "beta_1"
    if not getattr(optimizer, name):
        raise NoPlace(f"{optimizer.name} has no momentum here")
    return replace(optimizer, **{name: getattr(optimizer, name) - 0.05})


def _large_epsilon(optimizer: Optimizer) -> Optimizer:
    if optimizer.name == "sgd":
        raise NoPlace("sgd has no epsilon")
    return replace(optimizer, epsilon=10.0 * optimizer.epsilon)


def _no_decay(optimizer: Optimizer) -> Optimizer:
    if not (optimizer.weight_decay or optimizer.l2):
        raise NoPlace("the recipe has no weight decay")
    return replace(optimizer, weight_decay=0.0, l2=0.0)


def _decay_everywhere(adapter: Adapter) -> str:
    if not adapter.recipe.optimizer.weight_decay:
        raise NoPlace("the recipe has no decoupled weight decay")
    adapter.optimizer._use_weight_decay = lambda variable: True
    return ""


def _late_warm_up(recipe: Recipe) -> Recipe:
    schedule = stated_schedule(recipe)
    if not schedule.warmup_epochs:
        raise NoPlace("the schedule has no warm-up")
    return replace(recipe, schedule=replace(schedule, warmup_epochs=schedule.warmup_epochs + 1.0))


def _late_decay(recipe: Recipe) -> Recipe:
    schedule = stated_schedule(recipe)
    if schedule.kind == "constant":
        raise NoPlace("the schedule does not decay")
    return replace(recipe, schedule=_DecaysLate(**_values(schedule)))


def _one_epoch_fewer(recipe: Recipe) -> Recipe:
    if recipe.epochs == 1:
        raise NoPlace("the recipe has one epoch")
    planned = _Planned(**_values(recipe.schedule), epochs=recipe.epochs) if recipe.schedule else None
    return replace(recipe, epochs=recipe.epochs - 1, schedule=planned)


def _bfloat16(profile: Profile) -> Profile:
    if profile.precision not in ("float32", "float64"):  # a zoom asks for float64, and must see the fault there
        raise NoPlace(f"the profile promises {profile.precision}")
    return replace(profile, precision="mixed_bfloat16")


ROWS = (
    Fault(name="no_label_smoothing", title="label smoothing is left out", stage="loss", recipe=_no_smoothing),
    Fault(name="low_rate", title="the learning rate is 0.9 times itself", stage="hyper-parameters", recipe=_low_rate),
    Fault(
        name="low_momentum",
        title="momentum, or Adam's beta_1, is 0.05 lower",
        stage="hyper-parameters",
        recipe=_optimizer(_low_momentum),
    ),
    Fault(
        name="large_epsilon",
        title="Adam's epsilon is 10 times itself",
        stage="hyper-parameters",
        recipe=_optimizer(_large_epsilon),
    ),
    Fault(
        name="no_decay",
        title="weight decay is left out",
        stage="hyper-parameters",
        recipe=_optimizer(_no_decay),
    ),
    Fault(
        name="decay_everywhere",
        title="weight decay takes biases and normalisations, too",
        stage="update",
        built=_decay_everywhere,
    ),
    Fault(name="late_warm_up", title="warm-up ends one epoch late", stage="hyper-parameters", recipe=_late_warm_up),
    Fault(name="late_decay", title="decay begins one epoch late", stage="hyper-parameters", recipe=_late_decay),
    Fault(
        name="bfloat16_compute",
        title="layers compute in bfloat16 where float32 is promised",
        stage="forward",
        profile=_bfloat16,
    ),
    Fault(name="one_epoch_fewer", title="training ends one epoch early", stage="budget", recipe=_one_epoch_fewer),
)
