"""Writing prepared arrays with their manifest, in the child that prepared them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from trainband.benchmarks.data.cache import (
    MANIFEST,
    MANIFEST_FORMAT,
    DataError,
    dataset_digest,
    split_digests,
    unlike_catalog,
)
from trainband.benchmarks.digests import AnyArray, array_digest
from trainband.models.dataset_spec import Dataset


def write_arrays(
    dataset: Dataset, arrays: Mapping[str, AnyArray], folder: Path, *, provenance: Mapping[str, str]
) -> dict[str, Any]:
    """Write `arrays` and their manifest into `folder`, once they hold what the catalog says, where it can know.

    Args:
      arrays: by name, `<split>_<array>`.
      provenance: how they came: `way`, versions of the libraries that read them.

    Returns:
      The manifest.

    Raises:
      DataError: an array is missing, or its content is not the catalog's.
    """
    digests = {name: array_digest(array) for name, array in arrays.items()}
    for name in unlike_catalog(dataset, digests):
        raise DataError(
            f"data set {dataset.name!r}: {name} prepared by way of {provenance['way']} has digest "
            f"{digests.get(name, 'none')}, the catalog says {dataset.digests.get(name, 'none')}: "
            "the source holds other data than the catalog was measured on"
        )
    described: dict[str, dict[str, Any]] = {}
    for name, array in arrays.items():
        path = folder / f"{name}.npy"
        _save(path, array)
        described[name] = {
            "digest": digests[name],
            "dtype": array.dtype.newbyteorder("<").str,
            "shape": list(array.shape),
            "file_bytes": path.stat().st_size,
        }
    manifest = {
        "format": MANIFEST_FORMAT,
        "dataset": dataset.name,
        "version": dataset.version,
        "arrays": described,
        "splits": split_digests(digests),
        "digest": dataset_digest(digests),
        "provenance": dict(provenance),
        "prepared_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    return manifest


def _save(path: Path, array: AnyArray) -> None:
    with path.open("wb") as file:
        np.save(file, np.ascontiguousarray(array), allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())
