"""What XLA and the fused kernels gain on TensorFlow: whole training steps, alternating.

Each model is built with equal weights as it is; with Keras's batch normalisation, layer normalisation and Gaussian
unit, where it holds ours ("keras layers"); and with the optimizer's update left to TensorFlow's single operations, where
XLA compiles it ("plain update"). Everything else in the step is the same code.

Beside them, all convolutions of a step are called alone, forward and backward, each as fast as it was in a few calls:
what would be left of a step if everything else in it took no time. Each call's own start is counted, so that only large
networks' figures mean something: those of `resnet_digits` add up to more than its step.

Example:
  python tests/performance/fused_layers.py --pairs=24 --json=fused_layers.json
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
from measuring import (
    Block,
    alternate,
    compare,
    measure_models,
    print_speeds,
    say,
    speeds,
    timed,
)

from trainband.benchmarks.batches import Batch
from trainband.models.catalog import find_model
from trainband.models.dataset_spec import Dataset
from trainband.models.datasets import dataset
from trainband.models.specs import ReferenceModel
from trainband.platforms.profiles import find_profile

BLOCK = "batch_norm_block"
MODELS = ("mlp_mnist", "bow_goemotions", "resnet20_cifar10", BLOCK, "vit_fashion_mnist", "chargpt_tiny_shakespeare")
FUSED = ("batch_norm", "layer_norm", "gelu")
OURS = "ours"
TWINS = {"keras layers": "layers", "plain update": "update"}
SEED = 1
CALLS = 5
Shape = tuple[int, ...]


def build_block(kit: Any) -> Any:
    """Little but batch normalisation: eight of them, each after a 1 x 1 convolution, on 28 x 28 images.

    Logits float32 [batch, 10] from images uint8 [batch, 28, 28, 1].
    """
    import keras

    inputs = keras.Input((28, 28, 1), dtype="uint8", name="images")
    x = kit.rescale(name="rescale", scale=1 / 255)(inputs)
    for index in range(8):
        x = keras.layers.Conv2D(32, 1, use_bias=False, name=f"conv{index}")(x)
        x = kit.batch_norm(name=f"norm{index}", momentum=0.9)(x)
        x = keras.layers.ReLU(name=f"relu{index}")(x)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(inputs, keras.layers.Dense(10, dtype="float32", name="logits")(x), name=BLOCK)


class Steps:
    """A model built in one of the ways, ready to be stepped on one batch.

    Attributes:
      parts: what of ours it holds, of "layers" and "update".
    """

    def __init__(self, model: ReferenceModel, *, without: str = "") -> None:
        """The model `without` one of its parts."""
        from trainband.benchmarks.backends import tensorflow as backend

        adapter = backend.create(find_profile("cpu"), model.recipes[0], loss=model.loss)
        with _stock(backend.TensorFlowKit) if without == "layers" else nullcontext():
            adapter.build(model.architecture)
        if without == "update":
            adapter._update = adapter._apply
        adapter.initialize(SEED)
        ours = {"FusedBatchNormalization", "LayerNorm", "Gelu"} & {type(each).__name__ for each in adapter.model.layers}
        self.parts = {"layers"} if ours else set()
        if adapter._update != adapter._apply:
            self.parts.add("update")
        self.adapter, self.examples = adapter, model.recipes[0].batch_size
        [self.arguments] = adapter.put([_batch(adapter, dataset(model.dataset), self.examples)])
        self.count = 1

    def block(self) -> Block:
        def train() -> int:
            loss = None
            for _ in range(self.count):
                loss = self.adapter.train_step(self.arguments)
            self.adapter.sync(loss)
            return self.count * self.examples

        return timed(train)


@contextmanager
def _stock(kit: Any) -> Iterator[None]:
    """`kit` gives Keras's layers."""
    from stock_kit import StockKit

    ours = {name: getattr(kit, name) for name in FUSED}
    for name in FUSED:
        setattr(kit, name, staticmethod(getattr(StockKit(), name)))
    try:
        yield
    finally:
        for name in FUSED:
            setattr(kit, name, ours[name])


def _batch(adapter: Any, data: Dataset, rows: int) -> Batch:
    rng = np.random.default_rng(SEED)
    (inputs,) = adapter.model.inputs
    top = (data.input_maximum or 0) + 1
    return Batch(
        step=0,
        inputs=rng.integers(0, top, (rows, *inputs.shape[1:])).astype(inputs.dtype),
        labels=rng.integers(0, data.classes, (rows, *data.label_shape), dtype=np.int32),
        keys=np.zeros(adapter.random_layers, np.int64),
        learning_rate=1e-3,
    )


