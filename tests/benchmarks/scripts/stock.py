"""A stock recipe on the backend in force, beside what Keras gives somebody who seeds, builds, compiles and trains."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import numpy as np

from trainband.benchmarks.backends.base import Adapter, create_adapter, load_architecture
from trainband.benchmarks.batches import Batch
from trainband.benchmarks.zoom.layerwise import Call, recorded
from trainband.models.catalog import find_model
from trainband.platforms.profile_spec import Profile
from trainband.results.codec import decode

MODEL = find_model("stock_digits")
ROWS, STEPS = 32, 3


def adapter_of(profile: dict[str, Any]) -> Adapter:
    recipe = replace(MODEL.recipe("smoke"), batch_size=ROWS)
    adapter = create_adapter(decode(Profile, profile), recipe, loss=MODEL.loss)
    adapter.build(MODEL.architecture)
    return adapter


def batches() -> list[Batch]:
    rng = np.random.default_rng(0)
    keys = np.zeros(0, np.int64)
    return [
        Batch(
            step=step,
            inputs=rng.integers(0, 17, (ROWS, 8, 8, 1)).astype(np.uint8),
            labels=rng.integers(0, 10, ROWS).astype(np.int32),
            keys=keys,
            learning_rate=None,
        )
        for step in range(STEPS)
    ]


def trained(profile: dict[str, Any], *, seed: int) -> dict[str, Any]:
    """Weights before and after three steps by the adapter and by `compile` and `train_on_batch`, and how far apart."""
    adapter = adapter_of(profile)
    adapter.initialize(seed)
    names = [entry.name for entry in adapter.variables]
    before = adapter.weights()
    steps = [adapter.train_step(arguments) for arguments in adapter.put(batches())]
    adapter.sync(steps[-1])
    signals = adapter.fetch(steps)

    keras.utils.set_random_seed(seed)
    model = load_architecture(MODEL.architecture)(None)
    theirs = [[np.array(value) for value in model.get_weights()]]
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer="adam", loss=loss, jit_compile=profile["jit_compile"])
    for batch in batches():
        model.train_on_batch(batch.inputs, batch.labels)
    theirs.append(model.get_weights())
    pairs = zip((before, adapter.weights()), theirs, strict=True)
    apart = [[float(np.abs(a - b).max()) for a, b in zip(ours, other, strict=True)] for ours, other in pairs]
    return {
        "before": dict(zip(names, apart[0], strict=True)),
        "after": dict(zip(names, apart[1], strict=True)),
        "moved": max(float(np.abs(a - b).max()) for a, b in zip(before, adapter.weights(), strict=True)),
        "rates": signals.learning_rates.tolist(),
        "default_rate": float(keras.optimizers.get("adam").get_config()["learning_rate"]),
        "hyper_parameters": adapter.hyper_parameters(),
        "config": {k: v for k, v in keras.optimizers.get("adam").get_config().items() if isinstance(v, (bool, float))},
    }


def seeded(profile: dict[str, Any], *, pairs: list[list[int]]) -> list[dict[str, Any]]:
    """Initial weights, and generators, for each pair of seeds."""
    adapter = adapter_of(profile)
    found = []
    for initial, draws in pairs:
        adapter.initialize(initial, draws=draws)
        weights = [float(np.abs(value).sum()) for value in adapter.weights()]
        found.append({"weights": weights, "generators": adapter.rng_state()})
    return found


def call_options() -> dict[str, dict[str, Any]]:
    """Layer -> the options of a recorded call of it that says nothing of training, as Keras 2 makes it."""
    layers = [keras.layers.BatchNormalization(name="norm"), keras.layers.Dropout(0.5, name="drop")]
    layers += [keras.layers.Flatten(name="flat"), keras.layers.BatchNormalization(name="frozen")]
    calls: list[Call] = []
    with recorded(None, calls):
        for layer in layers:
            layer(np.zeros((1, 2), np.float32), **({"training": False} if layer.name == "frozen" else {}))
    return {call.layer.name: dict(call.options) for call in calls}
