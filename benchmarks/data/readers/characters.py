"""Reader `characters`: a text as windows of character ids, each labelled with the characters that follow."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from trainband.benchmarks.data.cache import DataError
from trainband.benchmarks.data.readers.examples import whole_split
from trainband.benchmarks.digests import AnyArray
from trainband.models.dataset_spec import Dataset


def read(dataset: Dataset, builder: Any) -> dict[str, AnyArray]:
    """Windows of `settings["length"]` characters; the ids are ranks among the sorted characters of the training text.

    Raises:
      DataError: the training text has another number of characters than `classes`, or the test text has others.
    """
    texts = {split: _text(builder, split) for split in ("train", "test")}
    alphabet = sorted(set(texts["train"]))
    unknown = sorted(set(texts["test"]) - set(alphabet))
    if unknown or len(alphabet) != dataset.classes:
        raise DataError(
            f"data set {dataset.name!r}: {len(alphabet)} characters in the training text, the catalog says "
            f"{dataset.classes}; only in the test text: {unknown}"
        )
    found: dict[str, AnyArray] = {}
    for split, text in texts.items():
        found[f"{split}_inputs"], found[f"{split}_labels"] = windows(text, alphabet, dataset.settings["length"])
    return found


def windows(text: str, alphabet: list[str], length: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
    """Windows that lie end to end, and the characters after each of theirs; a rest that fills no window is left out.

    Args:
      alphabet: at most 256 characters; their places are the ids.

    Returns:
      uint8 [windows, length] and int32 [windows, length].
    """
    places = {character: place for place, character in enumerate(alphabet)}
    ids = np.array([places[character] for character in text], np.uint8)
    count = (len(ids) - 1) // length
    inputs = ids[: count * length].reshape(count, length)
    return inputs, ids[1 : count * length + 1].reshape(count, length).astype(np.int32)


def _text(builder: Any, split: str) -> str:
    """The builder holds a whole split as one example."""
    [text] = whole_split(builder, split)["text"]
    return str(text.decode("utf-8"))
