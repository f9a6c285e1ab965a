"""What the three adapters must have in common."""

from __future__ import annotations

import itertools
import math
import statistics
from typing import Any

import numpy as np
import pytest

from trainband.models.catalog import load_catalog
from trainband.platforms.profiles import find_profile, load_profiles

BACKENDS = [pytest.param(name, marks=pytest.mark.backend(name)) for name in ("tensorflow", "jax", "torch")]
OTHERS = BACKENDS[1:]
EMBEDDING = "tiny_architectures:embedding"
ONE_DEVICE = {"tensorflow": "cpu", "jax": "cpu_jax", "torch": "cpu_torch"}
ADAM = {"name": "adam"}
# What no tier trains on a processor takes minutes to compile on some backends.
each_model = pytest.mark.parametrize(
    "model",
    [
        pytest.param(name, marks=[pytest.mark.nightly] if row.tiers == ("full",) else [])
        for name, row in load_catalog().items()
        if "throughput" not in row.tiers
    ],
)
# What starts from a framework's own weights starts elsewhere on each of them.
each_drawn_model = pytest.mark.parametrize(
    "model", [param for param in each_model.args[1] if not load_catalog()[param.values[0]].recipes[0].stock]
)
CPU_PROFILES = [
    pytest.param(profile, marks=pytest.mark.backend(profile.backend), id=name)
    for name, profile in load_profiles().items()
    if profile.device == "cpu"
]


@pytest.mark.parametrize("backend", OTHERS)
@each_drawn_model
@pytest.mark.backend("tensorflow")
def test_first_losses_and_outputs_agree(model_facts: Any, model: str, backend: str) -> None:
    ours, reference = model_facts(backend, model), model_facts("tensorflow", model)
    assert ours["initial_digest"] == reference["initial_digest"]
    assert ours["losses"][0] == pytest.approx(reference["losses"][0], rel=1e-5)
    np.testing.assert_allclose(ours["outputs"], reference["outputs"], atol=1e-4 * np.abs(reference["outputs"]).max())


@pytest.mark.parametrize("backend", OTHERS)
@each_drawn_model
@pytest.mark.backend("tensorflow")
def test_the_second_loss_agrees_too_and_so_the_update(model_facts: Any, model: str, backend: str) -> None:
    reference = model_facts("tensorflow", model)["losses"][1]
    assert model_facts(backend, model)["losses"][1] == pytest.approx(reference, rel=1e-4)


