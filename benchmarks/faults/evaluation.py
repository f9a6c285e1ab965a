"""Faults of an evaluation: the model is in another mode, or not all rows are read."""

from __future__ import annotations

from typing import Any

import numpy as np

from trainband.benchmarks.backends.base import Adapter
from trainband.benchmarks.faults.fault import Arrays, Fault, NoPlace
from trainband.models.layers.draws import Draws, drawing

_KEY = np.int64(0x7A1D)


def _keep_training(layer: Any, random_layers: int) -> None:
    """Call `layer` in training mode only; where no step draws, random layers draw the same each time."""
    call = layer.call
    draws = Draws([_KEY] * random_layers, 0)

    def in_training(*inputs: Any, training: bool | None = None, **others: Any) -> Any:
        if training:
            return call(*inputs, training=True, **others)
        with drawing(draws):
            return call(*inputs, training=True, **others)

    layer.call = in_training


def _drop(adapter: Adapter) -> str:
    dropouts = [layer for layer in adapter.model.layers if type(layer).__name__ == "SeededDropout"]
    if not dropouts:
        raise NoPlace("the model has no dropout")
    for layer in dropouts:
        _keep_training(layer, adapter.random_layers)
    return str(dropouts[0].name) if len(dropouts) == 1 else ""


def _train(adapter: Adapter) -> str:
    if not adapter.random_layers and all(entry.trainable for entry in adapter.variables):
        raise NoPlace("the model has one mode: no random layer, no running statistic")
    _keep_training(adapter.model, adapter.random_layers)
    return ""


def _whole_batches(arrays: Arrays, batch: int) -> Arrays:
    rows = len(arrays["test_labels"])
    if rows % batch == 0:
        raise NoPlace(f"{rows} test rows are whole batches of {batch}")
    if len(arrays["test_inputs"]) != rows:
        raise NoPlace("test rows are not stored one by one")
    whole = rows - rows % batch
    return {**arrays, "test_inputs": arrays["test_inputs"][:whole], "test_labels": arrays["test_labels"][:whole]}


ROWS = (
    Fault(name="dropout_at_evaluation", title="dropout stays on at evaluation", stage="evaluation", built=_drop),
    Fault(
        name="training_at_evaluation",
        title="the model stays in training mode at evaluation",
        stage="evaluation",
        built=_train,
    ),
    Fault(
        name="whole_batches_only",
        title="evaluation drops the last batch, which is not full",
        stage="evaluation",
        evaluation=_whole_batches,
    ),
)
