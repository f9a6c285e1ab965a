"""What a reference model is: frozen values, validated once, with no framework in sight."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal, get_args

from trainband.models.metrics import ACCURACY, LOG_LOSS, Metric

Kind = Literal["vision", "language", "audio", "recommendation", "tabular"]
Loss = Literal["softmax_cross_entropy", "sigmoid_cross_entropy", "reconstruction_error"]
Tier = Literal["smoke", "short", "full", "throughput"]
PIXEL_SCALE = 1 / 255
TIERS: tuple[Tier, ...] = ("smoke", "short", "full", "throughput")


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise ValueError(what)


@dataclass(frozen=True, kw_only=True)
class Optimizer:
    """An update rule with every hyper-parameter stated; nothing is left to a framework's default.

    `l2` is added to the gradient of every kernel (He et al. 2016's weight decay); `weight_decay` is decoupled (AdamW).
    """

    name: Literal["sgd", "adam", "adamw"]
    momentum: float = 0.0
    nesterov: bool = False
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7
    l2: float = 0.0
    weight_decay: float = 0.0
    clip_norm: float | None = None

    def __post_init__(self) -> None:
        _require(self.name in ("sgd", "adam", "adamw"), f"optimizer {self.name!r}: not sgd, adam or adamw")
        for name in ("momentum", "beta_1", "beta_2"):
            value = getattr(self, name)
            _require(0.0 <= value < 1.0, f"optimizer.{name} = {value}: outside [0, 1)")
        for name in ("epsilon", "l2", "weight_decay"):
            value = getattr(self, name)
            _require(value >= 0.0, f"optimizer.{name} = {value}: negative")


@dataclass(frozen=True, kw_only=True)
class StockOptimizer:
    """What a framework gives whoever states nothing: the optimizer `stock` by its name alone, at its own rate.

    Initial weights and random draws of such a recipe are the framework's own, too, from generators that are seeded as a
    user seeds them: a default that changes between versions is seen, where a recipe that states everything hides it.
    """

    stock: Literal["sgd", "adam", "adamw"]

    # What the training loop adds to an update.
    l2: ClassVar[float] = 0.0
    weight_decay: ClassVar[float] = 0.0
    clip_norm: ClassVar[float | None] = None

    def __post_init__(self) -> None:
        _require(self.stock in ("sgd", "adam", "adamw"), f"optimizer.stock = {self.stock!r}: not sgd, adam or adamw")


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Learning rate as a function of training progress; warm-up is linear from 0.

    `piecewise` multiplies `peak` by `factors[i]` from epoch `boundaries[i]` on; `cosine` falls to `peak * final_factor`.
    """

    kind: Literal["constant", "linear", "cosine", "piecewise"]
    peak: float
    warmup_epochs: float = 0.0
    boundaries: tuple[float, ...] = ()
    factors: tuple[float, ...] = ()
    final_factor: float = 0.0

    def __post_init__(self) -> None:
        _require(
            self.kind in ("constant", "linear", "cosine", "piecewise"),
            f"schedule.kind = {self.kind!r}: not constant, linear, cosine or piecewise",
        )
        _require(self.peak >= 0.0 and math.isfinite(self.peak), f"schedule.peak = {self.peak}: negative or not finite")
        _require(
            len(self.boundaries) == len(self.factors),
            f"schedule has {len(self.boundaries)} boundaries and {len(self.factors)} factors",
        )
        _require(self.kind == "piecewise" or not self.boundaries, f"schedule.boundaries with kind {self.kind!r}")

    def learning_rate(self, step: int, *, steps_per_epoch: int, total_steps: int) -> float:
        """The rate in force at 0-based `step`."""
        warmup = self.warmup_epochs * steps_per_epoch
        if step < warmup:
            return self.peak * (step + 1) / (warmup + 1)
        if self.kind == "constant":
            return self.peak
        if self.kind == "piecewise":
            factor = 1.0
            for boundary, value in zip(self.boundaries, self.factors, strict=True):
                if step >= boundary * steps_per_epoch:
                    factor = value
            return self.peak * factor
        progress = (step - warmup) / max(1.0, total_steps - warmup)
        left = 1.0 - progress if self.kind == "linear" else 0.5 * (1.0 + math.cos(math.pi * progress))
        return self.peak * (self.final_factor + (1.0 - self.final_factor) * left)


@dataclass(frozen=True, kw_only=True)
class PublishedFigure:
    """What somebody else reached with this recipe: a prior to show, never a band."""

    metric: str
    value: float
    source: str
    sd: float | None = None
    n: int | None = None


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How one tier of a model is trained. `batch_size` is global: all replicas together.

    `smallest_drop` states, by metric, the loss of quality that its band must be able to find: in the metric's unit on
    a linear scale, as a ratio minus one on a log scale. Tier `throughput` trains on synthetic data for its speed alone:
    no metric is taken of it, and no band can be made for it. A stock optimizer brings its own rate, so its recipe has no
    schedule, nor anything else that changes what is learnt.
    """

    tier: Tier
    epochs: int
    batch_size: int
    optimizer: Optimizer | StockOptimizer
    schedule: Schedule | None
    smallest_drop: Mapping[str, float]
    augmentation: str | None = None
    label_smoothing: float = 0.0
    eval_every_epochs: int = 1
    time_limit_sec: float = 600.0
    published: tuple[PublishedFigure, ...] = ()

    def __post_init__(self) -> None:
        _require(self.tier in TIERS, f"recipe.tier = {self.tier!r}: not one of {', '.join(TIERS)}")
        for name in ("epochs", "batch_size", "eval_every_epochs"):
            value = getattr(self, name)
            _require(value >= 1, f"recipe.{name} = {value}: must be at least 1")
        _require(0.0 <= self.label_smoothing < 1.0, f"recipe.label_smoothing = {self.label_smoothing}: outside [0, 1)")
        _require(self.time_limit_sec > 0, f"recipe.time_limit_sec = {self.time_limit_sec}: must be positive")
        if self.stock:
            _require(self.schedule is None, "recipe.schedule: a stock optimizer has a rate of its own; set it to None")
            _require(self.augmentation is None, f"recipe.augmentation = {self.augmentation!r}: with a stock optimizer")
            _require(
                self.label_smoothing == 0.0, f"recipe.label_smoothing = {self.label_smoothing}: with a stock optimizer"
            )
        else:
            _require(self.schedule is not None, "recipe.schedule = None: only a stock optimizer has a rate of its own")

    @property
    def stock(self) -> bool:
        """Whether optimizer, learning rate, initial weights and random draws are the framework's own."""
        return isinstance(self.optimizer, StockOptimizer)

    def learning_rate(self, step: int, *, steps_per_epoch: int) -> float | None:
        """The rate in force at 0-based `step`; None where it is the optimizer's own."""
        if self.schedule is None:
            return None
        total = steps_per_epoch * self.epochs
        return self.schedule.learning_rate(min(step, total - 1), steps_per_epoch=steps_per_epoch, total_steps=total)

    @property
    def throughput_only(self) -> bool:
        """Whether nothing is said of quality."""
        return self.tier == "throughput"


@dataclass(frozen=True, kw_only=True)
class ReferenceModel:
    """One row of the registry.

    Attributes:
      architecture: `module:function`; the function takes a `LayerKit` and returns an uncompiled Keras model with one
        float32 output.
      metrics: the headline metric first, its continuous companion second.
      loss: what is minimised, averaged over all but the first axis and then over the batch.
        softmax_cross_entropy: outputs are logits [*labels' shape, classes], labels are classes.
        sigmoid_cross_entropy: outputs are logits [labels' shape], labels are 0 or 1.
        reconstruction_error: outputs have the shape of the inputs, uint8, and are compared with them times
        PIXEL_SCALE by the squared difference; labels are not looked at.
      synthetic: the data set of tier throughput, where the others have one with content.
      parameters: how many trainable numbers the architecture has, where the row says it; the laws count those it builds.
      keras3_only: the architecture uses layers that Keras 2 does not have.
    """

    name: str
    title: str
    kind: Kind
    dataset: str
    architecture: str
    source: str
    recipes: tuple[Recipe, ...]
    metrics: tuple[Metric, Metric] = (ACCURACY, LOG_LOSS)
    loss: Loss = "softmax_cross_entropy"
    keras3_only: bool = False
    synthetic: str | None = None
    parameters: int | None = None
    owner: str = field(default="trainband")

    def __post_init__(self) -> None:
        _require(
            self.name.isidentifier() and self.name.islower(), f"model name {self.name!r}: not a lower-case identifier"
        )
        kinds = get_args(Kind)
        _require(
            self.kind in kinds, f"model {self.name}: kind {self.kind!r} is not one of {', '.join(map(repr, kinds))}"
        )
        _require(
            ":" in self.architecture, f"model {self.name}: architecture {self.architecture!r} is not module:function"
        )
        _require(
            self.parameters is None or self.parameters > 0,
            f"model {self.name}: parameters = {self.parameters}: not a positive number",
        )
        tiers = [recipe.tier for recipe in self.recipes]
        _require(len(tiers) > 0, f"model {self.name} has no recipe")
        _require(len(set(tiers)) == len(tiers), f"model {self.name} has two recipes for one tier: {', '.join(tiers)}")
        names = {metric.name for metric in self.metrics}
        for recipe in self.recipes:
            judged = set() if recipe.throughput_only else names
            _require(
                set(recipe.smallest_drop) == judged,
                f"model {self.name}:{recipe.tier}: smallest_drop names {sorted(recipe.smallest_drop)}, metrics are {sorted(judged)}",
            )

    @property
    def tiers(self) -> tuple[Tier, ...]:
        return tuple(recipe.tier for recipe in self.recipes)

    def dataset_of(self, tier: str) -> str:
        """The name of the data set that `tier` trains on."""
        return self.synthetic if self.synthetic is not None and self.recipe(tier).throughput_only else self.dataset

    def judged_by(self, tier: str) -> tuple[Metric, ...]:
        """The metrics of `tier`: none where it trains for its speed alone."""
        return () if self.recipe(tier).throughput_only else self.metrics

    def recipe(self, tier: str) -> Recipe:
        """The recipe of `tier`; raises KeyError with the tiers that there are."""
        for recipe in self.recipes:
            if recipe.tier == tier:
                return recipe
        raise KeyError(f"model {self.name!r} has no tier {tier!r}; it has {', '.join(self.tiers)}")
