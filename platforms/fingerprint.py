"""The fingerprint: everything about host, software and source that can move a result, as one JSON-safe document."""

from __future__ import annotations

import dataclasses
import os
import platform
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from trainband.platforms import environment_variables
from trainband.platforms.accelerators import nvidia_gpus, tpu_chips
from trainband.platforms.cgroup import cpu_quota, memory_limit_bytes, usable_cores
from trainband.platforms.cpu import instruction_digest, read_cpu
from trainband.platforms.git_state import git_state
from trainband.platforms.interpreters import Interpreter, describe_interpreter

FINGERPRINT_VERSION = 1
ROOT = Path("/")
CHECKOUT = Path(__file__).resolve().parent.parent
_CUDA_LIBRARIES = ("cuda-runtime", "cudnn", "cublas", "nccl", "cuda-nvcc")


def collect(
    *,
    environ: Mapping[str, str],
    interpreter: Interpreter | None = None,
    root: Path = ROOT,
    checkout: Path = CHECKOUT,
) -> dict[str, Any]:
    """The fingerprint of this host for one interpreter; a sweep takes it once, in the parent.

    Args:
      environ: the variables that the training child will see.
      interpreter: the one that trains; by default the one that runs this.
      root: where /dev, /proc and /sys are looked for.
      checkout: trainband's own folder; its git state is recorded where it is the top of a repository.
    """
    python = describe_interpreter() if interpreter is None else interpreter
    return {
        "version": FINGERPRINT_VERSION,
        "cpu": _cpu(root),
        "memory": _memory(root),
        "accelerators": _accelerators(root, environ),
        "cuda": _cuda(python.distributions),
        "system": _system(root),
        "container": container_hints(root, environ=environ),
        "python": {
            "version": python.version,
            "implementation": python.implementation,
            "executable": python.executable,
        },
        "distributions": dict(python.distributions),
        "environment": environment_variables.recorded(environ),
        "git": git_state(checkout, environ=environ),
    }


def container_hints(root: Path = ROOT, *, environ: Mapping[str, str]) -> list[str]:
    """Signs of a container, such as `docker` or `kubernetes`; empty on a bare host or in a virtual machine."""
    hints = {
        "docker": (root / ".dockerenv").exists(),
        "podman": (root / "run/.containerenv").exists(),
        "kubernetes": "KUBERNETES_SERVICE_HOST" in environ,
        "apptainer": "APPTAINER_CONTAINER" in environ or "SINGULARITY_CONTAINER" in environ,
    }
    groups = _text(root / "proc/self/cgroup") + _text(root / "proc/1/cgroup")
    for word, kind in (("docker", "docker"), ("libpod", "podman"), ("kubepods", "kubernetes"), ("/lxc", "lxc")):
        hints[kind] = hints.get(kind, False) or word in groups
    if environ.get("container"):
        hints[environ["container"]] = True
    return sorted(kind for kind, found in hints.items() if found)


def _cpu(root: Path) -> dict[str, Any]:
    cpu = read_cpu(root)
    return {
        **dataclasses.asdict(cpu),
        "flags": list(cpu.flags),
        "instruction_digest": instruction_digest(cpu.flags),
        "architecture": platform.machine(),
        "physical_cores": psutil.cpu_count(logical=False),
        "logical_cores": psutil.cpu_count(logical=True),
        "usable_cores": usable_cores(root),
        "cgroup_quota_cores": cpu_quota(root),
        "governor": _text(root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor") or None,
        "smt": _text(root / "sys/devices/system/cpu/smt/control") or None,
    }


def _memory(root: Path) -> dict[str, Any]:
    limit = memory_limit_bytes(root)
    total = int(psutil.virtual_memory().total)
    return {
        "total_bytes": total,
        "cgroup_limit_bytes": limit,
        "usable_bytes": total if limit is None else min(total, limit),
        "transparent_hugepage": _text(root / "sys/kernel/mm/transparent_hugepage/enabled") or None,
    }


def _accelerators(root: Path, environ: Mapping[str, str]) -> dict[str, Any]:
    gpus, driver = nvidia_gpus(root, environ=environ)
    return {
        "gpus": [dataclasses.asdict(gpu) for gpu in gpus],
        "nvidia_driver": driver,
        "tpu_chips": tpu_chips(root),
        "tpu_type": environ.get("TPU_ACCELERATOR_TYPE") or environ.get("ACCELERATOR_TYPE"),
    }


def _cuda(distributions: Mapping[str, str]) -> dict[str, str]:
    """Versions of NVIDIA's libraries as wheels; `nvidia-cudnn-cu12` stands under `cudnn-cu12`."""
    pattern = re.compile(rf"nvidia-((?:{'|'.join(_CUDA_LIBRARIES)})(?:-cu\d+)?)")
    found = ((pattern.fullmatch(name), version) for name, version in distributions.items())
    return {match[1]: version for match, version in found if match}


def _system(root: Path) -> dict[str, Any]:
    release = platform.uname()
    said = dict(re.findall(r'^(ID|VERSION_ID)="?([^"\n]*)"?$', _text(root / "etc/os-release"), re.MULTILINE))
    return {
        "system": release.system,
        "kernel": release.release,
        "kernel_build": release.version,
        "distribution": " ".join(said[key] for key in ("ID", "VERSION_ID") if key in said) or None,
        "libc": _libc(),
    }


def _libc() -> str | None:
    try:
        return os.confstr("CS_GNU_LIBC_VERSION")
    except (AttributeError, ValueError, OSError):
        return None


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
