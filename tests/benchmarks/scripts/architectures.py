"""Facts of architectures that need no row of the catalog: built, and stepped on random inputs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from trainband.benchmarks.backends import base
from trainband.benchmarks.backends.base import Adapter, create_adapter, load_architecture
from trainband.benchmarks.batches import Batch
from trainband.benchmarks.flops import training_flops_per_example
from trainband.models.layers.draws import step_keys
from trainband.models.layers.kit import LayerKit
from trainband.models.specs import Optimizer, Recipe, Schedule, StockOptimizer
from trainband.platforms.profile_spec import Profile
from trainband.results.codec import decode

SEED = 20


def resized(architecture: str, *, sizes: dict[str, Any], one_output: bool) -> Callable[[LayerKit], Any]:
    """The architecture with other sizes; with `one_output` only the last place's logits: [batch, classes]."""
    import keras

    def build(kit: LayerKit) -> Any:
        model = load_architecture(architecture)(kit, **sizes)
        if len(model.output.shape) == 2 or not one_output:
            return model
        return keras.Model(model.inputs, kit.pick(-1, name="last_place")(model.output), name=model.name)

    return build


def built(
    architecture: str,
    profile: dict[str, Any],
    *,
    rows: int,
    sizes: dict[str, Any],
    one_output: bool,
    stock: bool = False,
) -> Adapter:
    """The adapter, with plain SGD, or with stock SGD and the framework's own starting weights; not yet initialized."""
    _start_at_zero()
    recipe = Recipe(
        tier="smoke",
        epochs=1,
        batch_size=rows,
        optimizer=StockOptimizer(stock="sgd") if stock else Optimizer(name="sgd"),
        schedule=None if stock else Schedule(kind="constant", peak=0.01),
        smallest_drop={},
    )
    adapter = create_adapter(decode(Profile, profile), recipe, loss="softmax_cross_entropy")
    base.load_architecture = partial(resized, sizes=sizes, one_output=one_output)
    adapter.build(architecture)
    return adapter


def _start_at_zero() -> None:
    """Have Keras draw no starting values, which take most of the time that a large model needs to be built."""
    from keras import initializers as kinds

    def zeros(self: Any, shape: Any, dtype: Any = None, **_: Any) -> Any:
        return kinds.Zeros()(shape, dtype=dtype)

    for kind in (kinds.VarianceScaling, kinds.RandomNormal, kinds.RandomUniform, kinds.TruncatedNormal):
        kind.__call__ = zeros


def facts(architecture: str, profile: dict[str, Any], *, stock: bool = False, **sizes: Any) -> dict[str, Any]:
    """What the architecture is, without a step."""
    adapter = built(architecture, profile, rows=1, sizes=sizes, one_output=False, stock=stock)
    return {
        "parameters": sum(int(np.prod(entry.variable.shape)) for entry in adapter.variables if entry.trainable),
        "names": [entry.name for entry in adapter.variables],
        "input": [list(adapter.model.inputs[0].shape), adapter.model.inputs[0].dtype],
        "output": [list(adapter.model.output.shape), adapter.model.output.dtype],
        "random_layers": adapter.random_layers,
        "flops_per_example": training_flops_per_example(adapter.model),
    }


def two_steps(
    architecture: str, profile: dict[str, Any], *, rows: int, maximum: int, rate: float = 0.01, **sizes: Any
) -> dict[str, Any]:
    """Logits before, and the losses of two steps on one batch with one mask; inputs are uniform in [0, maximum]."""
    adapter = built(architecture, profile, rows=rows, sizes=sizes, one_output=True)
    adapter.initialize(SEED)
    (inputs,) = adapter.model.inputs
    rng = np.random.default_rng(SEED)
    batch = Batch(
        step=0,
        inputs=rng.integers(0, maximum + 1, (rows, *inputs.shape[1:])).astype(inputs.dtype),
        labels=rng.integers(0, adapter.model.output.shape[-1], rows).astype(np.int32),
        keys=step_keys(SEED, 0, adapter.random_layers),
        learning_rate=rate,
    )
    logits = adapter.eval_step(batch.inputs)
    losses = [adapter.train_step(*adapter.put([batch])) for _ in range(2)]
    adapter.sync(losses[-1])
    return {
        "losses": adapter.fetch(losses).losses.tolist(),
        "logits": logits.astype(float).tolist(),
        "logits_dtype": str(logits.dtype),
    }


def sequence_logits(architecture: str, profile: dict[str, Any], inputs: list[Any], **sizes: Any) -> list[Any]:
    """The first logits of each place, for each of `inputs`: [rows, time, 20]; of weights that are quickly drawn."""
    adapter = built(architecture, profile, rows=len(inputs), sizes=sizes, one_output=False)
    rng = np.random.default_rng(SEED)
    adapter.assign(
        [
            rng.standard_normal(w.shape, np.float32) * np.float32(0.02) if w.ndim > 1 else np.ones_like(w)
            for w in adapter.weights()
        ]
    )
    logits: list[Any] = adapter.eval_step(np.array(inputs, adapter.model.inputs[0].dtype))[..., :20].tolist()
    return logits
