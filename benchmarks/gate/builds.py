"""Whether two environments draw the initial weights of a model that leaves them to the framework alike."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from trainband.benchmarks.cells import Cell
from trainband.benchmarks.run_spec import BUILDS_FILE
from trainband.benchmarks.runner import Runner, RunRequest, spec_of
from trainband.benchmarks.seeds import gate_seed
from trainband.benchmarks.training_child import environment_of, log_tail, reason_of, train_in_child
from trainband.results.gate.gates import InitialWeights
from trainband.results.gate.initialisers import BUILDS, compare_initialisers
from trainband.results.gate.speed import GateSide


class BuildError(RuntimeError):
    """Builds that cannot be compared; the message says why, and of which side."""


def compared_initial_weights(cell: Cell, runners: Mapping[GateSide, Runner]) -> InitialWeights:
    """Builds of both sides from equal seeds: equal to the bit, or compared as distributions; raises BuildError."""
    baseline, candidate = (_builds(side, cell, runner) for side, runner in runners.items())
    if [each["digest"] for each in baseline] == [each["digest"] for each in candidate]:
        return InitialWeights(equal=True)
    try:
        test = compare_initialisers([each["variables"] for each in baseline], [each["variables"] for each in candidate])
    except ValueError as error:
        raise BuildError(str(error)) from error
    return InitialWeights(equal=False, test=test)


def _builds(side: GateSide, cell: Cell, runner: Runner) -> list[Mapping[str, Any]]:
    seeds = tuple(gate_seed(cell.model.name, cell.recipe.tier, index) for index in range(BUILDS))
    spec = spec_of(
        RunRequest(cell=cell, seed=seeds[0], seed_role="gate"), f"builds-{side}", cache_root=runner.cache_root
    )
    with tempfile.TemporaryDirectory(prefix="trainband-builds-") as name:
        trained = train_in_child(
            Path(name),
            replace(spec, builds=seeds, submitted_at=time.time()),
            pool=runner.pool,
            python=runner.environment.python,
            environ=environment_of(cell.profile, runner.cache_root),
            time_limit_sec=cell.recipe.time_limit_sec,
        )
        if trained.failure is not None:
            why = reason_of(trained.failure, log_tail(Path(name)))
            raise BuildError(f"the {side} cannot build {cell.name}: {why}")
        found: list[Mapping[str, Any]] = json.loads((Path(name) / BUILDS_FILE).read_text(encoding="utf-8"))
        return found
