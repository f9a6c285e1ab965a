"""The host and software behind a run, as a reader wants to know them."""

from __future__ import annotations

from trainband.results.pages.formats import size
from trainband.results.records import Record, mapping_of


def host_facts(record: Record) -> dict[str, str]:
    """What a reader wants to know of the host and software behind `record`."""
    mark = record.fingerprint
    cpu, memory, system = (mapping_of(mark.get(key)) for key in ("cpu", "memory", "system"))
    python, accelerators = mapping_of(mark.get("python")), mapping_of(mark.get("accelerators"))
    versions = mapping_of(mapping_of(mark.get("framework")).get("versions"))
    total = memory.get("usable_bytes")
    gpus = [str(mapping_of(gpu).get("name")) for gpu in accelerators.get("gpus") or ()]
    facts = {
        "Host class": record.host_class,
        "Processor": cpu.get("model_name"),
        "Usable cores": cpu.get("usable_cores"),
        "Memory": size(total) if isinstance(total, int | float) else None,
        "GPUs": ", ".join(gpus) or None,
        "System": " ".join(str(system[key]) for key in ("distribution", "kernel") if system.get(key)) or None,
        "Python": python.get("version"),
        "Frameworks": ", ".join(f"{name} {version}" for name, version in versions.items()) or None,
    }
    return {name: str(value) for name, value in facts.items() if value is not None}
