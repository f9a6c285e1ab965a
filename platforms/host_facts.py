"""The host as probes see it: one value, gathered once from files, so that a probe is a pure function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from trainband.platforms.accelerators import nvidia_device_nodes, nvidia_driver, tpu_chips
from trainband.platforms.cgroup import usable_cores
from trainband.platforms.cpu import read_cpu
from trainband.platforms.interpreters import installed_distributions

ROOT = Path("/")
_LIBRARY_FOLDERS = ("usr/local/cuda/lib64", "usr/lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu", "usr/lib64")


@dataclass(frozen=True, kw_only=True)
class HostFacts:
    """What decides whether a profile can run here.

    Attributes:
      nvidia_devices: device nodes such as `/dev/nvidia0`.
      cuda_visible_devices: the variable as it stands; None where it is not set.
      system_cudnn: cuDNN is installed for the whole host, outside any Python environment.
      tpu_chips: TPU chips attached to this host.
      tpu_name: a TPU reached over the network (TPU_NAME).
      distributions: name -> version in the interpreter that would train.
    """

    usable_cores: int
    cpu_flags: tuple[str, ...] = ()
    nvidia_devices: tuple[str, ...] = ()
    nvidia_driver: str | None = None
    cuda_visible_devices: str | None = None
    system_cudnn: bool = False
    tpu_chips: int = 0
    tpu_name: str | None = None
    distributions: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def visible_gpus(self) -> int:
        """GPUs that CUDA shows: it stops reading CUDA_VISIBLE_DEVICES at the first entry that is not a device."""
        if self.cuda_visible_devices is None:
            return len(self.nvidia_devices)
        count = 0
        for entry in (entry.strip() for entry in self.cuda_visible_devices.split(",")):
            by_number = entry.isdecimal() and int(entry) < len(self.nvidia_devices)
            if not by_number and not entry.startswith(("GPU-", "MIG-")):
                break
            count += 1
        return count


def gather_host_facts(
    *,
    environ: Mapping[str, str],
    python: str | None = None,
    root: Path = ROOT,
    distributions: Mapping[str, str] | None = None,
) -> HostFacts:
    """The facts of this host for the interpreter at `python`, by default the one that runs this.

    Args:
      root: where /dev, /proc, /sys and /usr are looked for.
      distributions: what that interpreter has installed, where it is known already.

    Raises:
      InterpreterError: `python` does not answer.
    """
    return HostFacts(
        usable_cores=usable_cores(root),
        cpu_flags=read_cpu(root).flags,
        nvidia_devices=nvidia_device_nodes(root),
        nvidia_driver=nvidia_driver(root),
        cuda_visible_devices=environ.get("CUDA_VISIBLE_DEVICES"),
        system_cudnn=_has_cudnn(root, environ),
        tpu_chips=tpu_chips(root),
        tpu_name=environ.get("TPU_NAME") or None,
        distributions=installed_distributions(python) if distributions is None else distributions,
    )


def _has_cudnn(root: Path, environ: Mapping[str, str]) -> bool:
    listed = [Path(entry) for entry in environ.get("LD_LIBRARY_PATH", "").split(":") if entry]
    folders = [*(root / name for name in _LIBRARY_FOLDERS), *listed]
    return any(next(folder.glob("libcudnn.so*"), None) is not None for folder in folders)
