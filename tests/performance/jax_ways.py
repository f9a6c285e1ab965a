"""What two things cost on JAX's CPU: `device_put` of each batch, and the norm of the gradients that a trace keeps.

The loop as it is, with the one and without the other, in one process, taking turns.

Example:
  python tests/performance/jax_ways.py mlp_penguins bow_goemotions --pairs=8 --block-sec=0.7
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from unittest.mock import patch

from harness_overhead import Bench
from measuring import alternate, block_parser, compare, print_speeds, run_blocks, say, speeds

from trainband.models.catalog import find_model

MODELS = ("mlp_penguins", "mlp_digits", "mlp_mnist", "neumf_movielens", "bow_goemotions")


def measure(name: str, *, pairs: int, block_sec: float) -> dict[str, Any]:
    """Blocks and ratios of one model."""
    import jax  # not before the child's environment is in force

    from trainband.benchmarks.backends.jax import JaxAdapter

    plain = JaxAdapter.put

    def put(adapter: Any, batches: Sequence[Any]) -> list[Any]:
        return list(jax.device_put(plain(adapter, batches)))

    benches = {"ours": Bench(find_model(name), "jax", block_sec)}
    with patch("trainband.benchmarks.backends.jax._norm", lambda gradients: jax.numpy.float32(0.0)):
        benches["without the norm"] = Bench(find_model(name), "jax", block_sec)  # it is traced while it is made
    benches["device_put"] = Bench(find_model(name), "jax", block_sec)
    benches["device_put"].adapter.put = partial(put, benches["device_put"].adapter)  # type: ignore[method-assign]
    ways = {way: bench.harness for way, bench in benches.items()}
    for way in ways.values():
        way()
    blocks = alternate(ways, pairs)
    ratios = {f"{a} / {b}": compare(blocks, a, b) for a, b in (("ours", "device_put"), ("without the norm", "ours"))}
    return {"model": name, "speeds": speeds(blocks), "ratios": ratios, "blocks": blocks}


def print_result(result: Mapping[str, Any]) -> None:
    say(result["model"])
    print_speeds(result["speeds"])
    for name, ratio in result["ratios"].items():
        for basis, found in ratio.items():
            say(f"  {name:<24} a {basis:<4} second  {found}  {found.pairs} pairs")


if __name__ == "__main__":
    arguments = block_parser(__doc__, models=MODELS).parse_args(sys.argv[1:])
    run_blocks(
        arguments,
        partial(measure, pairs=arguments.pairs, block_sec=arguments.block_sec),
        print_result,
        backend="jax",
    )
