"""Facts of models on the backend in force: from random images, so that no data set is needed."""

from __future__ import annotations

import functools
import time
from dataclasses import replace
from typing import Any

import numpy as np

from trainband.benchmarks.backends.base import Adapter, create_adapter
from trainband.benchmarks.batches import Batch
from trainband.benchmarks.digests import array_digest, combine
from trainband.benchmarks.flops import training_flops_per_example
from trainband.benchmarks.run_spec import recipe_hash
from trainband.models.catalog import find_model
from trainband.models.dataset_spec import Dataset
from trainband.models.datasets import dataset
from trainband.models.layers.draws import step_keys
from trainband.models.specs import Optimizer, Recipe, ReferenceModel, Schedule, StockOptimizer
from trainband.platforms.profile_spec import Profile
from trainband.results.codec import decode

ROWS = 16
SEED = 20
RATE = {"sgd": 0.01, "adam": 3e-4, "adamw": 3e-4}  # Adam's first step moves every weight by the rate


def random_batch(model: ReferenceModel, *, rows: int, random_layers: int, step: int = 0) -> Batch:
    data = dataset(model.dataset)
    rng = np.random.default_rng(SEED)
    return Batch(
        step=step,
        inputs=_random_inputs(data, rng, rows),
        labels=rng.integers(0, data.classes, (rows, *data.label_shape)).astype(np.int32),
        keys=step_keys(SEED, step, random_layers),
        learning_rate=_rate(model.recipes[0]),
    )


def _rate(recipe: Recipe) -> float | None:
    return None if isinstance(recipe.optimizer, StockOptimizer) else RATE[recipe.optimizer.name]


def _random_inputs(data: Dataset, rng: np.random.Generator, rows: int) -> np.ndarray:
    shape = (rows, *data.input_shape)
    if data.input_maximum is None:
        return rng.standard_normal(shape).astype(np.float32)
    return rng.integers(0, data.input_maximum + 1, shape).astype(data.input_dtype)


def built(model: ReferenceModel, recipe: Recipe, profile: dict[str, Any]) -> Adapter:
    adapter = create_adapter(decode(Profile, profile), recipe, loss=model.loss)
    adapter.build(model.architecture)
    adapter.initialize(SEED)
    return adapter


def digest(adapter: Adapter) -> str:
    return combine({f"{i:05d}": array_digest(value) for i, value in enumerate(adapter.weights())})


def model_facts(name: str, profile: dict[str, Any]) -> dict[str, Any]:
    """Two steps on one batch with one mask, and what can be read off the model beside them."""
    model = find_model(name)
    recipe = replace(model.recipes[0], batch_size=ROWS)
    adapter = built(model, recipe, profile)
    initial = digest(adapter)
    batch = random_batch(model, rows=ROWS, random_layers=adapter.random_layers)
    outputs = adapter.eval_step(batch.inputs)
    losses = [adapter.train_step(*adapter.put([batch])) for _ in range(2)]
    adapter.sync(losses[-1])
    return {
        "initial_digest": initial,
        "losses": adapter.fetch(losses).losses.tolist(),
        "outputs": outputs.astype(float).tolist(),
        "outputs_dtype": str(outputs.dtype),
        "parameters": sum(int(np.prod(entry.variable.shape)) for entry in adapter.variables if entry.trainable),
        "flops_per_example": training_flops_per_example(adapter.model),
        "recipe_hash": recipe_hash(model, recipe, adapter.structure()),
        "names": [entry.name for entry in adapter.variables],
        "device": adapter.device(),
        "versions": adapter.versions(),
    }


def hashes_by_setting(profile: dict[str, Any]) -> dict[str, str]:
    """Recipe hashes of `tiny_architectures.set_otherwise`, on the recipe of mlp_digits."""
    import tiny_architectures

    model = find_model("mlp_digits")
    found = {}
    for setting in tiny_architectures.SETTINGS:
        adapter = create_adapter(decode(Profile, profile), model.recipes[0], loss=model.loss)
        adapter._build(functools.partial(tiny_architectures.set_otherwise, setting=setting))
        found[setting] = recipe_hash(model, model.recipes[0], adapter.structure())
    return found


def resident_digests(name: str, profile: dict[str, Any]) -> list[str]:
    """Weights after three steps on inputs that are fed, and on the same inputs kept on the device."""
    model = find_model(name)
    recipe = replace(model.recipes[0], batch_size=ROWS)
    orders = [np.roll(np.arange(ROWS - 1, -1, -1, dtype=np.int32), step) for step in range(3)]
    found = []
    for resident in (False, True):
        adapter = built(model, recipe, profile)
        batches = [
            random_batch(model, rows=ROWS, random_layers=adapter.random_layers, step=step)
            for step in range(len(orders))
        ]
        inputs = batches[0].inputs
        kept = resident and adapter.keep(inputs)
        batches = [
            replace(batch, inputs=order if kept else inputs[order])
            for batch, order in zip(batches, orders, strict=True)
        ]
        losses = [adapter.train_step(arguments) for arguments in adapter.put(batches)]
        adapter.sync(losses[-1])
        found.append(digest(adapter))
    return found


