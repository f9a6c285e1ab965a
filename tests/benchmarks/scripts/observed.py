"""What a step says of itself and of its state, beside what can be computed from the state itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from trainband.benchmarks.backends.base import create_adapter
from trainband.benchmarks.backends.logits_digest import logits_digests
from trainband.benchmarks.batches import Batch
from trainband.benchmarks.trace.tensors import INITIAL, state_digests, tensor_keys
from trainband.models.catalog import find_model
from trainband.models.layers.draws import step_keys
from trainband.models.specs import Optimizer
from trainband.platforms.profiles import Profile
from trainband.results.codec import decode

SEED, ROWS, RATE = 3, 8, 0.25


def observed_steps(profile: dict[str, Any], optimizer: dict[str, Any]) -> dict[str, Any]:
    """Two steps of `tiny_architectures.plain`."""
    model = find_model("mlp_digits")
    recipe = replace(model.recipes[0], batch_size=ROWS, optimizer=Optimizer(**optimizer))
    adapter = create_adapter(decode(Profile, profile), recipe, loss=model.loss)
    adapter.build("tiny_architectures:plain")
    adapter.initialize(SEED)
    keys = tensor_keys(adapter)
    states = [state_digests(adapter, INITIAL)]
    logits, gradients, weights, steps = [], [], [adapter.weights()], []
    rng = np.random.default_rng(SEED)
    for step in range(2):
        batch = Batch(
            step=step,
            inputs=rng.integers(0, 17, (ROWS, *adapter.model.inputs[0].shape[1:])).astype(np.uint8),
            labels=rng.integers(0, 10, ROWS).astype(np.int32),
            keys=step_keys(SEED, step, adapter.random_layers),
            learning_rate=RATE / (1 + step),
        )
        logits.append(adapter.eval_step(batch.inputs))
        steps.append(adapter.train_step(*adapter.put([batch])))
        adapter.sync(steps[-1])
        gradients.append(adapter.gradients())
        weights.append(adapter.weights())
        states.append(state_digests(adapter, step))
    signals = adapter.fetch(steps)
    seen = [np.asarray(outputs) for _, outputs in steps]
    slots = adapter.optimizer_state()
    return {
        "keys": [[key.kind, key.name, key.position, list(key.shape), key.dtype] for key in keys],
        "norms": [state.norms.tolist() for state in states],
        "digests": [[bytes(digest).hex() for digest in state.digests] for state in states],
        "losses": signals.losses.tolist(),
        "gradient_norms": signals.gradient_norms.tolist(),
        "learning_rates": signals.learning_rates.tolist(),
        "logits": signals.logits.tolist(),
        "logits_seen": logits_digests(seen).tolist(),
        "logits_error": [float(np.abs(a - b).max()) for a, b in zip(seen, logits, strict=True)],
        "gradients": [[g.tolist() for g in each] for each in gradients],
        "weights": [[w.tolist() for w in each] for each in weights],
        "slots": {f"{slot.position} {slot.slot}": slots[slot.index].tolist() for slot in adapter.slots},
        "hyper_parameters": adapter.hyper_parameters(),
    }


def own_draws(profile: dict[str, Any]) -> list[list[Any]]:
    """What two steps of `tiny_architectures.dropping` come to: the first time, from the state before them put back, and
    from that state without its generators.
    """
    model = find_model("mlp_digits")
    recipe = replace(model.recipes[0], batch_size=ROWS)
    adapter = create_adapter(decode(Profile, profile), recipe, loss=model.loss)
    adapter.build("tiny_architectures:dropping")
    adapter.initialize(SEED)
    rng = np.random.default_rng(SEED)
    inputs = rng.integers(0, 17, (ROWS, *adapter.model.inputs[0].shape[1:])).astype(np.uint8)
    labels = rng.integers(0, 10, ROWS).astype(np.int32)
    batch = Batch(step=0, inputs=inputs, labels=labels, keys=step_keys(SEED, 0, 0), learning_rate=RATE)

    def two_steps() -> list[Any]:
        for arguments in adapter.put([batch, batch]):
            adapter.sync(adapter.train_step(arguments))
        return [*(value.tolist() for value in adapter.weights()), _drawn(adapter.profile.backend)]

    two_steps()
    weights, slots = adapter.weights(), [np.array(slot) for slot in adapter.optimizer_state()]
    generators = {name: np.array(state) for name, state in adapter.generator_states().items()}
    found = [two_steps()]
    for again in (generators, None):
        adapter.assign(weights, slots)
        if again is not None:
            adapter.restore_generators(again)
        found.append(two_steps())
    return found


def _drawn(backend: str) -> list[float]:
    """From the backend's global generator, where it has one."""
    if backend != "torch":
        return []
    import torch

    drawn: list[float] = torch.rand(3).tolist()
    return drawn


def device_digest(backend: str, seed: int, sizes: list[list[int]]) -> list[list[list[int]]]:
    """The digest that the backend takes on its device beside NumPy's, for random logits of each shape."""
    rng = np.random.default_rng(seed)
    found = []
    for shape in sizes:
        logits = rng.standard_normal(shape, np.float32) * np.float32(1e3)
        logits.flat[0] = -0.0
        found.append([_on_device(backend, logits), logits_digests([logits])[0].tolist()])
    return found


def _on_device(backend: str, logits: np.ndarray) -> list[int]:
    if backend == "torch":
        import torch

        from trainband.benchmarks.backends import torch_layers

        return [int(word) for word in torch_layers.logits_digest(torch.from_numpy(logits))]
    if backend == "jax":
        from trainband.benchmarks.backends import jax_layers

        return [int(word) for word in jax_layers.logits_digest(logits)]
    from trainband.benchmarks.backends import tensorflow_layers

    return [int(word) for word in tensorflow_layers.logits_digest(logits).numpy()]
