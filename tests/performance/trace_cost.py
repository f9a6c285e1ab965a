"""What the trace costs: the loop that leaves one against the same loop without, in one process, alternating.

A step's share is that of its gradient norm, of the logits and gradients that it hands out, and of the logits' digest;
the state's share is what the digests of a whole run take at the planned steps, over the CPU seconds of all its steps.

Example:
  python tests/performance/trace_cost.py --pairs=24 --json=trace_cost.json
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from harness_overhead import Bench
from measuring import Block, alternate, compare, measure_models, print_speeds, say, speeds

from trainband.benchmarks.trace.recorder import StateRecorder
from trainband.models.catalog import find_model
from trainband.models.datasets import dataset

MODELS = ("cnn_fashion_mnist", "resnet20_cifar10")
LIMIT = 0.01
OBSERVATIONS = 20


@contextmanager
def untraced() -> Iterator[None]:
    """Adapters made here hand out the loss alone."""
    import tensorflow as tf

    from trainband.benchmarks.backends import tensorflow as backend

    class Untraced(backend.TensorFlowAdapter):
        def _step(self, *arguments: Any) -> Any:
            figures, _, _ = super()._step(*arguments)
            return figures, tf.zeros([1]), []

    with patch.object(backend, "TensorFlowAdapter", Untraced), patch.object(tf.linalg, "global_norm", lambda _: 0.0):
        yield


def measure(name: str, *, pairs: int, block_sec: float) -> dict[str, Any]:
    """Blocks, ratios and shares of one model; blocks are single steps where `block_sec` is 0."""
    traced = Bench(find_model(name), "cpu", block_sec, steps=None if block_sec else 1)
    with untraced():
        plain = Bench(find_model(name), "cpu", block_sec, steps=traced.steps)
    ways = {"traced": traced.harness, "plain": plain.harness}
    for way in ways.values():
        way()
    blocks = alternate(ways, pairs)
    return {
        "model": name,
        "steps_per_block": traced.steps,
        "speeds": speeds(blocks),
        "plain_over_traced": compare(blocks, "plain", "traced"),
        "state": _state(name, traced, blocks["traced"]),
        "blocks": blocks,
    }


def _state(name: str, bench: Bench, blocks: list[Block]) -> dict[str, float]:
    """CPU seconds of one look at the state, how many a run takes, and their share of its training."""
    recorder = StateRecorder(bench.adapter, steps_per_epoch=1)
    for step in range(OBSERVATIONS):
        recorder.observe(step)
    model = find_model(name)
    recipe = model.recipes[0]

    steps_per_epoch = dataset(model.dataset).n_train // recipe.batch_size
    planned = StateRecorder(bench.adapter, steps_per_epoch=steps_per_epoch)
    steps = steps_per_epoch * recipe.epochs
    looks = 1 + sum(map(planned.due, range(steps)))
    each = recorder.cpu_sec / OBSERVATIONS
    step_cpu_sec = statistics.median(recipe.batch_size / block.rate("cpu") for block in blocks)
    return {"cpu_sec": each, "looks": looks, "share": looks * each / (steps * step_cpu_sec)}


def print_result(result: Mapping[str, Any]) -> None:
    say(f"{result['model']}: blocks of {result['steps_per_block']} steps")
    print_speeds(result["speeds"])
    for basis, ratio in result["plain_over_traced"].items():
        say(f"  plain / traced a {basis:<4} second  {ratio}  {ratio.pairs} pairs")
    state = result["state"]
    say(
        f"  state: {state['looks']} looks of {1e3 * state['cpu_sec']:.2f} ms are {state['share']:.3%} of a run's CPU seconds"
    )
    upper = result["plain_over_traced"]["cpu"].high - 1.0 + state["share"]
    say(f"  upper 95% limit of both, of the CPU seconds: {upper:.2%} (claimed: under {LIMIT:.0%})")


if __name__ == "__main__":
    measure_models(sys.argv[1:], __doc__, models=MODELS, measure=measure, print_result=print_result)
