"""What Keras's copies of images cost on PyTorch: the loop with them and without, in one process, taking turns.

Example:
  python tests/performance/torch_copies.py cnn_fashion_mnist --pairs=8 --block-sec=0.5
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import partial
from typing import Any

from harness_overhead import Bench
from measuring import Block, alternate, block_parser, compare, print_speeds, run_blocks, say, speeds

from trainband.models.catalog import find_model

MODELS = ("cnn_fashion_mnist", "lenet5_mnist", "textcnn_clinc_oos", "cnn_spoken_digit", "resnet20_cifar10")


def measure(name: str, *, pairs: int, block_sec: float) -> dict[str, Any]:
    """Blocks and ratios of one model."""
    bench = Bench(find_model(name), "torch", block_sec)
    ways = {"copies": partial(_block, bench, True), "no copies": partial(_block, bench, False)}
    for way in ways.values():
        way()
    blocks = alternate(ways, pairs)
    return {
        "model": name,
        "speeds": speeds(blocks),
        "ratio": compare(blocks, "no copies", "copies"),
        "blocks": blocks,
    }


def _block(bench: Bench, copies: bool) -> Block:
    from trainband.benchmarks.backends.torch_memory import set_copies  # imports Keras, whose backend is named by now

    set_copies(copies)
    return bench.harness()


def print_result(result: Mapping[str, Any]) -> None:
    say(result["model"])
    print_speeds(result["speeds"])
    for basis, ratio in result["ratio"].items():
        say(f"  no copies / copies a {basis:<4} second  {ratio}  {ratio.pairs} pairs")


if __name__ == "__main__":
    arguments = block_parser(__doc__, models=MODELS).parse_args(sys.argv[1:])
    run_blocks(
        arguments,
        partial(measure, pairs=arguments.pairs, block_sec=arguments.block_sec),
        print_result,
        backend="torch",
    )
