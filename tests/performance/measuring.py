"""What the performance scripts share: alternating blocks, ratios with their intervals, and where they were measured."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from scipy.stats import quantile_test

from trainband.benchmarks.child_environment import child_environment
from trainband.platforms.fingerprint import collect
from trainband.platforms.profiles import Profile, find_profile

PROFILE_OF = {"tensorflow": "cpu", "jax": "cpu_jax", "torch": "cpu_torch"}
CONFIDENCE = 0.95


@dataclass(frozen=True, kw_only=True)
class Block:
    """Consecutive steps of one way to train, off which everything that is not training was kept."""

    examples: int
    wall_sec: float
    cpu_sec: float

    def rate(self, basis: str) -> float:
        """Examples a second of `basis`: wall or cpu."""
        return self.examples / (self.wall_sec if basis == "wall" else self.cpu_sec)


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """Median of the pairs' ratios with the order-statistic interval of a median: no distribution is assumed."""

    median: float
    low: float
    high: float
    pairs: int

    def __str__(self) -> str:
        return f"{self.median:.4f} [{self.low:.4f}, {self.high:.4f}]"


def ratio_of(values: Sequence[float]) -> Ratio:
    """The median of `values` and its interval at 95%; an end is nan where there are fewer than 6 values."""
    interval = quantile_test(values, p=0.5).confidence_interval(CONFIDENCE)
    return Ratio(
        median=statistics.median(values), low=float(interval.low), high=float(interval.high), pairs=len(values)
    )


def timed(train: Callable[[], int]) -> Block:
    """One block; `train` synchronises the device at its end and returns the examples it trained on."""
    wall, cpu = time.perf_counter(), time.process_time()
    examples = train()
    return Block(examples=examples, wall_sec=time.perf_counter() - wall, cpu_sec=time.process_time() - cpu)


def alternate(ways: Mapping[str, Callable[[], Block]], pairs: int) -> dict[str, list[Block]]:
    """Blocks A B C, C B A, A B C, ... until each way has `pairs` of them: a steady drift favours none."""
    blocks: dict[str, list[Block]] = {name: [] for name in ways}
    order = list(ways)
    for _ in range(pairs):
        for name in order:
            blocks[name].append(ways[name]())
        order.reverse()
        sys.stderr.write(".")
        sys.stderr.flush()
    sys.stderr.write("\n")
    return blocks


def compare(blocks: Mapping[str, Sequence[Block]], above: str, below: str) -> dict[str, Ratio]:
    """`above`'s speed over `below`'s, the blocks of a round taken in pairs, a wall second and a CPU second."""
    return {
        basis: ratio_of([a.rate(basis) / b.rate(basis) for a, b in zip(blocks[above], blocks[below], strict=True)])
        for basis in ("wall", "cpu")
    }


def speeds(blocks: Mapping[str, Sequence[Block]]) -> dict[str, dict[str, float]]:
    """Median examples a second of each way."""
    return {
        name: {basis: statistics.median(block.rate(basis) for block in found) for basis in ("wall", "cpu")}
        for name, found in blocks.items()
    }


def profile_of(name: str) -> Profile:
    """The profile called `name`, or the plain CPU profile of the backend of that name."""
    return find_profile(PROFILE_OF.get(name, name))


def enter_child_environment(name: str) -> None:
    """Give this process the variables of a child of `profile_of(name)`; before any framework is imported."""
    keras_home = Path(os.environ.get("TMPDIR", "/tmp")) / "trainband-performance-keras"
    keras_home.mkdir(parents=True, exist_ok=True)
    os.environ.update(child_environment(profile_of(name), os.environ, stage=Path(), keras_home=keras_home))


def surroundings() -> dict[str, Any]:
    """Machine, load and versions."""
    facts = collect(environ=os.environ)
    versions = {}
    for name in ("tensorflow", "jax", "torch", "keras", "numpy"):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "cpu": facts["cpu"],
        "usable_cores": len(os.sched_getaffinity(0)),
        "load_average": os.getloadavg(),
        "python": sys.version.split()[0],
        "versions": versions,
    }


def report_surroundings(facts: Mapping[str, Any]) -> str:
    """`surroundings` in one line."""
    versions = ", ".join(f"{name} {number}" for name, number in facts["versions"].items())
    cpu = facts["cpu"].get("model_name") or facts["cpu"].get("model")
    load = facts["load_average"][0]
    return f"{cpu}, {facts['usable_cores']} usable cores, load {load:.1f}; Python {facts['python']}, {versions}"


def write_json(path: str | None, document: Mapping[str, Any]) -> None:
    """`document`, dataclasses in it included, to `path`; nothing where there is none."""
    if path:
        Path(path).write_text(json.dumps(document, indent=1, default=asdict) + "\n", encoding="utf-8")


def print_speeds(found: Mapping[str, Mapping[str, float]]) -> None:
    """`speeds`, a line each."""
    for name, speed in found.items():
        say(f"  {name:<8} {speed['wall']:>10.1f} examples/s {speed['cpu']:>10.1f} examples/CPU s")


def block_parser(description: str | None, *, models: Sequence[str]) -> argparse.ArgumentParser:
    """The arguments of a script that measures models in alternating blocks."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=models, help="by default %(default)s")
    parser.add_argument("--pairs", type=int, default=24)
    parser.add_argument("--block-sec", type=float, default=1.5)
    parser.add_argument("--json", help="write everything there, each block included")
    return parser


def run_blocks(
    arguments: argparse.Namespace,
    measure: Callable[[str], dict[str, Any]],
    print_result: Callable[[Mapping[str, Any]], None],
    *,
    backend: str = "tensorflow",
) -> None:
    """`measure` each model in the environment of a child of `backend`, and print and keep what was found."""
    enter_child_environment(backend)
    facts = surroundings()
    say(report_surroundings(facts))
    results = []
    for name in arguments.models:
        results.append(measure(name))
        print_result(results[-1])
    write_json(arguments.json, {"surroundings": facts, "results": results})


def measure_models(
    argv: Sequence[str],
    description: str | None,
    *,
    models: Sequence[str],
    measure: Callable[..., dict[str, Any]],
    print_result: Callable[[Mapping[str, Any]], None],
) -> None:
    """The whole of a script whose `measure` takes a model's name, `pairs` and `block_sec`."""
    arguments = block_parser(description, models=models).parse_args(argv)
    run_blocks(arguments, partial(measure, pairs=arguments.pairs, block_sec=arguments.block_sec), print_result)


def say(line: str = "") -> None:
    """One line of the report."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
