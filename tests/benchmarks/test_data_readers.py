"""The readers on examples worked by hand; test_data_official.py has them at work on the original archives."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from trainband.benchmarks.data.cache import DataError
from trainband.benchmarks.data.readers import characters, penguins
from trainband.benchmarks.data.readers.registry import READERS, read
from trainband.models.dataset_rows.tabular import PENGUINS
from trainband.models.dataset_rows.text import TINY_SHAKESPEARE
from trainband.models.dataset_spec import Dataset
from trainband.models.datasets import DATASETS

Splits = dict[str, dict[str, Any]]


@pytest.fixture
def splits(monkeypatch: pytest.MonkeyPatch) -> Splits:
    """What a builder's splits hold, feature by feature; the test fills it."""
    found: Splits = {}

    def whole_split(builder: object, split: str) -> dict[str, np.ndarray[Any, Any]]:
        return {feature: np.array(values) for feature, values in found[split].items()}

    for module in (characters, penguins):
        monkeypatch.setattr(module, "whole_split", whole_split)
    return found


@pytest.mark.parametrize("row", [pytest.param(row, id=name) for name, row in DATASETS.items()])
def test_every_data_set_has_a_reader(row: Dataset) -> None:
    assert row.reader in READERS


def test_an_unknown_reader_is_named_with_those_that_there_are() -> None:
    row = replace(TINY_SHAKESPEARE, reader="character")
    with pytest.raises(
        DataError, match=r"'tiny_shakespeare': no reader 'character'; there are .*did you mean 'characters'"
    ):
        read(row, None)


def test_windows_lie_end_to_end_and_are_labelled_with_the_next_characters() -> None:
    inputs, labels = characters.windows("abcabca", ["a", "b", "c"], 3)
    assert inputs.dtype == np.uint8
    assert labels.dtype == np.int32
    assert inputs.tolist() == [[0, 1, 2], [0, 1, 2]]
    assert labels.tolist() == [[1, 2, 0], [1, 2, 0]]


def test_a_window_whose_last_label_is_missing_is_left_out() -> None:
    inputs, labels = characters.windows("abcabc", ["a", "b", "c"], 3)
    assert inputs.tolist() == [[0, 1, 2]]
    assert labels.tolist() == [[1, 2, 0]]


def shakespeare(*, classes: int) -> Dataset:
    return replace(TINY_SHAKESPEARE, settings={"length": 2}, classes=classes)


def test_the_ids_are_ranks_among_the_characters_of_the_training_text(splits: Splits) -> None:
    splits.update(train={"text": [b"zebra"]}, test={"text": [b"bar"]})
    arrays = read(shakespeare(classes=5), None)
    assert arrays["train_inputs"].tolist() == [[4, 2], [1, 3]]
    assert arrays["train_labels"].tolist() == [[2, 1], [3, 0]]
    assert arrays["test_inputs"].tolist() == [[1, 0]]
    assert arrays["test_labels"].tolist() == [[0, 3]]


@pytest.mark.parametrize(
    ("test", "classes", "message"),
    [
        (b"bar?", 5, r"5 characters .*, the catalog says 5; only in the test text: \['\?'\]"),
        (b"bar", 6, r"5 characters .*, the catalog says 6; only in the test text: \[\]"),
    ],
)
def test_characters_that_the_catalog_does_not_know_are_refused(
    splits: Splits, test: bytes, classes: int, message: str
) -> None:
    splits.update(train={"text": [b"zebra"]}, test={"text": [test]})
    with pytest.raises(DataError, match=message):
        read(shakespeare(classes=classes), None)


def test_penguins_are_standardised_by_the_moments_of_the_training_split() -> None:
    means, deviations = penguins.moments(np.array([[1.0, 10.0], [2.0, 10.5], [6.0, 11.0]]))
    assert means.tolist() == [3.0, 10.5]
    assert deviations.tolist() == [2.160247, 0.408248]  # the roots of 14/3 and 1/6
    standardised = penguins.standardised(np.array([[3.0, 10.5], [7.320494, 10.091752]]), means, deviations)
    assert standardised.dtype == np.float32
    assert standardised.tolist() == [[0.0, 0.0], [2.0, -1.0]]


def test_penguins_keep_species_and_sex_and_lose_the_birds_without_measurements(splits: Splits) -> None:
    splits["train"] = {
        "Culmen Length (mm)": [39.1, np.nan, 47.5, 46.1],
        "Culmen Depth (mm)": [18.7, np.nan, 15.0, 18.2],
        "Flipper Length (mm)": [181.0, np.nan, 218.0, 178.0],
        "Body Mass (g)": [3750.0, np.nan, 4950.0, 3250.0],
        "Sex": [b"MALE", b"", b".", b"FEMALE"],
        "Species": [b"Adelie Penguin (P. a.)", b"Gentoo penguin (P. p.)", b"Gentoo penguin", b"Chinstrap penguin"],
    }
    arrays = read(replace(PENGUINS, n_train=2, n_test=1), None)
    birds = np.concatenate([arrays["train_inputs"], arrays["test_inputs"]])
    labels = np.concatenate([arrays["train_labels"], arrays["test_labels"]])
    assert sorted(zip(labels.tolist(), birds[:, 4:].tolist(), strict=True)) == [
        (0, [1.0, 0.0]),
        (1, [0.0, 1.0]),
        (2, [0.0, 0.0]),
    ]
    assert np.abs(arrays["train_inputs"][:, :4]).round(5).tolist() == [[1.0] * 4] * 2  # two birds: one sd from the mean
    assert len(arrays["test_inputs"]) == 1
