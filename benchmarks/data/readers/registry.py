"""The readers by name."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import Any

from trainband.benchmarks.data.cache import DataError
from trainband.benchmarks.data.readers import characters, features, jpeg_places, leave_one_out, log_mel, penguins, words
from trainband.benchmarks.digests import AnyArray
from trainband.models.dataset_spec import Dataset

Reader = Callable[[Dataset, Any], dict[str, AnyArray]]

READERS: Mapping[str, Reader] = {
    "characters": characters.read,
    "features": features.read,
    "jpeg_places": jpeg_places.read,
    "leave_one_out": leave_one_out.read,
    "log_mel": log_mel.read,
    "penguins": penguins.read,
    "words": words.read,
}


def read(dataset: Dataset, builder: Any) -> dict[str, AnyArray]:
    """The arrays of `dataset` by name, `<split>_<array>`, made by its reader from a prepared TFDS builder.

    Raises:
      DataError: there is no such reader, or the builder's examples are not what the reader takes.
    """
    if dataset.reader not in READERS:
        near = difflib.get_close_matches(dataset.reader, READERS, n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        raise DataError(
            f"data set {dataset.name!r}: no reader {dataset.reader!r}; there are {', '.join(map(repr, READERS))}{hint}"
        )
    return READERS[dataset.reader](dataset, builder)
