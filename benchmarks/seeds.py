"""Which seed a run takes: fresh ones for sweeps, a reserved range for calibration."""

from __future__ import annotations

import hashlib

from trainband.results.evidence import FIRST_CALIBRATION_SEED


def sweep_seed(sweep_id: str, cell: str, index: int, *, attempt: int = 0) -> int:
    """A fresh seed below the calibration range, from SHA-256 of the sweep, the cell and the run's place in it.

    `attempt` 0 is the run itself, 1 and 2 the fresh seeds that confirm or refute it.
    """
    text = f"{sweep_id} {cell} {index} {attempt}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") % FIRST_CALIBRATION_SEED


def calibration_seed(index: int) -> int:
    """The seed of calibration run `index`."""
    return FIRST_CALIBRATION_SEED + index


def gate_seed(model: str, tier: str, index: int) -> int:
    """The seed of pair `index` of a gate: the same for every candidate, so that runs of the baseline serve them all."""
    digest = hashlib.sha256(f"gate {model} {tier} {index}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % FIRST_CALIBRATION_SEED
