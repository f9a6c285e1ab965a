"""Deterministic profiles train to the same bit again; and what is drawn by us is equal on every backend."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from trainband.benchmarks.run_spec import RunSpec, planned_examples
from trainband.models.catalog import find_model
from trainband.models.datasets import DIGITS
from trainband.platforms.profiles import find_profile

pytestmark = pytest.mark.slow

MODEL = find_model("cnn_digits")
RECIPE = replace(MODEL.recipe("smoke"), epochs=2)
PROFILES = {"tensorflow": "cpu_deterministic", "jax": "cpu_deterministic_jax", "torch": "cpu_deterministic_torch"}
BACKENDS = [pytest.param(name, marks=pytest.mark.backend(name)) for name in PROFILES]


@pytest.fixture
def measurement(frameworks: Any, digits_root: str) -> Any:
    def measured(backend: str, *, again: int = 0) -> Any:
        spec = RunSpec(
            run_id="the-run",
            model=replace(MODEL, recipes=(RECIPE,)),
            tier="smoke",
            profile=find_profile(PROFILES[backend]),
            seed=5,
            dataset=DIGITS,
            cache_root=digits_root,
            planned_examples=planned_examples(RECIPE, DIGITS.n_train),
            submitted_at=0.0,
        )
        answer = frameworks(backend).result("training.py", "answer", spec=spec, again=again)
        assert answer["failure"] is None
        return answer["measurement"]

    return measured


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_rerun_ends_in_the_same_weights_to_the_bit(measurement: Any, backend: str) -> None:
    first, second = measurement(backend), measurement(backend, again=1)
    assert first["steps"] == 88
    for part in ("weights", "quality", "batches_digest", "first_loss", "recipe_hash"):
        assert first[part] == second[part]


@pytest.mark.parametrize("backend", BACKENDS[1:])
@pytest.mark.backend("tensorflow")
def test_backends_share_weights_batches_and_recipe_and_reach_the_same_quality(measurement: Any, backend: str) -> None:
    ours, reference = measurement(backend), measurement("tensorflow")
    assert ours["weights"]["initial_digest"] == reference["weights"]["initial_digest"]
    for part in ("batches_digest", "recipe_hash", "data", "trained_examples"):
        assert ours[part] == reference[part]
    assert ours["first_loss"] == pytest.approx(reference["first_loss"], rel=1e-5)
    accuracies = [found["quality"]["metrics"]["accuracy"]["value"] for found in (ours, reference)]
    assert accuracies[0] == pytest.approx(accuracies[1], abs=0.02)
