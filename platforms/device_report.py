"""What a framework says about itself and its devices: `python -m trainband.platforms.device_report BACKEND`.

It imports the framework, so it runs in a child. The standard library alone is imported above the functions: the file's
text is also handed to interpreters that have nothing of this package (`read_device_report`).
"""

from __future__ import annotations

import json
import os
import sys
from importlib import metadata
from typing import Any

DEVICE_REPORT_TIME_LIMIT_SEC = 180.0


def framework_build_info(backend: str) -> dict[str, Any]:
    """Versions and build options of `backend`, Keras and NumPy, JSON-safe.

    It imports the framework, and starts JAX's runtime: a fork server calls it after the fork.
    """
    return {"backend": backend, "keras": _version("keras"), "numpy": _version("numpy"), **_BUILD_INFO[backend]()}


def devices(backend: str) -> list[dict[str, Any]]:
    """The devices that `backend` sees, JSON-safe: kind, name, and memory where it is said."""
    return _DEVICES[backend]()


def device_report(backend: str) -> dict[str, Any]:
    """Build info and devices of `backend`."""
    return {"build": framework_build_info(backend), "devices": devices(backend)}


def main(arguments: list[str]) -> int:
    """Prints the report of the backend in `arguments` as one line of JSON."""
    if len(arguments) != 1 or arguments[0] not in _BUILD_INFO:
        sys.stderr.write(f"usage: device_report BACKEND, one of {', '.join(_BUILD_INFO)}; got {arguments}\n")
        return 2
    answer = os.dup(1)
    os.dup2(2, 1)  # what a framework prints while it starts must not stand in the answer
    text = json.dumps(device_report(arguments[0]))
    with os.fdopen(answer, "w") as stream:
        stream.write(text + "\n")
    return 0


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _plain(value: Any) -> Any:
    """A JSON-safe copy; what JSON does not know becomes its text."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    return str(value)


def _tensorflow_build() -> dict[str, Any]:
    import tensorflow as tf

    return {
        "version": tf.__version__,
        "git_version": str(tf.version.GIT_VERSION),
        "compiler": str(tf.version.COMPILER_VERSION),
        "build": _plain(dict(tf.sysconfig.get_build_info())),
        "onednn_opts": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "default"),
    }


def _tensorflow_devices() -> list[dict[str, Any]]:
    import tensorflow as tf

    return [
        {"kind": d.device_type.lower(), "name": d.name, **_plain(tf.config.experimental.get_device_details(d))}
        for d in tf.config.list_physical_devices()
    ]


def _jax_build() -> dict[str, Any]:
    import jax

    return {
        "version": jax.__version__,
        "jaxlib": _version("jaxlib"),
        "platform": jax.default_backend(),
        "platform_version": str(jax.devices()[0].client.platform_version),
    }


def _jax_devices() -> list[dict[str, Any]]:
    import jax

    return [{"kind": d.platform, "name": d.device_kind, "id": d.id} for d in jax.devices()]


def _torch_build() -> dict[str, Any]:
    import torch

    return {
        "version": torch.__version__,
        "git_version": torch.version.git_version,
        "cuda": torch.version.cuda,
        "hip": torch.version.hip,
        "cudnn": torch.backends.cudnn.version(),
        "config": torch.__config__.show(),
        "threading": torch.__config__.parallel_info(),
    }


def _torch_devices() -> list[dict[str, Any]]:
    import torch

    found: list[dict[str, Any]] = [{"kind": "cpu", "name": "cpu"}]
    for index in range(torch.cuda.device_count()):
        said = torch.cuda.get_device_properties(index)
        capability = f"{said.major}.{said.minor}"
        found.append(
            {"kind": "gpu", "name": said.name, "memory_bytes": said.total_memory, "compute_capability": capability}
        )
    return found


_BUILD_INFO = {"tensorflow": _tensorflow_build, "jax": _jax_build, "torch": _torch_build}
_DEVICES = {"tensorflow": _tensorflow_devices, "jax": _jax_devices, "torch": _torch_devices}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
