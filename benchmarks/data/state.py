"""What the cache holds: for `trainband data list` and `trainband data verify`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from trainband.benchmarks.data.cache import (
    DataCorruptError,
    DataMissingError,
    dataset_path,
    load,
    read_manifest,
)
from trainband.benchmarks.data.streamed import check_files
from trainband.models.dataset_spec import Dataset
from trainband.models.datasets import DATASETS, dataset


@dataclass(frozen=True, kw_only=True)
class DatasetState:
    """One data set in the cache.

    Attributes:
      file_bytes: size of its files, 0 when absent.
      problem: why it is corrupt, with the command that mends it.
      prepared_at: ISO 8601, None unless prepared.
      way: how it came, None unless prepared.
    """

    name: str
    version: str
    state: Literal["prepared", "absent", "corrupt"]
    path: Path
    file_bytes: int = 0
    problem: str | None = None
    prepared_at: str | None = None
    way: str | None = None


def status(names: Iterable[str] = tuple(DATASETS), root: Path | None = None) -> list[DatasetState]:
    """The state of each data set by manifest and file sizes, without reading the arrays."""
    return [_state(dataset(name), root, rehash=False) for name in names]


def verify(names: Iterable[str] = tuple(DATASETS), root: Path | None = None) -> list[DatasetState]:
    """The state of each data set after hashing every array, and every file of a streamed one."""
    return [_state(dataset(name), root, rehash=True) for name in names]


def _state(row: Dataset, root: Path | None, *, rehash: bool) -> DatasetState:
    folder = dataset_path(row, root)
    file_bytes = sum(path.stat().st_size for path in folder.glob("*")) if folder.is_dir() else 0
    try:
        manifest = read_manifest(row, folder)
        data = load(row, root, verify=rehash)
        if rehash and row.streamed:
            check_files(row, data.arrays)
    except DataMissingError:
        return DatasetState(name=row.name, version=row.version, state="absent", path=folder, file_bytes=file_bytes)
    except DataCorruptError as error:
        return DatasetState(
            name=row.name,
            version=row.version,
            state="corrupt",
            path=folder,
            file_bytes=file_bytes,
            problem=str(error),
        )
    return DatasetState(
        name=row.name,
        version=row.version,
        state="prepared",
        path=folder,
        file_bytes=file_bytes,
        prepared_at=manifest.get("prepared_at"),
        way=manifest.get("provenance", {}).get("way"),
    )
