"""Reader `words`: texts as ids of their words, labelled with one class or with several flags."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from trainband.benchmarks.data.cache import DataError
from trainband.benchmarks.data.readers.examples import whole_split
from trainband.benchmarks.digests import AnyArray
from trainband.models.dataset_spec import Dataset

PADDING, UNKNOWN, FIRST_WORD = 0, 1, 2
_WORD = re.compile("[a-z0-9']+")
_STRAIGHT = str.maketrans("\u2018\u2019", "''")  # telephones write "don't" with a curly apostrophe


def read(dataset: Dataset, builder: Any) -> dict[str, AnyArray]:
    """Inputs int32 [texts, settings["length"]] of ids below settings["vocabulary"].

    `tfds_features` names the text and, where a text has one class, the class. Without the latter all boolean features
    are the labels, in alphabetical order.

    Raises:
      DataError: the training texts hold fewer words than the vocabulary.
    """
    splits = {split: whole_split(builder, split) for split in ("train", "test")}
    feature = dataset.tfds_features["inputs"]
    texts = {split: [tokens(text) for text in examples[feature]] for split, examples in splits.items()}
    size, length = dataset.settings["vocabulary"], dataset.settings["length"]
    ids = vocabulary(texts["train"], size)
    if FIRST_WORD + len(ids) != size:
        raise DataError(
            f"data set {dataset.name!r}: the training texts hold {len(ids)} words, "
            f"too few for the catalog's vocabulary of {size}"
        )
    found: dict[str, AnyArray] = {}
    for split, examples in splits.items():
        found[f"{split}_inputs"] = encoded(texts[split], ids, length)
        found[f"{split}_labels"] = _labels(examples, dataset.tfds_features.get("labels"))
    return found


def tokens(text: bytes) -> list[str]:
    """The words of a text: runs of a to z, digits and apostrophes, in lower case."""
    return _WORD.findall(text.decode("utf-8").translate(_STRAIGHT).lower())


def vocabulary(texts: Iterable[list[str]], size: int) -> dict[str, int]:
    """Id of each of the most frequent words, from 2 on; words of equal frequency in alphabetical order.

    Args:
      size: ids in all, padding (0) and unknown (1) included.
    """
    counts = Counter(word for words in texts for word in words)
    frequent = sorted(counts, key=lambda word: (-counts[word], word))[: size - FIRST_WORD]
    return {word: place for place, word in enumerate(frequent, FIRST_WORD)}


def encoded(texts: list[list[str]], ids: Mapping[str, int], length: int) -> npt.NDArray[np.int32]:
    """int32 [texts, length]: ids, cut or padded on the right. A text without any word is one unknown word."""
    rows = np.full((len(texts), length), PADDING, np.int32)
    for row, words in zip(rows, texts, strict=True):
        kept = [ids.get(word, UNKNOWN) for word in words[:length]] or [UNKNOWN]
        row[: len(kept)] = kept
    return rows


def _labels(examples: Mapping[str, AnyArray], feature: str | None) -> npt.NDArray[np.int32]:
    if feature is not None:
        return examples[feature].astype(np.int32)
    flags = sorted(name for name, values in examples.items() if values.dtype == np.bool_)
    return np.stack([examples[name] for name in flags], axis=1).astype(np.int32)
