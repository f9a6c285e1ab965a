"""What gates make of a loss that was planted in Keras, or of rounding alone: many gates, each with seeds of its own.

A planted loss is first established with pairs that no gate uses. What moved is not looked for: it does not enter the answer
on quality. An interrupted measurement goes on where it was.

Examples:
  python tests/performance/gate_power.py --change='dropout drops three times as much' --out=/tmp/dropout
  python tests/performance/gate_power.py --rounding=onednn --cells='mlp_digits:smoke@cpu' --out=/tmp/rounding
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from measuring import report_surroundings, say, surroundings, write_json
from planted_keras import CHANGES, planted_wheel, version
from scipy import stats

from trainband.benchmarks.bands_on_disk import reference_bands
from trainband.benchmarks.cells import Cell, all_cells, select_cells
from trainband.benchmarks.children import ChildPool
from trainband.benchmarks.data.cache import cache_root
from trainband.benchmarks.diff.refine import Rerunner
from trainband.benchmarks.gate.evidence import EvidenceReader, gated_metrics
from trainband.benchmarks.gate.experiment import GateExperiment
from trainband.benchmarks.gate.pairing import Pairing
from trainband.benchmarks.gate.planning import bands_of, planned_gate
from trainband.benchmarks.gate.sides import GateEnvironment, gate_environments
from trainband.benchmarks.runner import Runner
from trainband.models.catalog import load_catalog
from trainband.platforms.profiles import load_profiles
from trainband.results.gate.gates import Finding, Gate, GateCell, RunPair, read_gate, write_gate
from trainband.results.gate.outcomes import GateJudgement
from trainband.results.gate.speed import GateSide
from trainband.results.store import Store

# Pairs of the gates have numbers below: 100 a gate, of which it uses up to 32.
ESTABLISHING_FROM, PAIRS_A_GATE = 1_000_000, 100


@dataclass(kw_only=True)
class OwnSeeds(Pairing):
    """Pairs with other seeds than those that every gate shares: `first` is the number of the first one."""

    first: int

    def pair(self, cell: Cell, index: int) -> RunPair:
        return replace(super().pair(cell, self.first + index), index=index)


@dataclass(kw_only=True)
class QualityAlone(GateExperiment):
    """A gate that looks for the size of a change and not for its place."""

    def _explain(self, row: GateCell) -> None:
        self._put(replace(row, finding=Finding(says="not looked for", stage="unknown", failed="not looked for")))


@dataclass(kw_only=True)
class Bench:
    """The two sides, and what trains on them."""

    store: Store
    out: Path
    cells: Sequence[Cell]
    environments: Mapping[GateSide, GateEnvironment]
    runners: Mapping[GateSide, Runner]

    def __post_init__(self) -> None:
        self.bands = bands_of(self.cells, reference_bands(None))
        self.host_class, self.code = self.runners["baseline"].surroundings(self.cells[0])
        self.reader = EvidenceReader(store=self.store, bases=())

    def pairing(self, first: int) -> OwnSeeds:
        return OwnSeeds(
            store=self.store,
            environments=self.environments,
            runners=self.runners,
            host_class=self.host_class,
            first=first,
        )

    def planned(self) -> Gate:
        return planned_gate(
            self.cells, self.bands, self.environments, suite="measured", host_class=self.host_class, code=self.code
        )

    def experiment(self, gate: Gate, path: Path, first: int) -> QualityAlone:
        baseline = self.runners["baseline"]
        return QualityAlone(
            gate=gate,
            cells={cell.name: cell for cell in self.cells},
            bands=self.bands,
            reader=self.reader,
            pairing=self.pairing(first),
            rerunner=Rerunner(pool=baseline.pool, cache_root=baseline.cache_root),
            timed=None,
            save=lambda grown: write_gate(path, grown),
            budget_sec=math.inf,
        )


def established(bench: Bench, cell: Cell, count: int) -> dict[str, Any]:
    """Metric -> the true loss in margins with its 95% interval, of `count` pairs; a loss is positive."""
    path = bench.out / "established.json"
    gate = read_gate(path) if path.exists() else bench.planned()
    row = next(row for row in gate.cells if row.cell == cell.name)
    pairing = bench.pairing(ESTABLISHING_FROM)
    while len(row.pairs) < count:
        row = replace(row, pairs=(*row.pairs, pairing.pair(cell, len(row.pairs))))
        write_gate(path, replace(gate, cells=(row,)))
    evidence = bench.reader.cell_evidence(row, cell, bench.bands[cell.name])
    found = {}
    for metric in gated_metrics(cell, row.margins):
        losses = [-pair.differences[metric.name] / metric.margin for pair in evidence.pairs if pair.differences]
        if len(losses) < 2:
            continue
        width = float(stats.t.ppf(0.975, len(losses) - 1)) * stdev(losses) / math.sqrt(len(losses))
        mean = fmean(losses)
        found[metric.name] = {"n": len(losses), "loss": mean, "low": mean - width, "high": mean + width}
    return found


def gates(bench: Bench, count: int) -> list[GateJudgement]:
    """`count` gates, each begun with nothing known but how initial weights compare."""
    weights: dict[str, Any] = {}
    found = []
    for number in range(count):
        path = bench.out / f"gate-{number:02d}.json"
        planned = bench.planned()
        rows = tuple(replace(row, initial_weights=weights.get(row.cell)) for row in planned.cells)
        gate = read_gate(path) if path.exists() else replace(planned, cells=rows)
        experiment = bench.experiment(gate, path, number * PAIRS_A_GATE)
        judgement = experiment.run()
        weights |= {row.cell: row.initial_weights for row in experiment.gate.cells if row.initial_weights is not None}
        found.append(judgement)
        pairs = sum(len(row.pairs) for row in experiment.gate.cells)
        words = ", ".join(f"{each.cell} {each.outcome}" for each in judgement.cells)
        say(f"  gate {number + 1} of {count}: {judgement.verdict} after {pairs} pairs: {words}")
    return found


def asked(arguments: argparse.Namespace, out: Path) -> dict[GateSide, Sequence[str]]:
    """The sides as requirements; an interpreter where only an environment variable differs."""
    tensorflow = f"tensorflow=={version('tensorflow')} numpy=={version('numpy')}"
    if arguments.change:
        wheel = planted_wheel(out, CHANGES[arguments.change])
        return {"baseline": [f"{tensorflow} keras=={version('keras')}"], "candidate": [f"{tensorflow} {wheel}"]}
    if arguments.rounding == "onednn":
        wrapper = out / "python-without-onednn"
        wrapper.write_text(f'#!/bin/sh\nTF_ENABLE_ONEDNN_OPTS=0 exec {sys.executable} "$@"\n', encoding="utf-8")
        wrapper.chmod(0o755)
        return {"baseline": [sys.executable], "candidate": [str(wrapper)]}
    old, new = arguments.rounding.split(":")
    return {"baseline": [f"tensorflow=={old} keras==3.12.0"], "candidate": [f"tensorflow=={new} keras==3.12.0"]}


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    one = parser.add_mutually_exclusive_group(required=True)
    one.add_argument("--change", choices=CHANGES)
    one.add_argument("--rounding", help="onednn, or two releases of TensorFlow with one Keras, such as 2.16.2:2.21.0")
    parser.add_argument("--cells", action="append", help="globs; a change's own cell by default")
    parser.add_argument("--pairs", type=int, default=50, help="that establish a planted loss")
    parser.add_argument("--gates", type=int, default=20)
    parser.add_argument("--out", type=Path, required=True, help="folder of the runs and the gates")
    parser.add_argument("--json", help="write everything there")
    arguments = parser.parse_args(argv)
    out = arguments.out.absolute()
    out.mkdir(parents=True, exist_ok=True)
    globs = arguments.cells or [CHANGES[arguments.change].cell]
    cells = list(select_cells(globs, all_cells(load_catalog(), load_profiles())))
    say(report_surroundings(surroundings()))
    day = None if arguments.rounding == "onednn" else date.today()  # noqa: DTZ011 - any day will do
    sides = gate_environments(asked(arguments, out), "tensorflow", as_of=day, cache_root=cache_root(), say=say)
    document: dict[str, Any] = {"surroundings": surroundings(), "cells": [cell.name for cell in cells]}
    with ExitStack() as stack:
        store = Store(out / "store", create=True)
        runners = {
            name: Runner(
                store=store,
                pool=stack.enter_context(ChildPool()),
                cache_root=cache_root(),
                environment=side.environment,
            )
            for name, side in sides.items()
        }
        bench = Bench(store=store, out=out, cells=cells, environments=sides, runners=runners)
        if arguments.change:
            document["established"] = established(bench, cells[0], arguments.pairs)
            for metric, loss in document["established"].items():
                text = f"{loss['loss']:.2f} margins [{loss['low']:.2f}, {loss['high']:.2f}], {loss['n']} pairs"
                say(f"  {arguments.change}: true loss of {metric} {text}")
        judgements = gates(bench, arguments.gates)
    regressed = sum(any(cell.outcome == "regressed" for cell in each.cells) for each in judgements)
    outcomes = Counter(f"{cell.cell} {cell.outcome}" for each in judgements for cell in each.cells)
    say(f"  regressed in {regressed} of {len(judgements)} gates; cells: {dict(outcomes)}")
    write_json(arguments.json, {**document, "regressed": regressed, "gates": len(judgements), "outcomes": outcomes})


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    main(sys.argv[1:])
