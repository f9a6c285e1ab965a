"""How long a gate times its cells: four pairs of processes, and more where the interval is wide and there is time."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from trainband.benchmarks.cells import find_cell
from trainband.benchmarks.gate import experiment
from trainband.benchmarks.gate.experiment import GateExperiment
from trainband.models.catalog import load_catalog
from trainband.platforms.profiles import load_profiles
from trainband.results.gate.evidence import CellEvidence
from trainband.results.gate.gates import Gate, GateCell, RunPair
from trainband.results.gate.pairs import Pair, gate_metric
from trainband.results.gate.speed import Block

NAMES = ("cnn_digits:smoke@cpu_deterministic", "mlp_digits:smoke@cpu_deterministic")
METRICS = load_catalog()["cnn_digits"].metrics
GATED = tuple(gate_metric(metric, margin=0.1, n_test=360) for metric in METRICS)


class Reader:
    """Every pair ended bit-equal."""

    bases = ("cpu",)

    def cell_evidence(self, row: GateCell, cell: Any, band: Any) -> CellEvidence:
        pair = Pair(index=0, seed=1, bit_equal=True, differences={metric.name: 0.0 for metric in METRICS})
        return CellEvidence(
            cell=row.cell, metrics=GATED, pairs=(pair,), blocks=row.blocks, bases=("cpu",), natural_equal=True
        )

    def costs(self, row: GateCell) -> dict[Any, Any]:
        return {}


def timed(monkeypatch: pytest.MonkeyPatch, spreads: dict[str, float], *, budget_sec: float) -> Any:
    """The gate whose cells' ratios scatter by these sds, filled with fake clocks."""
    draw = np.random.default_rng(1)

    def pair(sides: Any, specs: Any, *, number: int, cache_root: Path) -> list[Block]:
        spread = spreads[f"{specs['baseline'].model.name}:smoke@cpu_deterministic"]
        ratio = float(np.exp(spread * draw.standard_normal()))
        order = ("baseline", "candidate", "candidate", "baseline")
        steps = {"baseline": 1.0, "candidate": 1.0 / ratio}
        return [
            Block(pair=number, order=place, side=cast(Any, side), steps=100, wall_sec=1.0, cpu_sec=steps[side])
            for place, side in enumerate(order)
        ]

    monkeypatch.setattr(experiment, "timed_pair", pair)
    run = RunPair(index=0, seed=1, baseline="a", candidate="b", bit_equal=True)
    facts = cast(Any, SimpleNamespace())
    gate = Gate(
        key="k",
        created="",
        trainband_version="",
        code="",
        host_class="",
        suite="",
        baseline=facts,
        candidate=facts,
        cells=tuple(GateCell(cell=name, margins={}, pairs=(run,)) for name in NAMES),
    )
    filled = GateExperiment(
        gate=gate,
        cells={name: find_cell(name, load_catalog(), load_profiles()) for name in NAMES},
        bands=cast(Any, dict.fromkeys(NAMES)),
        reader=cast(Any, Reader()),
        pairing=cast(Any, SimpleNamespace(runners={"baseline": SimpleNamespace(cache_root=Path("/nowhere"))})),
        rerunner=cast(Any, None),
        timed=cast(Any, [SimpleNamespace(name="baseline"), SimpleNamespace(name="candidate")]),
        save=lambda gate: None,
        budget_sec=budget_sec,
    )
    judgement = filled.run()
    pairs = {row.cell: len({block.pair for block in row.blocks}) for row in filled.gate.cells}
    return pairs, {each.cell: each.outcome for each in judgement.cells}


def test_a_quiet_cell_takes_four_pairs_and_a_noisy_one_as_many_as_its_interval_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pairs, outcomes = timed(monkeypatch, {NAMES[0]: 0.002, NAMES[1]: 0.04}, budget_sec=300.0)
    assert pairs[NAMES[0]] == 4
    assert 6 <= pairs[NAMES[1]] <= 31
    assert set(outcomes.values()) == {"bit-equal"}


def test_a_hopeless_cell_ends_at_the_most_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs, outcomes = timed(monkeypatch, {NAMES[0]: 0.002, NAMES[1]: 0.6}, budget_sec=300.0)
    assert pairs == {NAMES[0]: 4, NAMES[1]: 32}
    assert outcomes[NAMES[1]] == "undecided"


def test_without_time_nothing_is_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs, outcomes = timed(monkeypatch, {NAMES[0]: 0.002, NAMES[1]: 0.04}, budget_sec=0.0)
    assert set(pairs.values()) == {0}
    assert set(outcomes.values()) == {"undecided"}