@pytest.mark.parametrize("backend", OTHERS)
@each_model
@pytest.mark.backend("tensorflow")
def test_names_structure_and_so_the_recipe_hash_are_those_of_every_backend(
    model_facts: Any, model: str, backend: str
) -> None:
    ours, reference = model_facts(backend, model), model_facts("tensorflow", model)
    assert ours["names"] == reference["names"]
    assert ours["recipe_hash"] == reference["recipe_hash"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_each_setting_of_a_layer_moves_the_recipe_hash_and_alike_on_every_backend(
    frameworks: Any, backend: str
) -> None:
    found = frameworks(backend).result("models.py", "hashes_by_setting", profile=find_profile(ONE_DEVICE[backend]))
    assert len(set(found.values())) == len(found) == 10
    if backend != "tensorflow":
        reference = find_profile(ONE_DEVICE["tensorflow"])
        assert found == frameworks("tensorflow").result("models.py", "hashes_by_setting", profile=reference)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("model", ["mlp_digits", "cnn_digits"])
def test_a_restored_state_gives_the_same_step_to_the_bit(frameworks: Any, model: str, backend: str) -> None:
    profile = find_profile(ONE_DEVICE[backend])
    assert frameworks(backend).result("models.py", "state_is_restored", name=model, profile=profile)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("model", ["mlp_digits", "cnn_digits"])
def test_inputs_kept_on_the_device_give_the_same_step_to_the_bit(frameworks: Any, model: str, backend: str) -> None:
    profile = find_profile(ONE_DEVICE[backend])
    fed, kept = frameworks(backend).result("models.py", "resident_digests", name=model, profile=profile)
    assert fed == kept


@pytest.mark.parametrize(
    "profile",
    [
        pytest.param(name, marks=pytest.mark.backend(find_profile(name).backend))
        for name in ("cpu", "cpu_xla", "cpu_jax")  # PyTorch's step is not compiled
    ],
)
def test_only_the_first_step_of_a_burst_is_compiled(frameworks: Any, profile: str) -> None:
    spec = find_profile(profile)
    framework = frameworks(spec.backend)
    first, *later = framework.result("models.py", "step_seconds", name="mlp_digits", profile=spec, steps=8)
    # Compiled anew, a step takes about as long as the first: hundreds of times what it takes otherwise.
    assert statistics.median(later) < first / 5


@pytest.mark.parametrize("backend", BACKENDS)
def test_versions_name_the_framework(model_facts: Any, backend: str) -> None:
    assert {backend, "keras", "numpy"} <= set(model_facts(backend, "mlp_digits")["versions"])


def two_steps(frameworks: Any, backend: str, **arguments: Any) -> Any:
    profile = find_profile(ONE_DEVICE[backend])
    return frameworks(backend).result("models.py", "two_steps", architecture=EMBEDDING, profile=profile, **arguments)


def largest_difference(first: dict[str, Any], second: dict[str, Any]) -> float:
    """Over all variables, relative to the largest weight of each."""
    pairs = [(np.array(first["weights"][name]), np.array(value)) for name, value in second["weights"].items()]
    return max(float(np.abs(ours - theirs).max() / np.abs(theirs).max()) for ours, theirs in pairs)


of_optimizers = pytest.mark.parametrize(
    "optimizer",
    [
        ADAM,
        {**ADAM, "clip_norm": 0.1},
        {"name": "adamw", "weight_decay": 0.1},
        {"name": "sgd", "momentum": 0.9, "l2": 0.1},
        {"name": "sgd", "momentum": 0.9, "nesterov": True, "l2": 0.1, "clip_norm": 0.1},
    ],
    ids=["adam", "adam clipped", "adamw", "sgd with l2", "sgd with l2 clipped"],
)


@pytest.mark.parametrize("backend", OTHERS)
@of_optimizers
@pytest.mark.backend("tensorflow")
def test_updates_of_an_embedding_with_repeated_tokens_agree(
    frameworks: Any, optimizer: dict[str, Any], backend: str
) -> None:
    ours, reference = (two_steps(frameworks, name, optimizer=optimizer) for name in (backend, "tensorflow"))
    assert ours["losses"] == pytest.approx(reference["losses"], rel=1e-5)
    assert largest_difference(ours, reference) < 1e-5


@of_optimizers
@pytest.mark.backend("tensorflow")
def test_an_update_that_xla_compiles_is_the_same_update(frameworks: Any, optimizer: dict[str, Any]) -> None:
    ours = two_steps(frameworks, "tensorflow", optimizer=optimizer, compiled_update=True)
    reference = two_steps(frameworks, "tensorflow", optimizer=optimizer)
    assert (ours["compiled_update"], reference["compiled_update"]) == (True, False)
    assert ours["losses"] == pytest.approx(reference["losses"], rel=1e-6)
    assert largest_difference(ours, reference) < 1e-6


@pytest.mark.backend("tensorflow")
def test_unmerged_rows_of_sparse_gradients_would_be_seen(frameworks: Any) -> None:
    ours = two_steps(frameworks, "tensorflow", optimizer=ADAM)
    unmerged = two_steps(frameworks, "tensorflow", optimizer=ADAM, merge=False)
    assert largest_difference(unmerged, ours) > 1e-2


@pytest.mark.parametrize("profile", CPU_PROFILES)
def test_a_step_trains_under_every_cpu_profile(frameworks: Any, profile: Any) -> None:
    step = frameworks(profile.backend).result("models.py", "one_step", profile=profile)
    assert step["loss"] == pytest.approx(math.log(10), rel=0.5)
    assert all(moved > 0 for moved in step["moved"])
    assert step["device"] == ("cpu x2" if profile.virtual_devices == 2 else "cpu x1")
    assert step["logits"] == [16, 10]
    assert step["compute_dtype"] == ("bfloat16" if profile.precision == "mixed_bfloat16" else "float32")


@pytest.mark.backend("tensorflow")
def test_profiles_of_a_backend_agree_on_the_loss_and_on_the_recipe_hash(frameworks: Any) -> None:
    """No profile may change what is trained: a band belongs to (model, tier) and is found by the recipe's hash."""
    names = [name for name, p in load_profiles().items() if p.device == "cpu" and p.backend == "tensorflow"]
    steps = {
        name: frameworks("tensorflow").result("models.py", "one_step", profile=find_profile(name)) for name in names
    }
    assert len({step["recipe_hash"] for step in steps.values()}) == 1
    for first, second in itertools.combinations(names, 2):
        rounded = "cpu_bf16" in (first, second)
        assert steps[first]["loss"] == pytest.approx(steps[second]["loss"], rel=0.02 if rounded else 1e-5)
