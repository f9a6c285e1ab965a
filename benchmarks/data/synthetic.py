"""Arrays without meaning for tier throughput, made in the child that trains on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from trainband.benchmarks.data.cache import PreparedData, load, split_digests
from trainband.benchmarks.digests import AnyArray, array_digest, combine
from trainband.models.dataset_spec import Dataset

_STREAM = 0x5E7


def load_or_draw(dataset: Dataset, root: Path | None = None, *, verify: bool = True) -> PreparedData:
    """`synthetic` data, or what `cache.load` reads where the data set has content."""
    return synthetic(dataset) if dataset.origin == "synthetic" else load(dataset, root, verify=verify)


def synthetic(dataset: Dataset) -> PreparedData:
    """Uniform integers up to the data set's maximum, and uniform classes: always the same ones."""
    rng = np.random.Generator(np.random.PCG64(_STREAM))
    arrays: dict[str, AnyArray] = {}
    for split, rows in (("train", dataset.n_train), ("test", dataset.n_test)):
        inputs = rng.integers(0, (dataset.input_maximum or 0) + 1, (rows, *dataset.input_shape))
        arrays[f"{split}_inputs"] = inputs.astype(dataset.input_dtype)
        arrays[f"{split}_labels"] = rng.integers(0, dataset.classes, (rows, *dataset.label_shape)).astype(np.int32)
    digests = {name: array_digest(array) for name, array in arrays.items()}
    splits = split_digests(digests)
    return PreparedData(dataset=dataset, arrays=arrays, digests=digests, split_digests=splits, digest=combine(splits))
