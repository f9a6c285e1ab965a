"""What two ways of Keras's cost on PyTorch: the loop as it is, with the copies of images, and with the calls of layers.

Each in one process, taking turns.

Example:
  python tests/performance/torch_ways.py cnn_fashion_mnist --pairs=8 --block-sec=0.5
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
    own = bench.adapter._forward
    ways = {
        "ours": partial(_block, bench, own, copies=False),
        "Keras's copies": partial(_block, bench, own, copies=True),
        "Keras's calls": partial(_block, bench, bench.adapter.model, copies=False),
    }
    for way in ways.values():
        way()
    blocks = alternate(ways, pairs)
    ratios = {f"ours / with {way}": compare(blocks, "ours", way) for way in ways if way != "ours"}
    return {"model": name, "speeds": speeds(blocks), "ratios": ratios, "blocks": blocks}


def _block(bench: Bench, forward: Any, *, copies: bool) -> Block:
    from trainband.benchmarks.backends.torch_memory import set_copies  # imports Keras, whose backend is named by now

    set_copies(copies)
    bench.adapter._forward = forward
    return bench.harness()


def print_result(result: Mapping[str, Any]) -> None:
    say(result["model"])
    print_speeds(result["speeds"])
    for name, ratio in result["ratios"].items():
        for basis, found in ratio.items():
            say(f"  {name:<26} a {basis:<4} second  {found}  {found.pairs} pairs")


if __name__ == "__main__":
    arguments = block_parser(__doc__, models=MODELS).parse_args(sys.argv[1:])
    run_blocks(
        arguments,
        partial(measure, pairs=arguments.pairs, block_sec=arguments.block_sec),
        print_result,
        backend="torch",
    )
