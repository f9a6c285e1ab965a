"""Cells of the gate with any field changed, and pairs and blocks to put into them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from trainband.results.gate.evidence import CellEvidence
from trainband.results.gate.pairs import GateMetric, Pair, gate_metric
from trainband.results.gate.speed import Block
from trainband.results.metrics import MetricForm

N_TEST = 360


@pytest.fixture
def gate_metrics(metrics: tuple[MetricForm, MetricForm]) -> tuple[GateMetric, GateMetric]:
    """Accuracy of 360 rows, margin 0.03, and log_loss, margin 10%."""
    accuracy, log_loss = metrics
    return gate_metric(accuracy, margin=0.03, n_test=N_TEST), gate_metric(log_loss, margin=0.10, n_test=N_TEST)


@pytest.fixture
def make_pairs() -> Callable[..., tuple[Pair, ...]]:
    """`make_pairs(accuracy, log_loss, failed={index: side})`: a pair for each two differences; `failed` did not converge."""

    def make(
        accuracy: Sequence[float],
        log_loss: Sequence[float],
        *,
        bit_equal: Sequence[bool] | None = None,
        failed: dict[int, str] | None = None,
    ) -> tuple[Pair, ...]:
        lost = failed or {}
        return tuple(
            Pair(
                index=index,
                seed=1000 + index,
                bit_equal=bit_equal[index] if bit_equal is not None else False,
                differences={} if index in lost else {"accuracy": a, "log_loss": b},
                baseline_converged=lost.get(index) not in ("baseline", "both"),
                candidate_converged=lost.get(index) not in ("candidate", "both"),
            )
            for index, (a, b) in enumerate(zip(accuracy, log_loss, strict=True))
        )

    return make


@pytest.fixture
def make_blocks() -> Callable[..., tuple[Block, ...]]:
    """`make_blocks(cpu_ratios, wall_ratios)`: A B B A a pair of processes, each with exactly that ratio of throughputs."""

    def make(cpu: Sequence[float], wall: Sequence[float] | None = None) -> tuple[Block, ...]:
        return tuple(
            Block(
                pair=pair,
                order=order,
                side="candidate" if order in (1, 2) else "baseline",
                steps=100,
                cpu_sec=4.0 / (of_cpu if order in (1, 2) else 1.0),
                wall_sec=2.0 / (of_wall if order in (1, 2) else 1.0),
            )
            for pair, (of_cpu, of_wall) in enumerate(zip(cpu, wall or cpu, strict=True))
            for order in range(4)
        )

    return make


@pytest.fixture
def make_cell(gate_metrics: tuple[GateMetric, GateMetric]) -> Callable[..., CellEvidence]:
    """`make_cell(**fields)`: a cell whose sides initialise alike."""

    def make(cell: str = "cell", **fields: Any) -> CellEvidence:
        return CellEvidence(**{"cell": cell, "metrics": gate_metrics, "natural_equal": True, **fields})

    return make
