"""Whether a profile can run on a host, and in one sentence why not. Pure: the host comes in as a value."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from trainband.platforms.host_facts import HostFacts
from trainband.platforms.profile_spec import Profile

# The distributions that bring a backend; one name of each inner tuple must be there.
NEEDED = {
    "tensorflow": (
        ("tensorflow", "tensorflow-cpu", "tensorflow-intel", "tensorflow-tpu", "tf-nightly"),
        ("keras", "keras-nightly"),
    ),
    "jax": (("jax",), ("jaxlib",), ("keras", "keras-nightly")),
    "torch": (("torch",), ("keras", "keras-nightly")),
}
_BFLOAT16_FLAGS = ("avx512_bf16", "amx_bf16", "bf16")


@dataclass(frozen=True, kw_only=True)
class Availability:
    """The answer of a probe; `devices` counts what the profile would train on, 0 where it cannot."""

    available: bool
    reason: str
    devices: int


def probe(profile: Profile, *, host: HostFacts) -> Availability:
    """Whether `profile` can run on `host`, decided without importing a framework.

    What only the framework can tell (a driver too old, a device busy) shows when a run starts; see `device_report`.
    """
    reason = _missing_backend(profile, host) or _missing_cores(profile, host)
    if reason is not None:
        return Availability(available=False, reason=reason, devices=0)
    return _DEVICES[profile.device](profile, host)


def _missing_backend(profile: Profile, host: HostFacts) -> str | None:
    way_out = f"pip install 'trainband[{profile.backend}]'"
    for names in NEEDED[profile.backend]:
        if not any(name in host.distributions for name in names):
            missing = "Keras" if "keras" in names else f"backend {profile.backend}"
            detail = "" if names[0] in (profile.backend, "keras") else f" ({names[0]} is missing)"
            return f"{missing} is not installed{detail} ({way_out})"
    keras = host.distributions.get("keras", "")
    if keras.startswith("2.") and profile.backend != "tensorflow":
        return f"backend {profile.backend} needs Keras 3, and Keras {keras} is installed"
    return None


def _missing_cores(profile: Profile, host: HostFacts) -> str | None:
    if profile.threads is not None and profile.threads > host.usable_cores:
        return f"{profile.threads} cores needed, {host.usable_cores} usable"
    return None


def _cpu(profile: Profile, host: HostFacts) -> Availability:
    cores = profile.threads or host.usable_cores
    devices = profile.virtual_devices or 1
    reason = f"{_counted(cores, 'core')}"
    if devices > 1:
        reason += f" as {devices} logical CPUs"
    if profile.precision == "mixed_bfloat16" and not any(flag in host.cpu_flags for flag in _BFLOAT16_FLAGS):
        reason += "; bfloat16 is emulated (the CPU has neither avx512_bf16 nor amx_bf16)"
    return Availability(available=True, reason=reason, devices=devices)


def _gpu(profile: Profile, host: HostFacts) -> Availability:
    present, visible = len(host.nvidia_devices), host.visible_gpus
    needed = 1 if profile.count == "all" else profile.count
    if present == 0:
        reason = "no NVIDIA GPU found (no /dev/nvidia0)"
    elif visible == 0:
        reason = f"CUDA_VISIBLE_DEVICES={host.cuda_visible_devices!r} hides every GPU ({present} found)"
    elif visible < needed:
        reason = f"{_counted(needed, 'GPU')} needed, {visible} visible ({present} found)"
    else:
        reason = _NO_CUDA[profile.backend](host) or ""
    if reason:
        return Availability(available=False, reason=reason, devices=0)
    devices = visible if profile.count == "all" else profile.count
    driver = f", driver {host.nvidia_driver}" if host.nvidia_driver else ""
    return Availability(
        available=True, reason=f"{devices} of {_counted(visible, 'NVIDIA GPU')}{driver}", devices=devices
    )


def _tpu(profile: Profile, host: HostFacts) -> Availability:
    if host.tpu_chips == 0 and host.tpu_name is None:
        reason = "no TPU found (no /dev/accel0, no TPU chip behind /dev/vfio, TPU_NAME not set)"
        return Availability(available=False, reason=reason, devices=0)
    remote = profile.backend == "tensorflow" and host.tpu_name is not None
    if not remote and host.tpu_chips == 0:
        reason = (
            f"TPU_NAME={host.tpu_name!r} is reached over the network, and backend {profile.backend} needs a local TPU"
        )
        return Availability(available=False, reason=reason, devices=0)
    if not remote and not any(name in host.distributions for name in ("libtpu", "libtpu-nightly", "tensorflow-tpu")):
        extra = "jax[tpu]" if profile.backend == "jax" else "tensorflow-tpu"
        reason = f"libtpu is not installed for backend {profile.backend} (pip install '{extra}')"
        return Availability(available=False, reason=reason, devices=0)
    chips = max(1, host.tpu_chips)
    needed = 1 if profile.count == "all" else profile.count
    if chips < needed:
        return Availability(available=False, reason=f"{_counted(needed, 'TPU chip')} needed, {chips} found", devices=0)
    devices = chips if profile.count == "all" else profile.count
    where = f"TPU {host.tpu_name!r}" if host.tpu_name and not host.tpu_chips else _counted(chips, "TPU chip")
    return Availability(available=True, reason=where, devices=devices)


def _no_cuda_for_tensorflow(host: HostFacts) -> str | None:
    installed = host.distributions
    builds = ("tensorflow", "tf-nightly")
    if not any(name in installed for name in builds):
        name = next(name for name in NEEDED["tensorflow"][0] if name in installed)
        return f"{name} {installed[name]} has no GPU support (pip install 'tensorflow[and-cuda]')"
    if not host.system_cudnn and not _has(host, r"nvidia-cudnn(-cu\d+)?"):
        return "tensorflow finds no cuDNN (pip install 'tensorflow[and-cuda]')"
    return None


def _no_cuda_for_jax(host: HostFacts) -> str | None:
    if _has(host, r"jax-cuda\d+-plugin") or "+cuda" in host.distributions["jaxlib"]:
        return None
    return "jax has no CUDA plugin (pip install 'jax[cuda13]' or 'jax[cuda12]', as the driver allows)"


def _no_cuda_for_torch(host: HostFacts) -> str | None:
    version = host.distributions["torch"]
    _, _, local = version.partition("+")
    if local.startswith("cu") or (not local and (host.system_cudnn or _has(host, r"nvidia-cudnn(-cu\d+)?"))):
        return None
    return f"torch {version} is not a CUDA build (pip install torch from an index with CUDA builds)"


def _has(host: HostFacts, pattern: str) -> bool:
    return any(re.fullmatch(pattern, name) for name in host.distributions)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


_DEVICES: dict[str, Callable[[Profile, HostFacts], Availability]] = {"cpu": _cpu, "gpu": _gpu, "tpu": _tpu}
_NO_CUDA: dict[str, Callable[[HostFacts], str | None]] = {
    "tensorflow": _no_cuda_for_tensorflow,
    "jax": _no_cuda_for_jax,
    "torch": _no_cuda_for_torch,
}
