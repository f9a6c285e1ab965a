"""Which environment variables count: those the harness owns, those worth recording, those never written down."""

from __future__ import annotations

import re
from collections.abc import Mapping

LEFT_OUT = "(left out)"

_BY_KEY = {
    "KERAS_BACKEND": "backend",
    "OMP_NUM_THREADS": "threads",
    "MKL_NUM_THREADS": "threads",
    "OPENBLAS_NUM_THREADS": "threads",
    "TF_NUM_INTRAOP_THREADS": "threads",
    "TF_NUM_INTEROP_THREADS": "threads",
    "CUDA_VISIBLE_DEVICES": "device",
    "JAX_PLATFORMS": "device",
    "JAX_PLATFORM_NAME": "device",
    "TF_DETERMINISTIC_OPS": "deterministic",
}
_BY_HARNESS = {
    "KERAS_HOME": "each run gets its own, so that no personal keras.json takes part",
    "PYTHONHASHSEED": "it is fixed for every run",
    "PYTHONPATH": "it leads to the staged code",
}
# Terraform names its variables TF_VAR_*, TF_CLI_* and TF_TOKEN_*: not TensorFlow's, and often secret.
_RECORDED = re.compile(
    r"(TF(?!_VAR_|_CLI_|_TOKEN_)|XLA|OMP|KMP|MKL|OPENBLAS|KERAS|CUDA|CUBLAS|NVIDIA|JAX|TORCH|PYTORCH|ONEDNN|DNNL|TPU|NCCL|GOMP|MALLOC)_"
    r"|LD_PRELOAD$|LD_LIBRARY_PATH$|PYTHONHASHSEED$"
)
_SECRET = re.compile(r"TOKEN|SECRET|KEY|PASSW|CREDENTIAL", re.IGNORECASE)
_USER_IN_URL = re.compile(r"://[^/@\s]+@")


def owner(name: str) -> str | None:
    """Why a profile may not set the variable `name`; None where it may."""
    if name in _BY_KEY:
        return f"the key {_BY_KEY[name]!r} decides it"
    if name in _BY_HARNESS:
        return _BY_HARNESS[name]
    if name.startswith("TRAINBAND_"):
        return "variables named TRAINBAND_* speak to the harness"
    return None


def is_secret(name: str) -> bool:
    """Whether the value of `name` must not reach a record."""
    return _SECRET.search(name) is not None


def recorded(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that can change a result, sorted; secrets keep their name and lose their value."""
    return {
        name: LEFT_OUT if is_secret(name) else _USER_IN_URL.sub(f"://{LEFT_OUT}@", environ[name])
        for name in sorted(environ)
        if _RECORDED.match(name)
    }
