"""Data sets of what users chose."""

from __future__ import annotations

from trainband.models.dataset_spec import Dataset

# No pair stands in both splits: training draws its unrated items from those that are no candidates of the test.
MOVIELENS_SMALL = Dataset(
    name="movielens_small",
    title="MovieLens latest small, films that a user rated",
    version="0.1.1",
    origin="tfds",
    tfds_name="movielens/latest-small-ratings",
    mirror_folder=None,
    reader="leave_one_out",
    settings={"users": 610, "items": 9_724, "negatives": 4, "seed": 100_836},
    input_shape=(2,),
    input_dtype="int32",
    input_maximum=9_723,
    label_shape=(1,),
    classes=2,
    n_train=501_130,
    n_test=61_000,
    digests={
        "train_inputs": "aac8312db4abb977a12e49f86651dbf1de825cef7c60c6896a626e09fe23df7c",
        "train_labels": "32c823a293e5fa3469bb053e296e50d7cd74adb0cffd93f4e4188ce2300b2f6a",
        "test_inputs": "04c91be695b23ee3b5cf0230fb579b2f7c8faef1fa396832df20f93ee40f3ebc",
        "test_labels": "4181d7ebdb477de26d9678da73ddbfa9f778fb44aad526f425f723d06a362c1d",
    },
    shared_rows=0,
    licence="GroupLens: research use, no commercial use without permission",
    source="F. Harper, J. Konstan: The MovieLens Datasets: History and Context, ACM TiiS 5(4), 2015",
)
