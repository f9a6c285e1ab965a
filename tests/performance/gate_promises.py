"""Simulates gates of ten cells and prints what they promise beside what they do.

Differences of pairs are normal with an sd of 1, so margins and losses are in sds of the differences. Each cell trains up to
its next look until it is equivalent or regressed, as a gate with enough time does. `one metric` takes two metrics that move
as one; `two metrics` are independent of one another, and one of them carries the loss.

Example:
  python tests/performance/gate_promises.py --gates=20000
"""

from __future__ import annotations

import argparse
import gc
import math
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from trainband.results.gate.outcomes import holm
from trainband.results.gate.quality import ALPHA, LOOKS, look_tests

CELLS = 10
METRICS = 2
BATCH = 2000


@dataclass(frozen=True, kw_only=True)
class Calls:
    """Arrays [gates, cells]: what each cell was called, neither where it is open at 32 pairs, and the pairs it took."""

    equivalent: Any
    regressed: Any
    pairs: Any


@dataclass(frozen=True, kw_only=True)
class Share:
    """A simulated probability with its standard error."""

    value: float
    error: float

    def __str__(self) -> str:
        return f"{self.value:.2%} +- {self.error:.2%}"


def share(called: Any) -> Share:
    """How often `called` is true."""
    value = float(np.mean(called))
    return Share(value=value, error=math.sqrt(value * (1.0 - value) / np.size(called)))


def draw(rng: np.random.Generator, *, gates: int, losses: Any, correlation: float) -> Any:
    """Differences [gates, cells, metrics, pairs].

    Args:
      losses: [cells, metrics], in sds.
      correlation: between the metrics of one pair.
    """
    common, own = (rng.standard_normal((gates, CELLS, each, LOOKS[-1])) for each in (1, METRICS))
    return math.sqrt(correlation) * common + math.sqrt(1.0 - correlation) * own - np.asarray(losses)[..., None]


def call(differences: Any, *, margin: float) -> Calls:
    """What the gate calls every cell, each one stopped as soon as it is called anything."""
    tests = look_tests(differences, margin=margin, floor=None)
    gates, cells = differences.shape[:2]
    equivalent, regressed = np.zeros((2, gates, cells), dtype=bool)
    pairs = np.zeros((gates, cells), dtype=int)
    p = np.ones((gates, cells, METRICS + 1))  # the last one is the convergence's, without evidence
    for index, look in enumerate(LOOKS):
        still_open = ~(equivalent | regressed)
        pairs[still_open] = look
        p[..., :METRICS][still_open] = tests.regressed[..., index][still_open]
        equivalent |= still_open & (tests.inferior[..., index] <= ALPHA).all(axis=-1)
        lost = np.array([holm(gate.tolist()) for gate in p]).any(axis=-1)
        regressed |= still_open & lost & ~equivalent
    return Calls(equivalent=equivalent, regressed=regressed, pairs=pairs)


def freeze() -> None:
    """Take what is imported out of the garbage collector's sight: statsmodels collects in every call, 0.1 s each."""
    holm([[0.0]])
    gc.freeze()


def simulate(*, gates: int, margin: float, losses: Any, correlation: float, seed: int) -> Calls:
    """The calls of `gates` gates; see `draw` for losses and correlation."""
    rng = np.random.default_rng(seed)
    sizes = [min(BATCH, gates - start) for start in range(0, gates, BATCH)]
    batches = [call(draw(rng, gates=size, losses=losses, correlation=correlation), margin=margin) for size in sizes]
    return Calls(**{name: np.concatenate([getattr(each, name) for each in batches]) for name in vars(batches[0])})


def one_loses(*losses: float) -> Any:
    """No loss but in the first cell, whose metrics lose `losses`."""
    found = np.zeros((CELLS, METRICS))
    found[0] = losses
    return found


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gates", type=int, default=20_000)
    gates = parser.parse_args(argv).gates
    freeze()
    out = sys.stdout.write
    for title, correlation in (("one metric", 1.0), ("two metrics", 0.0)):
        out(f"{title}: {gates} gates of {CELLS} cells\n")
        out(f"  {'margin':>8} {'margin lost: equivalent':>26} {'no loss: regressed':>22} {'equivalent':>20}")
        out(f" {'mean pairs':>11} {'1.5 margins lost: found':>26}\n")
        for number, margin in enumerate((0.5, 1.0, 2.0)):
            kind = {"gates": gates, "margin": margin, "correlation": correlation}
            on_one = (margin, margin if correlation == 1.0 else 0.0)
            lost = simulate(losses=one_loses(*on_one), seed=10 + number, **kind)
            healthy = simulate(losses=np.zeros((CELLS, METRICS)), seed=20 + number, **kind)
            heavy = simulate(losses=one_loses(*(1.5 * each for each in on_one)), seed=30 + number, **kind)
            out(f"  {margin:>5} sd {share(lost.equivalent[:, 0])!s:>26} {share(healthy.regressed)!s:>22}")
            out(f" {share(healthy.equivalent)!s:>20} {healthy.pairs.mean():>11.1f}")
            out(f" {share(heavy.regressed[:, 0])!s:>26}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
