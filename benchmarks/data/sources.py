"""Where a data set can come from: decided before anything starts, from paths alone."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from trainband.benchmarks.data.cache import DataError
from trainband.models.dataset_spec import Dataset

Way = Literal["embedded", "data_dir", "mirror", "network"]
MIRROR_VARIABLE = "TRAINBAND_DATA_MIRROR"
DATA_DIR_VARIABLE = "TRAINBAND_DATA_DIR"


@dataclass(frozen=True, kw_only=True)
class Source:
    """A way in, and its folder: the TFDS data_dir, or the mirror's folder of this data set."""

    way: Way
    folder: Path | None = None

    def __str__(self) -> str:
        return self.way if self.folder is None else f"{self.way} {self.folder}"


def named_folder(given: str | Path | None, *, flag: str, variable: str) -> Path | None:
    """The folder that `flag` or else the environment variable names; raises DataError where it is none."""
    value = given or os.environ.get(variable)
    if not value:
        return None
    path = Path(value).expanduser().absolute()
    if not path.is_dir():
        raise DataError(f"{flag if given else variable} {str(value)!r}: no such folder")
    return path


def choose(dataset: Dataset, *, mirror: Path | None, data_dir: Path | None) -> Source:
    """The first source that serves: embedded, a `data_dir` that holds the data set, the mirror, the network.

    Raises:
      DataError: only a mirror was given, and the data set is not served from one; or it is a streamed one, and no
        `data_dir` holds it.
    """
    if dataset.tfds_name is None:
        return Source(way="embedded")
    if data_dir is not None and (data_dir / dataset.tfds_name / dataset.version / "dataset_info.json").is_file():
        return Source(way="data_dir", folder=data_dir)
    if dataset.streamed:
        raise DataError(
            f"data set {dataset.name!r} is read where TFDS prepared it, from archives that its owner gives out to "
            f"registered users alone; {ways_out(dataset)}"
        )
    if mirror is None:
        return Source(way="network")
    if dataset.mirror_folder is None:
        held = "" if data_dir is None else f" ({data_dir} does not hold it)"
        raise DataError(
            f"data set {dataset.name!r} is not served from a mirror: no copy of its archive with the hash that TFDS "
            f"registers can be rebuilt; {ways_out(dataset)}{held}"
        )
    return Source(way="mirror", folder=mirror / dataset.mirror_folder)


def ways_out(dataset: Dataset) -> str:
    """What to give instead of a network, as the end of a message."""
    if dataset.tfds_name is None:
        return "it ships with scikit-learn and takes no other source"
    prepared = (
        f"give --data-dir DIR (or {DATA_DIR_VARIABLE}), a prepared TFDS data_dir that holds "
        f"{dataset.tfds_name}/{dataset.version}"
    )
    if dataset.mirror_folder is None:
        return prepared
    originals = f"the original archives in DIR/{dataset.mirror_folder}"
    return f"{prepared}, or --mirror DIR (or {MIRROR_VARIABLE}) with {originals}"
