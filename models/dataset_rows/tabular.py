"""Data sets of tables."""

from __future__ import annotations

from trainband.models.dataset_spec import Dataset

# The features that are standardised, and why the island is none of them, stand in the reader. No bird of the test split
# has the measurements and sex of one in training.
PENGUINS = Dataset(
    name="penguins",
    title="Palmer penguins, species from measurements and sex",
    version="1.0.0",
    origin="tfds",
    tfds_name="penguins/raw",
    mirror_folder="penguins",
    archives=("penguins_lter.csv",),
    reader="penguins",
    input_shape=(6,),
    input_dtype="float32",
    input_maximum=None,
    classes=3,
    n_train=228,
    n_test=114,
    split_seed=344,
    digests={
        "train_inputs": "7af5f8b80f72e23ccc4660a4c66f568063e18b4e2c7ee3595b39d7548453cecf",
        "train_labels": "e2097cfed9f5db0bbf68870729ff329bd0e62929725cf8aefe57fbeecd6848f5",
        "test_inputs": "61615da00bca742884e4d991404577d68f962e20c248eebfddccab74dec2b59b",
        "test_labels": "a5319ea1bfc6a84a9e9b013049b33f30585c79ae5214f8bcf21fc1825404548e",
    },
    shared_rows=0,
    licence="CC0 1.0",
    source="K. Gorman, T. Williams, W. Fraser, PLoS ONE 9(3), 2014; A. Horst, A. Hill: palmerpenguins, 2020",
)
