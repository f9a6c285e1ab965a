"""Training losses step by step, on one device and mirrored over two."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from trainband.benchmarks.backends import tensorflow as adapters
from trainband.benchmarks.backends.common import KerasKit
from trainband.benchmarks.batches import BatchSource
from trainband.benchmarks.data.cache import load
from trainband.models.catalog import find_model
from trainband.models.datasets import dataset
from trainband.models.specs import Optimizer
from trainband.platforms.profile_spec import Profile
from trainband.results.codec import decode

SEED = 4


def losses(
    name: str,
    profile: dict[str, Any],
    steps: int,
    cache_root: str,
    *,
    optimizer: dict[str, Any] | None = None,
    plain_batch_norm: bool = False,
    forget_row_offset: bool = False,
) -> dict[str, Any]:
    """The losses of the first steps of a real run; `plain_batch_norm` and `forget_row_offset` are defects."""
    if hasattr(os, "sched_setaffinity"):
        # On one core sums come in another order than on two: by 2.5e-5 in a loss after 20 steps.
        os.sched_setaffinity(0, range(os.cpu_count() or 1))
    if plain_batch_norm:
        adapters.TensorFlowKit.batch_norm = KerasKit.batch_norm  # type: ignore[method-assign]
    if forget_row_offset:
        adapters.Draws = lambda keys, _: _draws(keys, 0)  # type: ignore[assignment, misc]
    model = find_model(name)
    recipe = replace(model.recipes[0], optimizer=Optimizer(**optimizer)) if optimizer else model.recipes[0]
    adapter = adapters.create(decode(Profile, profile), recipe, loss=model.loss)
    adapter.build(model.architecture)
    adapter.initialize(SEED)
    train = load(dataset(model.dataset), Path(cache_root)).train
    source = BatchSource(
        train["inputs"], train["labels"], recipe=recipe, seed=SEED, random_layers=adapter.random_layers
    )
    batches = [batch for epoch in range(1 + steps // source.steps_per_epoch) for batch in source.epoch(epoch)][:steps]
    found = adapter.fetch([adapter.train_step(arguments) for arguments in adapter.put(batches)])
    weights = {e.name: w.astype(float).tolist() for e, w in zip(adapter.variables, adapter.weights(), strict=True)}
    logits = adapter.eval_step(np.ascontiguousarray(train["inputs"][:50]))
    return {"losses": found.losses.tolist(), "weights": weights, "logits": logits.tolist(), "device": adapter.device()}


_draws = adapters.Draws
