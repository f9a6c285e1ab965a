"""Data sets of sound."""

from __future__ import annotations

from trainband.models.dataset_spec import Dataset

# Four of the recordings are longer than the one second that is kept. No picture stands in both splits.
SPOKEN_DIGIT = Dataset(
    name="spoken_digit",
    title="Free Spoken Digit Dataset, log-mel pictures of one second",
    version="1.0.9",
    origin="tfds",
    tfds_name="spoken_digit",
    mirror_folder="spoken_digit",
    reader="log_mel",
    input_shape=(61, 40, 1),
    input_maximum=255,
    classes=10,
    n_train=2_250,
    n_test=250,
    digests={
        "train_inputs": "0b4ea7ceb1b6408bc7ff6d0ea220ef4df100930a3fab8e264a1775d5fd68093f",
        "train_labels": "cc18bb69d77302c99d5d28cef17c0bb03d6bb36944a59e5aecfe0f3639a7f5cf",
        "test_inputs": "37f05bf48aab5d0f03d62f71f0eaf93a99923042f64091f4d7e7f35a785834db",
        "test_labels": "c93f8fb47559c52b140cb190cf05efb3518f61fe0929057ea50833f0203ab66f",
    },
    shared_rows=0,
    licence="CC BY-SA 4.0",
    source="Z. Jackson et al.: Free Spoken Digit Dataset v1.0.9, github.com/Jakobovski/free-spoken-digit-dataset, 2020",
)
