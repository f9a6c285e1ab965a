"""Reader `penguins`: a bird's species from its measurements and sex.

The island is left out: two of the three species live on one island each, so that it gives most answers away.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from trainband.benchmarks.data.readers.examples import whole_split
from trainband.benchmarks.digests import AnyArray
from trainband.models.dataset_spec import Dataset

MEASUREMENTS = ("Culmen Length (mm)", "Culmen Depth (mm)", "Flipper Length (mm)", "Body Mass (g)")
SEXES = (b"MALE", b"FEMALE")  # anything else is unknown
SPECIES = ("Adelie", "Chinstrap", "Gentoo")  # the first words of the species' names

Floats = npt.NDArray[np.float64]


def read(dataset: Dataset, builder: Any) -> dict[str, AnyArray]:
    """Inputs float32 [birds, 6]: four standardised measurements, male, female; labels: the species.

    Birds without measurements are left out; the others are put into the order of raw PCG64 words of `split_seed` and
    split. Means and standard deviations are those of the training split.
    """
    examples = whole_split(builder, "train")
    # TFDS keeps float32; the published table has one decimal at most.
    measured = np.stack([examples[name].astype(np.float64).round(1) for name in MEASUREMENTS], axis=1)
    complete = np.flatnonzero(~np.isnan(measured).any(axis=1))
    order = complete[np.argsort(np.random.PCG64(dataset.split_seed).random_raw(len(complete)), kind="stable")]
    means, deviations = moments(measured[order[: dataset.n_train]])
    inputs = np.concatenate([standardised(measured, means, deviations), sexes(examples["Sex"])], axis=1)
    labels = np.array([SPECIES.index(name.decode().split()[0]) for name in examples["Species"]], np.int32)
    found: dict[str, AnyArray] = {}
    for split, rows in (("train", order[: dataset.n_train]), ("test", order[dataset.n_train :])):
        found[f"{split}_inputs"], found[f"{split}_labels"] = inputs[rows], labels[rows]
    return found


def moments(columns: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation (divisor n) of each column, rounded to 6 digits after the point.

    Sums are exactly rounded, so that no order of addition shows.
    """
    means, deviations = [], []
    for column in columns.T:
        mean = round(math.fsum(column) / len(column), 6)
        means.append(mean)
        deviations.append(round(math.sqrt(math.fsum((column - mean) ** 2) / len(column)), 6))
    return np.array(means), np.array(deviations)


def standardised(columns: Floats, means: Floats, deviations: Floats) -> npt.NDArray[np.float32]:
    """(columns - means) / deviations, computed in float64."""
    return ((columns - means) / deviations).astype(np.float32)


def sexes(names: AnyArray) -> npt.NDArray[np.float32]:
    """float32 [birds, 2]: male, female; both 0 where the sex is unknown."""
    return np.stack([names == sex for sex in SEXES], axis=1).astype(np.float32)
