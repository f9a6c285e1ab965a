"""Data sets that ship inside a dependency. Runs in the preparing child only."""

from __future__ import annotations

import numpy as np

from trainband.benchmarks.digests import AnyArray
from trainband.models.dataset_spec import Dataset


def arrays(dataset: Dataset) -> dict[str, AnyArray]:
    """The arrays of an embedded data set by name, shuffled by its seed and split.

    The order is a stable argsort of raw PCG64 words: raw words are the one stream that NumPy promises not to change.
    """
    if dataset.name != "digits":
        raise NotImplementedError(f"no embedded data set {dataset.name!r}")
    from sklearn.datasets import load_digits

    bunch = load_digits()
    inputs = bunch.images.astype(np.uint8).reshape(-1, *dataset.input_shape)
    labels = bunch.target.astype(np.int32)
    order = np.argsort(np.random.PCG64(dataset.split_seed).random_raw(len(inputs)), kind="stable")
    train, test = order[: dataset.n_train], order[dataset.n_train :]
    return {
        "train_inputs": inputs[train],
        "train_labels": labels[train],
        "test_inputs": inputs[test],
        "test_labels": labels[test],
    }