def state_is_restored(name: str, profile: dict[str, Any]) -> bool:
    """Weights and the optimizer's state, saved and assigned again, give the same step to the bit."""
    model = find_model(name)
    adapter = built(model, replace(model.recipes[0], batch_size=ROWS), profile)
    batch = random_batch(model, rows=ROWS, random_layers=adapter.random_layers)
    weights, slots = adapter.weights(), adapter.optimizer_state()
    adapter.sync(adapter.train_step(*adapter.put([batch])))
    after = digest(adapter)
    adapter.assign(weights, slots)
    adapter.sync(adapter.train_step(*adapter.put([batch])))
    return digest(adapter) == after


def forwards_of_torch(name: str, profile: dict[str, Any]) -> dict[str, bool]:
    """Whether PyTorch's adapter calls the layers itself, and what is equal where Keras calls them."""
    model = find_model(name)
    adapter = built(model, replace(model.recipes[0], batch_size=ROWS), profile)
    batch = random_batch(model, rows=ROWS, random_layers=adapter.random_layers)
    weights, slots, states = adapter.weights(), adapter.optimizer_state(), adapter.generator_states()
    read = adapter._forward is not adapter.model
    found = []
    for forward in (adapter._forward, adapter.model):
        adapter.assign(weights, slots)
        adapter.restore_generators(states)
        adapter._forward = forward
        found.append(_two_steps_and_an_evaluation(adapter, batch))
    equal = {key: bool(np.array_equal(found[0][key], found[1][key])) for key in found[0]}
    return {"read": read, "trained": not np.array_equal(found[0]["weights"], _flat(weights)), **equal}


def _two_steps_and_an_evaluation(adapter: Adapter, batch: Any) -> dict[str, np.ndarray]:
    steps = [adapter.train_step(*adapter.put([batch])) for _ in range(2)]
    return {
        "losses": adapter.fetch(steps).losses,
        "gradients": _flat(adapter.gradients()),
        "weights": _flat(adapter.weights()),
        "outputs": adapter.eval_step(batch.inputs),
    }


def _flat(arrays: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([array.ravel() for array in arrays])


def step_seconds(name: str, profile: dict[str, Any], *, steps: int) -> list[float]:
    """Wall seconds of steps on the batches of one burst, each synchronised; the first is compiled."""
    model = find_model(name)
    adapter = built(model, replace(model.recipes[0], batch_size=ROWS), profile)
    batches = [random_batch(model, rows=ROWS, random_layers=adapter.random_layers, step=step) for step in range(steps)]
    if adapter.keep(batches[0].inputs):
        rows = np.arange(ROWS, dtype=np.int32)
        batches = [replace(batch, inputs=rows) for batch in batches]
    taken = []
    for arguments in adapter.put(batches):
        start = time.perf_counter()
        adapter.sync(adapter.train_step(arguments))
        taken.append(time.perf_counter() - start)
    return taken


def one_step(profile: dict[str, Any]) -> dict[str, Any]:
    """A step of mlp_digits under a profile, its threads left to the process, as a child's are to its cores."""
    model = find_model("mlp_digits")
    recipe = replace(model.recipes[0], batch_size=ROWS)
    adapter = built(model, recipe, profile)
    batch = random_batch(model, rows=ROWS, random_layers=adapter.random_layers)
    before = adapter.weights()
    loss = adapter.train_step(*adapter.put([batch]))
    adapter.sync(loss)
    return {
        "loss": float(adapter.fetch([loss]).losses[0]),
        "moved": [float(np.abs(new - old).max()) for new, old in zip(adapter.weights(), before, strict=True)],
        "device": adapter.device(),
        "recipe_hash": recipe_hash(model, recipe, adapter.structure()),
        "logits": adapter.eval_step(batch.inputs).shape,
        "compute_dtype": adapter.model.layers[3].compute_dtype,
    }


def two_steps(
    architecture: str,
    optimizer: dict[str, Any],
    profile: dict[str, Any],
    *,
    merge: bool = True,
    compiled_update: bool = False,
) -> dict[str, Any]:
    """Weights after two steps of an architecture beside this file, on tokens that repeat."""
    if not merge or compiled_update:
        from trainband.benchmarks.backends import tensorflow

        if not merge:
            tensorflow.dense = lambda gradient: gradient  # type: ignore[attr-defined]
        if compiled_update:
            tensorflow.COMPILED_UPDATE = 0
    tokens = np.array([[1, 1, 2, 3], [1, 4, 4, 4], [2, 2, 2, 2], [5, 1, 0, 5]], np.uint8)
    recipe = Recipe(
        tier="smoke",
        epochs=1,
        batch_size=len(tokens),
        optimizer=Optimizer(**optimizer),
        schedule=Schedule(kind="constant", peak=0.05),
        smallest_drop={},
    )
    adapter = create_adapter(decode(Profile, profile), recipe, loss="softmax_cross_entropy")
    adapter.build(architecture)
    adapter.initialize(SEED)
    labels = np.array([0, 1, 2, 1], np.int32)
    losses = []
    for step in range(2):
        batch = Batch(step=step, inputs=tokens, labels=labels, keys=step_keys(SEED, step, 0), learning_rate=0.05)
        losses.append(adapter.train_step(*adapter.put([batch])))
    return {
        "compiled_update": hasattr(getattr(adapter, "_update", None), "get_concrete_function"),
        "losses": adapter.fetch(losses).losses.tolist(),
        "weights": {e.name: w.tolist() for e, w in zip(adapter.variables, adapter.weights(), strict=True)},
    }
