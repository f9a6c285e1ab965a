"""Our fused layers against Keras's own on TensorFlow: whole training steps, alternating.

Each model is built twice with equal weights, once as it is, and once with Keras's batch normalisation, layer
normalisation and Gaussian unit; everything else in the step is the same code.

Example:
  python tests/performance/fused_layers.py --pairs=24 --json=fused_layers.json
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from measuring import (
    Block,
    alternate,
    block_parser,
    compare,
    print_speeds,
    run_blocks,
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
MODELS = ("resnet20_cifar10", BLOCK, "vit_fashion_mnist", "chargpt_tiny_shakespeare")
FUSED = ("batch_norm", "layer_norm", "gelu")
SEED = 1


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
    """A model with our layers or with Keras's, ready to be stepped on one batch."""

    def __init__(self, model: ReferenceModel, *, fused: bool) -> None:
        from trainband.benchmarks.backends import tensorflow as backend

        adapter = backend.create(find_profile("cpu"), model.recipes[0], loss=model.loss)
        with nullcontext() if fused else _stock(backend.TensorFlowKit):
            adapter.build(model.architecture)
        adapter.initialize(SEED)
        ours = {"FusedBatchNormalization", "LayerNorm", "Gelu"} & {type(each).__name__ for each in adapter.model.layers}
        if bool(ours) != fused:
            raise RuntimeError(f"{model.name}: built with {ours}")
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
    top = (data.input_maximum or 0) + 1
    return Batch(
        step=0,
        inputs=rng.integers(0, top, (rows, *adapter.model.input_shape[1:]), dtype=np.uint8),
        labels=rng.integers(0, data.classes, (rows, *data.label_shape), dtype=np.int32),
        keys=np.zeros(adapter.random_layers, np.int64),
        learning_rate=1e-3,
    )


def model_of(name: str) -> ReferenceModel:
    if name == BLOCK:
        return replace(find_model("cnn_fashion_mnist"), name=BLOCK, architecture=f"{__name__}:build_block")
    return find_model(name)


def measure(name: str, *, pairs: int, block_sec: float) -> dict[str, Any]:
    model = model_of(name)
    fused, stock = Steps(model, fused=True), Steps(model, fused=False)
    fused.block()
    start = time.perf_counter()
    fused.block()
    fused.count = stock.count = max(1, round(block_sec / (time.perf_counter() - start)))
    ways = {"fused": fused.block, "stock": stock.block}
    for way in ways.values():
        way()
    blocks = alternate(ways, pairs)
    return {
        "model": name,
        "steps_per_block": fused.count,
        "speeds": speeds(blocks),
        "fused_over_stock": compare(blocks, "fused", "stock"),
        "blocks": blocks,
    }


def print_result(result: Mapping[str, Any]) -> None:
    say(f"{result['model']}: blocks of {result['steps_per_block']} steps")
    print_speeds(result["speeds"])
    for basis, ratio in result["fused_over_stock"].items():
        say(f"  fused / stock a {basis:<4} second  {ratio}  {ratio.pairs} pairs")


def main(argv: list[str]) -> None:
    arguments = block_parser(__doc__, models=MODELS).parse_args(argv)
    run_blocks(arguments, partial(measure, pairs=arguments.pairs, block_sec=arguments.block_sec), print_result)


if __name__ == "__main__":
    main(sys.argv[1:])
