"""Small transformers on the three backends."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from trainband.platforms.profiles import find_profile

FOLDER = "trainband.models.architectures"
PROFILE_OF = {"tensorflow": "cpu", "jax": "cpu_jax", "torch": "cpu_torch"}
BACKENDS = [pytest.param(name, marks=pytest.mark.backend(name)) for name in PROFILE_OF]
each_backend = pytest.mark.parametrize("backend", BACKENDS)

# nanoGPT prints 0.80 M and 10.65 M without the table of positions. A layer holds four square matrices for attention,
# eight for the feed-forward pair and two scales of layer norms; without biases.
PARAMETERS = {
    "chargpt:build_small": 65 * 128 + 64 * 128 + 4 * (12 * 128**2 + 2 * 128) + 128,
    "chargpt:build_full": 65 * 384 + 256 * 384 + 6 * (12 * 384**2 + 2 * 384) + 384,
    # Patches of 7 x 7, class token, 17 places; with biases: 9 a width beside the matrices, 4 for the two layer norms.
    "vit_small_images:build_fashion_mnist": 3_200 + 64 + 17 * 64 + 4 * (12 * 64**2 + 13 * 64) + 128 + 650,
}
OUTPUTS = {
    "chargpt:build_small": [None, 64, 65],
    "chargpt:build_full": [None, 256, 65],
    "vit_small_images:build_fashion_mnist": [None, 10],
}
INPUTS = {
    "chargpt:build_small": [None, 64],
    "chargpt:build_full": [None, 256],
    "vit_small_images:build_fashion_mnist": [None, 28, 28, 1],
}
each_model = pytest.mark.parametrize("model", PARAMETERS)
# The large one takes 20 s and more a backend.
each_model_in_time = pytest.mark.parametrize(
    "model",
    [pytest.param(name, marks=[pytest.mark.nightly] if name == "chargpt:build_full" else []) for name in PARAMETERS],
)


def test_the_counts_by_hand_are_the_published_ones() -> None:
    assert PARAMETERS["chargpt:build_small"] - 64 * 128 == 795_904
    assert PARAMETERS["chargpt:build_full"] - 256 * 384 == 10_646_784


@each_backend
@each_model
def test_it_builds_with_the_parameters_counted_by_hand(frameworks: Any, model: str, backend: str) -> None:
    profile = find_profile(PROFILE_OF[backend])
    found = frameworks(backend).result("architectures.py", "facts", architecture=f"{FOLDER}.{model}", profile=profile)
    assert found["parameters"] == PARAMETERS[model]
    assert found["input"] == [INPUTS[model], "uint8"]
    assert found["output"] == [OUTPUTS[model], "float32"]
    assert len(set(found["names"])) == len(found["names"])
    assert found["random_layers"] == (1 + 3 * 6 if model == "chargpt:build_full" else 0)


def steps(frameworks: Any, backend: str, model: str, **changes: Any) -> Any:
    profile = replace(find_profile(PROFILE_OF[backend]), **changes)
    maximum = 64 if model.startswith("chargpt") else 255
    return frameworks(backend).result(
        "architectures.py", "two_steps", architecture=f"{FOLDER}.{model}", profile=profile, rows=4, maximum=maximum
    )


@pytest.mark.slow
@each_backend
@each_model_in_time
def test_a_step_lowers_the_loss_of_its_batch(frameworks: Any, model: str, backend: str) -> None:
    found = steps(frameworks, backend, model)
    assert found["losses"][1] < found["losses"][0]
    assert found["logits_dtype"] == "float32"


@pytest.mark.slow
@pytest.mark.backend("tensorflow")
@pytest.mark.parametrize("backend", BACKENDS[1:])
@each_model_in_time
def test_backends_agree_on_logits_and_losses(frameworks: Any, model: str, backend: str) -> None:
    found, base = (steps(frameworks, name, model) for name in (backend, "tensorflow"))
    np.testing.assert_allclose(found["losses"], base["losses"], rtol=2e-5)
    np.testing.assert_allclose(found["logits"], base["logits"], atol=2e-5)


@pytest.mark.slow
@each_backend
@pytest.mark.parametrize("model", ["chargpt:build_small", "vit_small_images:build_fashion_mnist"])
def test_in_mixed_precision_the_logits_stay_float32_and_close(frameworks: Any, model: str, backend: str) -> None:
    found = steps(frameworks, backend, model, precision="mixed_bfloat16")
    exact = steps(frameworks, backend, model)
    assert found["logits_dtype"] == "float32"
    assert found["losses"][1] < found["losses"][0]
    np.testing.assert_allclose(found["losses"], exact["losses"], rtol=0.02)


@pytest.mark.slow
@pytest.mark.backend("tensorflow")
@pytest.mark.parametrize("profile", ["cpu_xla", "cpu_mirrored"])
@pytest.mark.parametrize(
    ("model", "maximum", "sizes"),
    [
        pytest.param("chargpt:build_full", 64, {}, marks=pytest.mark.nightly),
        pytest.param("vit_s16:build", 255, {"image_size": 32}, marks=pytest.mark.nightly),  # 20 s to compile each
    ],
)
def test_compiled_or_mirrored_the_same_is_dropped(
    frameworks: Any, model: str, maximum: int, sizes: dict[str, int], profile: str
) -> None:
    """Weights of attention and units in the one, whole examples in the other; each replica has its part of the mask."""
    found, plain = (
        frameworks("tensorflow").result(
            "architectures.py",
            "two_steps",
            architecture=f"{FOLDER}.{model}",
            profile=find_profile(name),
            rows=4,
            maximum=maximum,
            **sizes,
        )
        for name in (profile, "cpu")
    )
    np.testing.assert_allclose(found["losses"], plain["losses"], rtol=2e-5)
