"""What a run was made with, in a few short texts: enough to say between which two nights a version changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from trainband.results.records import Record, mapping_of

OTHER_PACKAGES = "other packages"


def environment_of(record: Record) -> dict[str, str]:
    """Name -> version: Python, the framework's parts, a GPU's driver, trainband, and a digest of all other packages."""
    mark = record.fingerprint
    versions = {
        str(name): str(value) for name, value in mapping_of(mapping_of(mark.get("framework")).get("versions")).items()
    }
    found = {
        "python": mapping_of(mark.get("python")).get("version"),
        **versions,
        "driver": mapping_of(mark.get("accelerators")).get("nvidia_driver"),
        "trainband": record.trainband_version,
        OTHER_PACKAGES: _digest(mapping_of(mark.get("distributions")), set(versions)),
    }
    return {name: str(value) for name, value in found.items() if value}


def changes_between(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """What differs, a text each, such as `keras 3.15.0 to 3.15.1`."""
    names = [name for name in dict.fromkeys([*before, *after]) if before.get(name) != after.get(name)]
    return [
        name if name == OTHER_PACKAGES else f"{name} {before.get(name, 'none')} to {after.get(name, 'none')}"
        for name in names
    ]


def _digest(distributions: Mapping[str, Any], apart: set[str]) -> str | None:
    others = {name: version for name, version in sorted(distributions.items()) if name not in apart}
    return hashlib.sha256(json.dumps(others).encode()).hexdigest()[:12] if others else None
