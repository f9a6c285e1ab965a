"""The cache of prepared data, as any process reads it: plain arrays beside a manifest of their digests.

`<root>/data/<name>/<version>/` holds `manifest.json` and `<split>_<array>.npy` for each array of each split.
"""

from __future__ import annotations

import json
import os
import tokenize
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trainband.benchmarks.digests import AnyArray, array_digest, combine
from trainband.models.dataset_spec import Dataset

MANIFEST = "manifest.json"
MANIFEST_FORMAT = 1
CACHE_VARIABLE = "TRAINBAND_CACHE"
WHERE = ("places", "shards")  # arrays of a streamed set that say where its files lie, not what they hold


class DataError(Exception):
    """Data that a run needs is missing or is not what the catalog says; the message names the way out."""


class DataMissingError(DataError):
    """The data set is not in the cache."""


class DataCorruptError(DataError):
    """A file of the cache does not hold what the catalog says."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PreparedData:
    """A data set in memory, checked.

    Attributes:
      arrays: read-only arrays by name: `train_inputs`, `train_labels`, `test_inputs`, `test_labels`.
      digests: content digest of each array, by the same names.
      split_digests: digest of each split, by split.
      digest: digest of the whole data set.
    """

    dataset: Dataset
    arrays: Mapping[str, AnyArray]
    digests: Mapping[str, str]
    split_digests: Mapping[str, str]
    digest: str

    def split(self, name: str) -> dict[str, AnyArray]:
        """The arrays of split `name`: `inputs` and `labels`."""
        if name not in self.split_digests:
            raise KeyError(
                f"data set {self.dataset.name!r} has no split {name!r}; it has {', '.join(self.split_digests)}"
            )
        return {key.partition("_")[2]: array for key, array in self.arrays.items() if key.partition("_")[0] == name}

    @property
    def train(self) -> dict[str, AnyArray]:
        return self.split("train")

    @property
    def test(self) -> dict[str, AnyArray]:
        return self.split("test")


def cache_root() -> Path:
    """`$TRAINBAND_CACHE`, else `$XDG_CACHE_HOME/trainband`, else `~/.cache/trainband`."""
    if named := os.environ.get(CACHE_VARIABLE):
        return Path(named).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".cache") / "trainband"


def dataset_path(dataset: Dataset, root: Path | None = None) -> Path:
    """The folder of a prepared data set."""
    return (cache_root() if root is None else root) / "data" / dataset.name / dataset.version


def split_digests(digests: Mapping[str, str]) -> dict[str, str]:
    """Digest of each split, from the digests of arrays named `<split>_<array>`, those in `WHERE` left out."""
    splits: dict[str, dict[str, str]] = {}
    for key, digest in digests.items():
        split, _, array = key.partition("_")
        if array not in WHERE:
            splits.setdefault(split, {})[array] = digest
    return {split: combine(arrays) for split, arrays in splits.items()}


def dataset_digest(digests: Mapping[str, str]) -> str:
    """Digest of a whole data set, from the digests of its arrays (such as `Dataset.digests`)."""
    return combine(split_digests(digests))


def unlike_catalog(dataset: Dataset, digests: Mapping[str, str]) -> list[str]:
    """The arrays whose digest is not the catalog's, by name; none where it cannot know them (see `Dataset.streamed`)."""
    names = () if dataset.streamed else sorted(digests.keys() | dataset.digests.keys())
    return [name for name in names if digests.get(name) != dataset.digests.get(name)]


def load(dataset: Dataset, root: Path | None = None, *, verify: bool = True, mmap: bool = True) -> PreparedData:
    """The prepared arrays of `dataset`.

    Args:
      root: the cache's root; `cache_root()` when None.
      verify: hash every array and compare with the manifest and with the catalog's digests.
      mmap: map the files instead of copying them: it takes less time, and all processes share the memory. Files of
        the cache are replaced, never changed, so that a mapping stays what was verified.

    Raises:
      DataMissingError: the data set was not prepared.
      DataCorruptError: a file differs; the message names it, both digests and the command that mends it.
    """
    return load_folder(dataset, dataset_path(dataset, root), verify=verify, mmap=mmap)


def load_folder(dataset: Dataset, folder: Path, *, verify: bool = True, mmap: bool = True) -> PreparedData:
    """`load`, from the folder that holds the manifest."""
    manifest = read_manifest(dataset, folder)
    digests = {name: str(array["digest"]) for name, array in manifest["arrays"].items()}

    # One after another: NumPy parses an array's header by ast.literal_eval, which Python 3.11 breaks under threads.
    arrays = {name: _read_array(dataset, folder / f"{name}.npy", mmap=mmap) for name in digests}

    def check(name: str) -> None:
        _check_array(dataset, folder / f"{name}.npy", arrays[name], digests[name])

    if verify:
        with ThreadPoolExecutor(max_workers=len(arrays)) as pool:
            list(pool.map(check, arrays))
    splits = split_digests(digests)
    return PreparedData(dataset=dataset, arrays=arrays, digests=digests, split_digests=splits, digest=combine(splits))


def read_manifest(dataset: Dataset, folder: Path) -> dict[str, Any]:
    """The manifest in `folder`, its digests equal to the catalog's where that knows them (see `Dataset.streamed`).

    Raises:
      DataMissingError: there is none.
      DataCorruptError: it cannot be read, or names other digests.
    """
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_bytes())
        if manifest["format"] != MANIFEST_FORMAT:
            raise ValueError(f"format {manifest['format']!r}, this version reads {MANIFEST_FORMAT}")
        found = {name: str(array["digest"]) for name, array in manifest["arrays"].items()}
    except FileNotFoundError:
        raise DataMissingError(
            f"data set {dataset.name!r} is not in the cache ({folder}); run `trainband data prepare {dataset.name}`"
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _corrupt(dataset, path, f"cannot be read ({error})") from error
    for name in unlike_catalog(dataset, found):
        raise _corrupt(dataset, path, f"{name}: {_differs(found.get(name), dataset.digests.get(name))}")
    return dict(manifest)


def _read_array(dataset: Dataset, path: Path, *, mmap: bool) -> AnyArray:
    try:
        array: AnyArray = np.load(path, mmap_mode="r" if mmap else None, allow_pickle=False)
    except (OSError, ValueError, EOFError, MemoryError, tokenize.TokenError) as error:
        raise _corrupt(dataset, path, f"cannot be read ({error})") from error
    array = np.asarray(array)
    array.flags.writeable = False
    return array


def _check_array(dataset: Dataset, path: Path, array: AnyArray, expected: str) -> None:
    try:
        found = array_digest(array)
    except TypeError as error:
        raise _corrupt(dataset, path, f"cannot be read ({error})") from error
    if found != expected:
        raise _corrupt(dataset, path, _differs(found, expected))


def _differs(found: str | None, expected: str | None) -> str:
    return f"found digest {found or 'none'}, expected {expected or 'none'}"


def _corrupt(dataset: Dataset, path: Path, what: str) -> DataCorruptError:
    return DataCorruptError(
        f"data set {dataset.name!r}: {path}: {what}; run `trainband data prepare {dataset.name} --force`"
    )
