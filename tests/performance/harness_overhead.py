"""What the harness costs: its loop against the bare compiled step, and against Keras's own `fit`, in one process.

Blocks of equal numbers of steps alternate, A B C C B A:

* harness: `Loop.epoch`, that is batch order, augmentation, digest, prefetch, clock and losses, thread start included;
* bare: the same compiled step over device arguments made before, one synchronisation at the end;
* fit: the same architecture of stock layers, the same batch size, loss, update rule and data in memory. What cannot be
  made equal favours fit: its augmented images are made before, its learning rate is constant, it has no metrics.

Example:
  python tests/performance/harness_overhead.py cnn_fashion_mnist --pairs=24 --json=overhead.json
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from measuring import (
    PROFILE_OF,
    Block,
    alternate,
    block_parser,
    compare,
    print_speeds,
    profile_of,
    run_blocks,
    say,
    speeds,
    timed,
)

from trainband.benchmarks.backends.base import Adapter, create_adapter
from trainband.benchmarks.batches import BatchSource
from trainband.benchmarks.data.synthetic import load_or_draw
from trainband.benchmarks.train import Loop
from trainband.models.catalog import find_model
from trainband.models.datasets import dataset
from trainband.models.specs import ReferenceModel

MODELS = ("cnn_fashion_mnist", "resnet20_cifar10")
LEAST_BARE, LEAST_FIT = 0.99, 1.0
SEED = 1
WARM_UP_STEPS = 3


class Bench:
    """One model ready to be trained in the three ways, `steps` at a time."""

    def __init__(self, model: ReferenceModel, profile: str, block_sec: float, *, steps: int | None = None) -> None:
        """Blocks of `steps` steps, by default as many as take `block_sec`, and 4 at least."""
        self.model = model
        recipe = next(recipe for recipe in model.recipes if recipe.tier == model.tiers[0])
        # So many epochs that the separately synchronised steps in the middle of a run are never reached.
        self.recipe = replace(recipe, epochs=1_000_000)
        self.adapter: Adapter = create_adapter(profile_of(profile), self.recipe, loss=model.loss)
        self.adapter.build(model.architecture)
        self.adapter.initialize(SEED)
        arrays = load_or_draw(dataset(model.dataset_of(recipe.tier)), verify=False).train
        self.inputs, self.labels = arrays["inputs"], arrays["labels"]
        self.resident = self.adapter.keep(self.inputs)
        self.steps = steps or min(self._steps_in(block_sec), len(self.inputs) // recipe.batch_size)
        # An epoch is a block.
        rows = self.steps * recipe.batch_size
        self.inputs, self.labels = self.inputs[:rows], self.labels[:rows]
        self.loop = Loop(self.adapter, self.source(resident=self.resident))
        self.arguments = self.adapter.put(list(self.source(resident=self.resident).epoch(0)))
        self._epochs = iter(range(self.recipe.epochs))

    def source(self, *, resident: bool) -> BatchSource:
        return BatchSource(
            self.inputs,
            self.labels,
            recipe=self.recipe,
            seed=SEED,
            random_layers=self.adapter.random_layers,
            resident=resident,
        )

    def _steps_in(self, seconds: float) -> int:
        batches = self.source(resident=self.resident).epoch(0)
        arguments = self.adapter.put([next(batches) for _ in range(WARM_UP_STEPS)])
        took = []
        for _ in range(3):
            for number, argument in enumerate(arguments):
                start = time.perf_counter()
                self.adapter.sync(self.adapter.train_step(argument))
                took.append(time.perf_counter() - start)
                if number and sum(took[1:]) > seconds:
                    break
        return max(4, round(seconds / min(took[1:])))

    def harness(self) -> Block:
        def train() -> int:
            before = len(self.loop.progress.losses)
            self.loop.epoch(next(self._epochs))
            return (len(self.loop.progress.losses) - before) * self.recipe.batch_size

        return timed(train)

    def bare(self) -> Block:
        def train() -> int:
            loss = None
            for argument in self.arguments:
                loss = self.adapter.train_step(argument)
            self.adapter.sync(loss)
            return len(self.arguments) * self.recipe.batch_size

        return timed(train)


def measure(name: str, *, backend: str, pairs: int, block_sec: float) -> dict[str, Any]:
    """Blocks and ratios of one model."""
    from stock_fit import Fit  # imports Keras, whose backend the environment names by now

    bench = Bench(find_model(name), backend, block_sec)
    inputs = np.concatenate([batch.inputs for batch in bench.source(resident=False).epoch(0)])
    labels = np.concatenate([batch.labels for batch in bench.source(resident=False).epoch(0)])
    fit = Fit(bench.model, bench.recipe, inputs, labels)
    ways = {"harness": bench.harness, "bare": bench.bare, "fit": fit.block}
    for way in ways.values():  # compilation, and caches
        way()
    blocks = alternate(ways, pairs)
    fit.close()
    return {
        "model": name,
        "backend": backend,
        "steps_per_block": bench.steps,
        "batch_size": bench.recipe.batch_size,
        "speeds": speeds(blocks),
        "harness_over_bare": compare(blocks, "harness", "bare"),
        "harness_over_fit": compare(blocks, "harness", "fit"),
        "blocks": blocks,
    }


def print_result(result: Mapping[str, Any]) -> None:
    say(f"{result['model']} on {result['backend']}: blocks of {result['steps_per_block']} steps")
    print_speeds(result["speeds"])
    for below, least in (("bare", LEAST_BARE), ("fit", LEAST_FIT)):
        for basis, ratio in result[f"harness_over_{below}"].items():
            word = "shown" if ratio.low >= least else "refuted" if ratio.high < least else "undecided"
            say(f"  harness / {below:<4} a {basis:<4} second  {ratio}  {ratio.pairs} pairs; >= {least}: {word}")


def main(argv: list[str]) -> None:
    parser = block_parser(__doc__, models=MODELS)
    parser.add_argument("--backend", choices=list(PROFILE_OF), default="tensorflow")
    arguments = parser.parse_args(argv)
    run_blocks(
        arguments,
        partial(measure, backend=arguments.backend, pairs=arguments.pairs, block_sec=arguments.block_sec),
        print_result,
        backend=arguments.backend,
    )


if __name__ == "__main__":
    main(sys.argv[1:])
