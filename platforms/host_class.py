"""The host class: throughput is compared between runs of one class and never across two."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

_GIB = 1 << 30


def host_class(fingerprint: Mapping[str, Any]) -> str:
    """A stable, readable id such as `intel-6-143-8-1a2b3c4d-2c-16g` or `amd-25-1-1-5e6f7a8b-16c-64g-H200x1-drv580.95.05`.

    Its parts are CPU vendor, family, model, stepping, digest of the instruction flags, usable cores, memory, and where
    there is an accelerator its name x count and driver. Kernel, software and environment stay out of it.
    """
    cpu, accelerators = fingerprint["cpu"], fingerprint["accelerators"]
    parts = [
        *(_word(cpu[key]) for key in ("vendor", "family", "model", "stepping")),
        cpu["instruction_digest"],
        f"{cpu['usable_cores']}c",
        f"{memory_gib(fingerprint['memory']['usable_bytes'])}g",
    ]
    names = Counter(_word(_short(gpu["name"])) for gpu in accelerators["gpus"])
    parts += [f"{name}x{count}" for name, count in sorted(names.items())]
    if names and accelerators["nvidia_driver"]:
        parts.append(f"drv{accelerators['nvidia_driver']}")
    if accelerators["tpu_chips"]:
        parts.append(f"{_word(accelerators['tpu_type'] or 'tpu')}x{accelerators['tpu_chips']}")
    return "-".join(parts)


def memory_gib(usable_bytes: int) -> int:
    """The largest power of two GiB that is not above `usable_bytes`, at least 1.

    A host sold with 16 GiB shows its kernel about 15.6, so its class says 8; what counts is that it always says so.
    """
    return 1 << (max(1, usable_bytes // _GIB).bit_length() - 1)


def _short(name: str) -> str:
    return re.sub(r"^(NVIDIA|Tesla|GeForce)\s+", "", re.sub(r"^NVIDIA\s+", "", name))


def _word(text: str) -> str:
    """Letters, digits, dots and underscores: dashes part the id, and the id is also a file's name."""
    return re.sub(r"[^A-Za-z0-9._]+", "_", text).strip("_") or "unknown"
