"""The environment variables of a child: the user's own, the profile's, and those that the harness owns."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from trainband.platforms.profiles import Profile

_JAX_PLATFORMS = {"cpu": "cpu", "gpu": "cuda", "tpu": "tpu"}
_DROPPED = ("PYTHONHOME", "PYTHONSTARTUP", "PYTHONPATH", "VIRTUAL_ENV", "KERAS_BACKEND", "TF_USE_LEGACY_KERAS")


def child_environment(profile: Profile, environ: Mapping[str, str], *, stage: Path, keras_home: Path) -> dict[str, str]:
    """What a child of `profile` sees.

    Args:
      environ: the parent's variables.
      stage: directory that holds the staged package.
      keras_home: an empty directory: a user's keras.json must not change dtypes or epsilon.
    """
    child = {name: value for name, value in environ.items() if name not in _DROPPED}
    child.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    child.update(profile.env)
    child.update(
        PYTHONPATH=str(stage),
        PYTHONHASHSEED="0",
        PYTHONUNBUFFERED="1",
        KERAS_BACKEND=profile.backend,
        KERAS_HOME=str(keras_home),
    )
    if profile.device == "cpu":
        child["CUDA_VISIBLE_DEVICES"] = "-1"
    if profile.backend == "jax":
        child["JAX_ENABLE_X64"] = str(int(profile.precision == "float64"))
        child["JAX_PLATFORMS"] = _JAX_PLATFORMS[profile.device]
    if profile.deterministic and profile.backend == "torch":
        child["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
    return child
