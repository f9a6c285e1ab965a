"""The processor as /proc/cpuinfo states it, on x86 and Arm."""

from __future__ import annotations

import hashlib
import platform
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/")
_VENDORS = {"GenuineIntel": "intel", "AuthenticAMD": "amd", "0x41": "arm", "0x61": "apple", "0xc0": "ampere"}
_INSTRUCTIONS = re.compile(
    r"(mmx|sse|ssse|pni|avx|amx|fma|f16c|bmi|abm|popcnt|movbe|adx|aes|vaes|pclmul|vpclmul|sha|gfni"
    r"|asimd|fp$|fphp|neon|sve|sme|bf16|i8mm|dotprod|atomics|crc32)"
)


@dataclass(frozen=True, kw_only=True)
class Cpu:
    """One processor package; numbers stay text, since Arm writes them in hexadecimal."""

    vendor: str
    family: str
    model: str
    stepping: str
    model_name: str
    microcode: str
    flags: tuple[str, ...]


def read_cpu(root: Path = ROOT) -> Cpu:
    """The first processor of the host; `unknown` stands where the kernel says nothing."""
    try:
        block = (root / "proc/cpuinfo").read_text().partition("\n\n")[0]
    except OSError:
        block = ""
    said = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in block.splitlines())}

    def first(*keys: str) -> str:
        return next((said[key] for key in keys if said.get(key)), "unknown")

    vendor = first("vendor_id", "CPU implementer")
    return Cpu(
        vendor=_VENDORS.get(vendor, vendor.lower()),
        family=first("cpu family", "CPU architecture"),
        model=first("model", "CPU part"),
        stepping=first("stepping", "CPU revision"),
        model_name=said.get("model name") or platform.processor() or platform.machine() or "unknown",
        microcode=first("microcode"),
        flags=tuple(sorted(first("flags", "Features").replace("unknown", "").split())),
    )


def instruction_digest(flags: Iterable[str]) -> str:
    """8 hex digits over the flags that name instructions.

    Flags about mitigations and power come and go with kernel and microcode while the arithmetic stays, so they are
    left out: a host keeps its class over an upgrade of its kernel.
    """
    names = sorted({flag for flag in flags if _INSTRUCTIONS.match(flag)})
    return hashlib.sha256(" ".join(names).encode()).hexdigest()[:8]
