"""The package's code as a plain tree for the child's PYTHONPATH, so that nothing is installed into its environment."""

from __future__ import annotations

import hashlib
import importlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_ROOTS = ("trainband", "trainband.benchmarks", "trainband.models", "trainband.platforms", "trainband.results")


@cache
def stage(cache_root: Path) -> Path:
    """A directory whose only entry is a copy of `trainband`, keyed by the digest of its sources.

    The same sources are copied once; a copy appears whole or not at all. A process looks at its sources once: what is
    edited meanwhile does not reach runs of the same sweep.
    """
    sources = sorted(_sources())
    digest = hashlib.sha256()
    for name, path in sources:
        digest.update(f"{name}\n{path.stat().st_size}\n".encode())
        digest.update(path.read_bytes())
    target = cache_root / "stage" / digest.hexdigest()[:16]
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=target.parent))
    for name, path in sources:
        copy = partial / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    try:
        os.rename(partial, target)
    except OSError:
        shutil.rmtree(partial, ignore_errors=True)
        if not target.is_dir():
            raise
    return target


def _sources() -> Iterator[tuple[str, Path]]:
    for root in _ROOTS:
        folder = Path(next(iter(importlib.import_module(root).__path__)))
        prefix = Path(*root.split("."))
        for path in folder.rglob("*.py"):
            relative = path.relative_to(folder)
            if root != "trainband" or len(relative.parts) == 1:
                yield str(prefix / relative), path
