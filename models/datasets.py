"""The data sets of the registry by name: those with content, and the synthetic ones beside them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from trainband.models.dataset_rows.audio import SPOKEN_DIGIT
from trainband.models.dataset_rows.images import CIFAR10, DIGITS, FASHION_MNIST, IMAGENET2012, MNIST
from trainband.models.dataset_rows.recommendation import MOVIELENS_SMALL
from trainband.models.dataset_rows.synthetic import (
    SYNTHETIC_IMAGES_224,
    SYNTHETIC_IMAGES_299,
    SYNTHETIC_SEGMENTS,
    SYNTHETIC_TOKENS_1024,
    SYNTHETIC_TRANSLATION,
)
from trainband.models.dataset_rows.tabular import PENGUINS
from trainband.models.dataset_rows.text import CLINC_OOS, GOEMOTIONS, TINY_SHAKESPEARE, TINY_SHAKESPEARE_256
from trainband.models.dataset_spec import Dataset

SYNTHETIC: Mapping[str, Dataset] = {
    row.name: row
    for row in (
        SYNTHETIC_IMAGES_224,
        SYNTHETIC_IMAGES_299,
        SYNTHETIC_TRANSLATION,
        SYNTHETIC_SEGMENTS,
        SYNTHETIC_TOKENS_1024,
    )
}
DATASETS: Mapping[str, Dataset] = {
    row.name: row
    for row in (
        DIGITS,
        MNIST,
        FASHION_MNIST,
        CIFAR10,
        PENGUINS,
        TINY_SHAKESPEARE,
        TINY_SHAKESPEARE_256,
        CLINC_OOS,
        GOEMOTIONS,
        MOVIELENS_SMALL,
        SPOKEN_DIGIT,
        IMAGENET2012,
    )
}


def dataset(name: str) -> Dataset:
    """The data set called `name`; raises KeyError with the names that there are and the nearest one."""
    if name in DATASETS:
        return DATASETS[name]
    if name in SYNTHETIC:
        return SYNTHETIC[name]
    near = difflib.get_close_matches(name, DATASETS, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    raise KeyError(f"no data set {name!r}; the catalog has {', '.join(map(repr, DATASETS))}{hint}")
