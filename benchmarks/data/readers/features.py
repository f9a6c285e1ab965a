"""Reader `features`: arrays as the builder has them."""

from __future__ import annotations

from typing import Any

import numpy as np

from trainband.benchmarks.data.readers.examples import whole_split
from trainband.benchmarks.digests import AnyArray
from trainband.models.dataset_spec import Dataset


def read(dataset: Dataset, builder: Any) -> dict[str, AnyArray]:
    """The features that `tfds_features` names, in stored order; labels become int32."""
    found: dict[str, AnyArray] = {}
    for split in ("train", "test"):
        examples = whole_split(builder, split)
        for array, feature in dataset.tfds_features.items():
            values = examples[feature]
            found[f"{split}_{array}"] = values.astype(np.int32) if array == "labels" else values
    return found
