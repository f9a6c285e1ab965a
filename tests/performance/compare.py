"""Ours against `model.fit` on each backend, and against a plain PyTorch loop: all ways to train a model, taking turns.

Each way has a process of its own, so that no framework's threads stand in another's way; one block of steps runs at a
time, in the order A B C, C B A, and a way that waits uses no processor. Ways:

* ours-BACKEND, ours-PROFILE: `Loop.epoch`, as in harness_overhead.py;
* fit-BACKEND: `stock_fit.Fit`, Keras's own layers;
* plain-torch: `plain_torch.PlainLoop`, eager, over batches that lie ready; small models only.

Example:
  python tests/performance/compare.py lenet5_mnist --pairs=12 --json=compare.json
  python tests/performance/compare.py resnet50 --ways ours-tensorflow ours-cpu_bf16 fit-tensorflow --pairs=6
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from measuring import (
    Block,
    alternate,
    block_parser,
    compare,
    enter_child_environment,
    profile_of,
    run_blocks,
    say,
    speeds,
)

from trainband.models.catalog import load_catalog

WAYS = ("ours-tensorflow", "fit-tensorflow", "ours-jax", "fit-jax", "ours-torch", "fit-torch", "plain-torch")
MODELS = tuple(name for name, row in load_catalog().items() if row.tiers[0] in ("smoke", "short"))


class Worker:
    """One way in a process of its own; a line in is a block, a line out its figures."""

    def __init__(self, way: str, model: str, block_sec: float) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, model, f"--worker={way}", f"--block-sec={block_sec}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def block(self) -> Block:
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the worker has no pipes")
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith("{"):  # frameworks print, too
                return Block(**json.loads(line))
        raise RuntimeError(f"{self._process.args} ended with status {self._process.wait()}")

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


def work(way: str, model: str, block_sec: float) -> None:
    """The worker's side."""
    kind, _, name = way.partition("-")
    enter_child_environment(name)
    from harness_overhead import Bench

    from trainband.models.catalog import find_model

    bench = Bench(find_model(model), name, block_sec)
    block = bench.harness
    if kind != "ours":
        batches = list(bench.source(resident=False).epoch(0))
        inputs = np.concatenate([batch.inputs for batch in batches])
        labels = np.concatenate([batch.labels for batch in batches])
        if kind == "fit":
            from stock_fit import Fit

            if name == "torch":
                leave_to_keras()
            block = Fit(bench.model, bench.recipe, inputs, labels).block
        else:
            from plain_torch import PlainLoop

            block = PlainLoop(bench.model, bench.recipe, inputs, labels).block
    for _ in sys.stdin:
        sys.stdout.write(json.dumps(asdict(block())) + "\n")
        sys.stdout.flush()


def leave_to_keras() -> None:
    """Give Keras on PyTorch its own copies and loops back, as it has them where no adapter was made."""
    from trainband.benchmarks.backends.torch_memory import set_copies
    from trainband.benchmarks.backends.torch_recurrence import set_loops

    set_copies(True)
    set_loops(True)


def compared(ways: Sequence[str]) -> list[tuple[str, str]]:
    """Each of ours over `fit` on the same backend, and over the plain loop."""
    pairs = []
    for ours in ways:
        kind, _, name = ours.partition("-")
        if kind == "ours":
            others = (f"fit-{profile_of(name).backend}", "plain-torch")
            pairs += [(ours, other) for other in others if other in ways]
    return pairs


def measure(model: str, *, pairs: int, block_sec: float, ways: Sequence[str]) -> dict[str, Any]:
    """Blocks and ratios of one model; it is left out of the plain loop where that has not written it."""
    from plain_torch import MODELS as PLAIN

    ways = [way for way in ways if model in PLAIN or way != "plain-torch"]
    workers = {way: Worker(way, model, block_sec) for way in ways}
    try:
        for worker in workers.values():  # compilation, and caches
            worker.block()
        blocks = alternate({way: worker.block for way, worker in workers.items()}, pairs)
    finally:
        for worker in workers.values():
            worker.close()
    ratios = {f"{a} / {b}": compare(blocks, a, b) for a, b in compared(ways)}
    return {"model": model, "speeds": speeds(blocks), "ratios": ratios, "blocks": blocks}


def print_result(result: Mapping[str, Any]) -> None:
    say(result["model"])
    for way, speed in result["speeds"].items():
        say(f"  {way:<16} {speed['wall']:>10.1f} examples/s {speed['cpu']:>10.1f} examples/CPU s")
    for name, ratio in result["ratios"].items():
        say(f"  {name:<34} wall {ratio['wall']}  CPU {ratio['cpu']}")


def main(argv: list[str]) -> None:
    parser = block_parser(__doc__, models=MODELS)
    parser.add_argument("--ways", nargs="*", default=WAYS, help="by default %(default)s")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    if arguments.worker:
        work(arguments.worker, arguments.models[0], arguments.block_sec)
        return
    found: dict[str, float] = {}

    def measured(model: str) -> dict[str, Any]:
        result = measure(model, pairs=arguments.pairs, block_sec=arguments.block_sec, ways=arguments.ways)
        ratio = result["ratios"].get("ours-tensorflow / fit-tensorflow")
        if ratio:
            found[model] = ratio["wall"].median
        return result

    run_blocks(arguments, measured, print_result)
    if found:
        mean = math.exp(sum(map(math.log, found.values())) / len(found))
        say(f"ours-tensorflow / fit-tensorflow, geometric mean of {len(found)} models: {mean:.3f}")


if __name__ == "__main__":
    main(sys.argv[1:])
