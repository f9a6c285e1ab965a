"""Reader `leave_one_out`: ratings as pairs of a user and an item, rated (1) or not (0); the rating is not looked at.

Each user's latest item is held out for the test, among 99 candidates that the user never rated (He et al., Neural
Collaborative Filtering, 2017). Unlike there, training takes its unrated items from the rest: no test pair is trained on.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from trainband.benchmarks.data.cache import DataError
from trainband.benchmarks.data.readers.examples import whole_split
from trainband.benchmarks.digests import AnyArray
from trainband.benchmarks.metric_values import CANDIDATES
from trainband.models.dataset_spec import Dataset

Ints = npt.NDArray[np.int64]


def read(dataset: Dataset, builder: Any) -> dict[str, AnyArray]:
    """Inputs int32 [pairs, 2], user and item; labels int32 [pairs, 1]. Both are numbered from 0 in the order of ids.

    Training: each rated item, before settings["negatives"] unrated ones. Test: for each user the held-out item, before
    its candidates.

    Raises:
      DataError: there are other numbers of users or items than the catalog says.
    """
    ratings = whole_split(builder, "train", features=("user_id", "movie_id", "timestamp"))
    user_ids, users = np.unique(ratings["user_id"].astype(np.int64), return_inverse=True)
    movie_ids, items = np.unique(ratings["movie_id"].astype(np.int64), return_inverse=True)
    found, expected = (len(user_ids), len(movie_ids)), (dataset.settings["users"], dataset.settings["items"])
    if found != expected:
        raise DataError(f"data set {dataset.name!r}: {found} users and items, the catalog says {expected}")
    rows: dict[str, list[Ints]] = {"train": [], "test": []}
    words = np.random.PCG64(dataset.settings["seed"])
    for user, rated in enumerate(histories(users, items, ratings["timestamp"])):
        candidates, negatives = unrated(
            rated, items=len(movie_ids), candidates=CANDIDATES - 1, negatives=dataset.settings["negatives"], words=words
        )
        rows["train"].append(labelled(user, rated[:-1], negatives))
        rows["test"].append(labelled(user, rated[-1:], candidates))
    arrays: dict[str, AnyArray] = {}
    for split, parts in rows.items():
        joined = np.concatenate(parts).astype(np.int32)
        arrays[f"{split}_inputs"], arrays[f"{split}_labels"] = joined[:, :2], joined[:, 2:]
    return arrays


def histories(users: Ints, items: Ints, timestamps: Ints) -> list[Ints]:
    """The items of each user, the latest last; of items rated in one second the higher number is the later."""
    order = np.lexsort((items, timestamps, users))
    return np.split(items[order], np.flatnonzero(np.diff(users[order])) + 1)


def unrated(rated: Ints, *, items: int, candidates: int, negatives: int, words: np.random.PCG64) -> tuple[Ints, Ints]:
    """Items that a user never rated, drawn by raw words: the one stream that NumPy promises not to change.

    The candidates come first in a stable argsort of one word an item. The negatives are drawn from the other items,
    each by a word modulo their number, so that one may come twice: some users rated more items than there are others.

    Args:
      rated: int64 [rated], the user's history; the last is held out.
      items: how many there are.

    Returns:
      int64 [1, candidates] and int64 [rated - 1, negatives].
    """
    pool = np.setdiff1d(np.arange(items), rated)
    shuffled = pool[np.argsort(words.random_raw(len(pool)), kind="stable")]
    others = np.sort(shuffled[candidates:])
    draws = words.random_raw((len(rated) - 1) * negatives) % np.uint64(len(others))
    return shuffled[None, :candidates], others[draws].reshape(len(rated) - 1, negatives)


def labelled(user: int, rated: Ints, unrated: Ints) -> Ints:
    """int64 [groups * (1 + unrated), 3]: user, item, label; each rated item goes before its unrated ones.

    Args:
      rated: int64 [groups].
      unrated: int64 [groups, unrated].
    """
    groups = np.concatenate([rated[:, None], unrated], axis=1)
    labels = np.zeros_like(groups)
    labels[:, 0] = 1
    return np.stack([np.full_like(groups, user), groups, labels], axis=-1).reshape(-1, 3)