def convolutions_alone(net: Any, examples: int) -> Block | None:
    """The plain convolutions of a step on `examples`, one after another; None for a network without any."""
    found = Counter(
        (tuple(each.input.shape[1:]), tuple(each.kernel.shape), tuple(each.strides), each.padding.upper())
        for each in net.layers
        if type(each).__name__ == "Conv2D" and each.groups == 1 and set(each.dilation_rate) == {1}
    )
    total = Block(examples=examples, wall_sec=0.0, cpu_sec=0.0)
    for (images, kernel, strides, padding), count in found.items():
        for call in _convolution((examples, *images), kernel, (1, *strides, 1), padding):
            once = _fastest(call)
            wall, cpu = total.wall_sec + count * once.wall_sec, total.cpu_sec + count * once.cpu_sec
            total = replace(total, wall_sec=wall, cpu_sec=cpu)
    return total if found else None


def _fastest(call: Callable[[], Any]) -> Block:
    def once() -> int:
        call()
        return 1

    blocks = [timed(once) for _ in range(1 + CALLS)][1:]
    return replace(
        blocks[0], wall_sec=min(each.wall_sec for each in blocks), cpu_sec=min(each.cpu_sec for each in blocks)
    )


def _convolution(images: Shape, kernel: Shape, strides: Shape, padding: str) -> list[Callable[[], Any]]:
    """A convolution and its gradients by the kernel and by the images; an image of colours has no gradient."""
    import tensorflow as tf

    x, w = tf.random.normal(images), tf.random.normal(kernel)
    how = {"strides": strides, "padding": padding}
    slope = tf.raw_ops.Conv2D(input=x, filter=w, **how)
    calls = [
        lambda: tf.raw_ops.Conv2D(input=x, filter=w, **how),
        lambda: tf.raw_ops.Conv2DBackpropFilter(input=x, filter_sizes=kernel, out_backprop=slope, **how),
        lambda: tf.raw_ops.Conv2DBackpropInput(input_sizes=images, filter=w, out_backprop=slope, **how),
    ]
    return [tf.function(call, autograph=False) for call in calls[: 2 if images[-1] <= 3 else 3]]


def model_of(name: str) -> ReferenceModel:
    if name == BLOCK:
        return replace(find_model("cnn_fashion_mnist"), name=BLOCK, architecture=f"{__name__}:build_block")
    return find_model(name)


def measure(name: str, *, pairs: int, block_sec: float) -> dict[str, Any]:
    model = model_of(name)
    steps = {OURS: Steps(model)}
    for way, part in TWINS.items():
        if part in steps[OURS].parts:
            steps[way] = Steps(model, without=part)
            if steps[way].parts != steps[OURS].parts - {part}:
                raise RuntimeError(f"{name}: {way} still holds {steps[way].parts}")
    steps[OURS].block()
    start = time.perf_counter()
    steps[OURS].block()
    count = max(1, round(block_sec / (time.perf_counter() - start)))
    for each in steps.values():
        each.count = count
        each.block()
    blocks = alternate({way: each.block for way, each in steps.items()}, pairs)
    return {
        "model": name,
        "steps_per_block": count,
        "speeds": speeds(blocks),
        "ours_over": {way: compare(blocks, OURS, way) for way in steps if way != OURS},
        "convolutions": convolutions_alone(steps[OURS].adapter.model, steps[OURS].examples),
        "blocks": blocks,
    }


def print_result(result: Mapping[str, Any]) -> None:
    say(f"{result['model']}: blocks of {result['steps_per_block']} steps")
    print_speeds(result["speeds"])
    for way, ratios in result["ours_over"].items():
        for basis, ratio in ratios.items():
            say(f"  {OURS} / {way} a {basis:<4} second  {ratio}  {ratio.pairs} pairs")
    alone = result["convolutions"]
    if alone:
        share = {basis: result["speeds"][OURS][basis] / alone.rate(basis) for basis in ("wall", "cpu")}
        say(
            f"  convolutions alone: {share['wall']:.0%} of a step's wall seconds, {share['cpu']:.0%} of its CPU seconds"
        )


if __name__ == "__main__":
    measure_models(sys.argv[1:], __doc__, models=MODELS, measure=measure, print_result=print_result)
