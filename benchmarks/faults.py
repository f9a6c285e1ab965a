"""Faults that can be planted in a run, to prove that a band and the record's structure find them."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from trainband.models.specs import Recipe, Schedule

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A named defect; each hook left out changes nothing."""

    name: str
    title: str
    recipe: Callable[[Recipe], Recipe] = lambda recipe: recipe
    data: Callable[[Arrays], Arrays] = lambda arrays: arrays
    evaluated: Callable[[Arrays], str] = lambda arrays: "test"
    weights_at_evaluation: Callable[[str, np.ndarray], np.ndarray] | None = None
    restarts_before_evaluation: bool = False
    process: Callable[[str], None] = lambda folder: None


def _shuffle_labels(arrays: Arrays) -> Arrays:
    labels = arrays["train_labels"]
    return {**arrays, "train_labels": np.random.default_rng(0).permutation(labels)}


def _plant_test_rows(arrays: Arrays) -> Arrays:
    inputs, labels = arrays["train_inputs"].copy(), arrays["train_labels"].copy()
    count = min(len(arrays["test_inputs"]), len(inputs) // 2)
    inputs[:count] = arrays["test_inputs"][:count]
    labels[:count] = arrays["test_labels"][:count]
    return {**arrays, "train_inputs": inputs, "train_labels": labels}


def _forget_statistics(role: str, value: np.ndarray) -> np.ndarray:
    if role == "moving_mean":
        return np.zeros_like(value)
    return np.ones_like(value) if role == "moving_variance" else value


def _no_learning(recipe: Recipe) -> Recipe:
    return replace(recipe, schedule=replace(recipe.schedule, peak=0.0))


def _explode(recipe: Recipe) -> Recipe:
    return replace(recipe, schedule=Schedule(kind="constant", peak=1e38))


def _die(_folder: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _hang(_folder: str) -> None:
    while True:
        time.sleep(3600)


def _garbage(folder: str) -> None:
    with open(os.path.join(folder, "answer.json"), "w", encoding="utf-8") as file:
        file.write('{"measurement": <html>404')
    sys.stdout.write("\x00\xff garbage \N{SNOWMAN}\n" * 100)
    sys.stdout.flush()
    os._exit(0)


def _leave(_folder: str) -> None:
    os._exit(0)


_ROWS = (
    Fault(name="untrained", title="the model is drawn anew before evaluation", restarts_before_evaluation=True),
    Fault(name="zero_learning_rate", title="the learning rate is 0", recipe=_no_learning),
    Fault(name="exploding", title="the learning rate is 1e38", recipe=_explode),
    Fault(name="shuffled_labels", title="training labels are permuted", data=_shuffle_labels),
    Fault(
        name="no_eval_normalization",
        title="running statistics are left out at evaluation",
        weights_at_evaluation=_forget_statistics,
    ),
    Fault(name="test_rows_in_train", title="test rows stand in the training split", data=_plant_test_rows),
    Fault(name="evaluate_on_train", title="evaluation reads the training split", evaluated=lambda arrays: "train"),
    Fault(name="killed", title="the process is killed by a signal", process=_die),
    Fault(name="hanging", title="the process never ends", process=_hang),
    Fault(name="garbage", title="the process writes no readable answer", process=_garbage),
    Fault(name="silent_exit", title="the process ends with status 0 and no answer", process=_leave),
)
FAULTS: Mapping[str, Fault] = {fault.name: fault for fault in _ROWS}


def planted(names: Sequence[str]) -> tuple[Fault, ...]:
    """The faults called `names`; raises ValueError with the names that there are."""
    for name in names:
        if name not in FAULTS:
            raise ValueError(f"no fault {name!r}; there are {', '.join(FAULTS)}")
    return tuple(FAULTS[name] for name in names)
