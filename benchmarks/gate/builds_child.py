"""The child that builds a model from many seeds and says what its initial weights look like; it trains nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from trainband.benchmarks.backends.base import Adapter
from trainband.benchmarks.run_spec import BUILDS_FILE, RunSpec
from trainband.benchmarks.setting_up import weights_digest


def write_builds(spec: RunSpec, seeds: Sequence[int], adapter: Adapter, folder: Path) -> None:
    """A JSON list of one object a seed: `digest` over all variables; `variables`, name -> mean, sd and largest magnitude."""
    adapter.build(spec.model.architecture)
    found = []
    for seed in seeds:
        adapter.initialize(seed)
        rows = zip(adapter.variables, adapter.weights(), strict=True)
        variables = {entry.name: _summary(np.asarray(value, np.float64)) for entry, value in rows}
        found.append({"digest": weights_digest(adapter), "variables": variables})
    (folder / BUILDS_FILE).write_text(json.dumps(found), encoding="utf-8")


def _summary(values: np.ndarray) -> dict[str, float]:
    return {"mean": float(values.mean()), "sd": float(values.std()), "largest": float(np.abs(values).max())}
