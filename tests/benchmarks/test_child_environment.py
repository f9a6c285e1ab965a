from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from trainband.benchmarks.child_environment import child_environment
from trainband.platforms.profiles import Profile, find_profile, load_profiles

PROFILES = load_profiles()


def environment(profile: Profile, **environ: str) -> dict[str, str]:
    return child_environment(profile, environ, stage=Path("/stage"), keras_home=Path("/keras"))


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_what_the_harness_owns_is_set_on_every_profile(profile: Profile) -> None:
    found = environment(profile, KERAS_BACKEND="junk", PYTHONPATH="/mine", KERAS_HOME="/home/me/.keras")
    assert found["KERAS_BACKEND"] == profile.backend
    assert (found["PYTHONPATH"], found["KERAS_HOME"]) == ("/stage", "/keras")
    assert found["PYTHONHASHSEED"] == "0"


@pytest.mark.parametrize("name", ["PYTHONHOME", "PYTHONSTARTUP", "VIRTUAL_ENV", "TF_USE_LEGACY_KERAS"])
def test_what_would_change_the_interpreter_or_the_framework_is_dropped(name: str) -> None:
    assert name not in environment(find_profile("cpu"), **{name: "something"})


def test_the_rest_of_the_users_environment_goes_along_and_the_profiles_own_goes_before_it() -> None:
    profile = replace(find_profile("cpu"), env={"XLA_FLAGS": "--ours", "TF_CPP_MIN_LOG_LEVEL": "0"})
    found = environment(profile, LD_LIBRARY_PATH="/cuda", XLA_FLAGS="--theirs", TF_CPP_MIN_LOG_LEVEL="3")
    assert (found["LD_LIBRARY_PATH"], found["XLA_FLAGS"], found["TF_CPP_MIN_LOG_LEVEL"]) == ("/cuda", "--ours", "0")
    assert environment(find_profile("cpu"), TF_CPP_MIN_LOG_LEVEL="3")["TF_CPP_MIN_LOG_LEVEL"] == "3"
    assert environment(find_profile("cpu"))["TF_CPP_MIN_LOG_LEVEL"] == "2"


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        ("cpu", {"CUDA_VISIBLE_DEVICES": "-1"}),
        ("cpu_jax", {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}),
        ("gpu", {"CUDA_VISIBLE_DEVICES": "1"}),
        ("gpu_jax", {"CUDA_VISIBLE_DEVICES": "1", "JAX_PLATFORMS": "cuda"}),
        ("tpu_jax", {"JAX_PLATFORMS": "tpu"}),
        ("cpu_deterministic_torch", {"CUBLAS_WORKSPACE_CONFIG": ":4096:8"}),
    ],
)
def test_a_child_sees_the_devices_of_its_profile_and_no_others(profile: str, expected: dict[str, str]) -> None:
    found = environment(find_profile(profile), CUDA_VISIBLE_DEVICES="1")
    assert expected.items() <= found.items()
    assert ("CUBLAS_WORKSPACE_CONFIG" in found) == ("CUBLAS_WORKSPACE_CONFIG" in expected)


def test_the_parents_environment_is_left_as_it_was() -> None:
    environ = {"KERAS_BACKEND": "junk"}
    child_environment(find_profile("cpu"), environ, stage=Path("/stage"), keras_home=Path("/keras"))
    assert environ == {"KERAS_BACKEND": "junk"}
