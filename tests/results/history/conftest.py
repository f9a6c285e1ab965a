"""Rows of an index, night after night, with any speed and quality."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from trainband.results.index_rows import RunRow

CELL = "mlp_digits:smoke@cpu"
FIRST_NIGHT = datetime(2026, 1, 1, 3, tzinfo=UTC)


def night(number: int) -> str:
    """When the run of that night was made, as the index writes it."""
    return (FIRST_NIGHT + timedelta(days=number)).isoformat(timespec="microseconds")


def _row(number: int, **fields: Any) -> RunRow:
    values: dict[str, Any] = {
        "run_id": f"run-{number:03d}",
        "cell": CELL,
        "model": "mlp_digits",
        "tier": "smoke",
        "profile": "cpu",
        "seed": number,
        "seed_role": "sweep",
        "sweep_id": f"night-{number:03d}",
        "sweep_index": 0,
        "created": night(number),
        "outcome": "completed",
        "host_class": "host",
        "recipe_hash": "f" * 64,
        "faults": (),
        "metrics": {"accuracy": 0.95, "log_loss": 0.25},
        "examples_per_sec": 2000.0,
        "examples_per_cpu_sec": 1500.0,
        "contended": (),
        "wall_sec": 9.5,
        **fields,
    }
    return RunRow(**values)


@pytest.fixture
def make_rows() -> Callable[..., list[RunRow]]:
    """`make_rows(speeds, first=0, **fields)`: a run a night with these examples per CPU second."""

    def make(speeds: Sequence[float], first: int = 0, **fields: Any) -> list[RunRow]:
        return [_row(first + n, **{"examples_per_cpu_sec": speed, **fields}) for n, speed in enumerate(speeds)]

    return make


@pytest.fixture
def make_nights() -> Callable[..., list[RunRow]]:
    """`make_nights(accuracies, first=0, **fields)`: a run a night with these accuracies."""

    def make(accuracies: Sequence[float], first: int = 0, **fields: Any) -> list[RunRow]:
        return [
            _row(first + n, **{"metrics": {"accuracy": value, "log_loss": 0.25}, **fields})
            for n, value in enumerate(accuracies)
        ]

    return make
