"""GPUs and TPUs as device nodes, /proc, /sys and nvidia-smi show them; no framework takes part."""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/")
NVIDIA_SMI_TIME_LIMIT_SEC = 20.0
_GOOGLE = "0x1ae0"
# PCI device ids of TPU chips, v3 to 7x; Google's network card has the same vendor.
_TPU_CHIPS = {"0x0027", "0x0056", "0x005e", "0x0062", "0x0063", "0x006f", "0x0076"}
_QUERY = ("name", "driver_version", "memory.total", "compute_cap")


@dataclass(frozen=True, kw_only=True)
class Gpu:
    """One GPU; what only nvidia-smi knows is None without it."""

    name: str
    memory_mib: int | None = None
    compute_capability: str | None = None


def nvidia_device_nodes(root: Path = ROOT) -> tuple[str, ...]:
    """`/dev/nvidia0` and so on; WSL 2 shows one node for all."""
    nodes = sorted((n for n in _names(root / "dev") if re.fullmatch(r"nvidia\d+", n)), key=lambda n: int(n[6:]))
    if not nodes and (root / "dev/dxg").exists() and (root / "usr/lib/wsl/lib/libcuda.so.1").exists():
        nodes = ["dxg"]
    return tuple(f"/dev/{name}" for name in nodes)


def tpu_chips(root: Path = ROOT) -> int:
    """TPU chips of this host: /dev/accel0 and so on, or /dev/vfio with TPU chips on the PCI bus."""
    accel = sum(1 for name in _names(root / "dev") if re.fullmatch(r"accel\d+", name))
    if accel or not any(name.isdigit() for name in _names(root / "dev/vfio")):
        return accel
    devices = [root / "sys/bus/pci/devices" / name for name in _names(root / "sys/bus/pci/devices")]
    return sum(1 for d in devices if _text(d / "vendor") == _GOOGLE and _text(d / "device") in _TPU_CHIPS)


def nvidia_driver(root: Path = ROOT) -> str | None:
    """The kernel module's version from /proc/driver/nvidia/version."""
    found = re.search(r"Kernel Module.*?\s(\d+\.\d+(?:\.\d+)?)\b", _text(root / "proc/driver/nvidia/version"))
    return found[1] if found else None


def nvidia_gpus(root: Path = ROOT, *, environ: Mapping[str, str]) -> tuple[tuple[Gpu, ...], str | None]:
    """GPUs and driver version; empty without a device node, so that nvidia-smi runs only where there is a GPU."""
    nodes = nvidia_device_nodes(root)
    if not nodes:
        return (), nvidia_driver(root)
    gpus, driver = parse_nvidia_smi(_nvidia_smi(environ))
    if not gpus:
        folder = root / "proc/driver/nvidia/gpus"
        said = [re.search(r"^Model:\s*(.+)$", _text(folder / n / "information"), re.MULTILINE) for n in _names(folder)]
        gpus = tuple(Gpu(name=model[1].strip()) for model in said if model) or tuple(Gpu(name="unknown") for _ in nodes)
    return gpus, nvidia_driver(root) or driver


def parse_nvidia_smi(text: str) -> tuple[tuple[Gpu, ...], str | None]:
    """GPUs and driver version from `nvidia-smi --query-gpu=... --format=csv,noheader,nounits`."""
    rows = [row for row in csv.reader(text.splitlines(), skipinitialspace=True) if len(row) == len(_QUERY)]
    gpus = tuple(
        Gpu(
            name=name,
            memory_mib=int(memory) if memory.isdigit() else None,
            compute_capability=capability if re.fullmatch(r"\d+\.\d+", capability) else None,
        )
        for name, _, memory, capability in rows
    )
    return gpus, rows[0][1] if rows else None


def _nvidia_smi(environ: Mapping[str, str]) -> str:
    program = shutil.which("nvidia-smi", path=environ.get("PATH"))
    if program is None:
        return ""
    try:
        done = subprocess.run(
            [program, f"--query-gpu={','.join(_QUERY)}", "--format=csv,noheader,nounits"],
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=NVIDIA_SMI_TIME_LIMIT_SEC,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def _names(folder: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in folder.iterdir())
    except OSError:
        return []


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
