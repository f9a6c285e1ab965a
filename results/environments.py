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
    packages = mapping_of(mark.get("distributions"))
    imported = mapping_of(mapping_of(mark.get("framework")).get("versions"))
    versions = {str(name): _version(str(value), packages.get(name)) for name, value in imported.items()}
    found = {
        "python": mapping_of(mark.get("python")).get("version"),
        **versions,
        "driver": mapping_of(mark.get("accelerators")).get("nvidia_driver"),
        "trainband": record.trainband_version,
        OTHER_PACKAGES: _digest(packages, set(versions)),
    }
    return {name: str(value) for name, value in found.items() if value}


def _version(imported: str, packaged: Any) -> str:
    """A framework's version, the longer of the two that tell it: a local build says `3.15.1+ours` in its package alone."""
    if packaged is None or imported.startswith(str(packaged)):
        return imported
    return str(packaged) if str(packaged).startswith(imported) else f"{imported} (package {packaged})"


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
