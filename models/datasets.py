"""The data sets of the registry by name."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from trainband.models.dataset_rows.audio import SPOKEN_DIGIT
from trainband.models.dataset_rows.images import CIFAR10, DIGITS, FASHION_MNIST, MNIST
from trainband.models.dataset_rows.recommendation import MOVIELENS_SMALL
from trainband.models.dataset_rows.tabular import PENGUINS
from trainband.models.dataset_rows.text import CLINC_OOS, GOEMOTIONS, TINY_SHAKESPEARE, TINY_SHAKESPEARE_256
from trainband.models.dataset_spec import Dataset

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
    )
}


def dataset(name: str) -> Dataset:
    """The data set called `name`; raises KeyError with the names that there are and the nearest one."""
    if name in DATASETS:
        return DATASETS[name]
    near = difflib.get_close_matches(name, DATASETS, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    raise KeyError(f"no data set {name!r}; the catalog has {', '.join(map(repr, DATASETS))}{hint}")
