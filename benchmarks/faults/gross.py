"""Faults that no healthy model survives, or that the record's structure shows: what the guards are proved with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from trainband.benchmarks.faults.fault import Arrays, Fault, stated_schedule
from trainband.models.specs import Recipe, Schedule


def _shuffle_labels(arrays: Arrays) -> Arrays:
    labels = arrays["train_labels"]
    return {**arrays, "train_labels": np.random.default_rng(0).permutation(labels)}


def _forget_statistics(role: str, value: np.ndarray) -> np.ndarray:
    if role == "moving_mean":
        return np.zeros_like(value)
    return np.ones_like(value) if role == "moving_variance" else value


def _no_learning(recipe: Recipe) -> Recipe:
    return replace(recipe, schedule=replace(stated_schedule(recipe), peak=0.0))


def _explode(recipe: Recipe) -> Recipe:
    stated_schedule(recipe)
    return replace(recipe, schedule=Schedule(kind="constant", peak=1e38))


ROWS = (
    Fault(name="untrained", title="the model is drawn anew before evaluation", restarts_before_evaluation=True),
    Fault(name="zero_learning_rate", title="the learning rate is 0", recipe=_no_learning),
    Fault(name="exploding", title="the learning rate is 1e38", recipe=_explode),
    Fault(name="shuffled_labels", title="training labels are permuted", data=_shuffle_labels),
    Fault(
        name="no_eval_normalization",
        title="running statistics are left out at evaluation",
        weights_at_evaluation=_forget_statistics,
    ),
    Fault(name="evaluate_on_train", title="evaluation reads the training split", evaluated=lambda arrays: "train"),
)
