"""Reader `log_mel`: recordings of speech as pictures of loudness over time and pitch.

Frames of 32 ms every 16 ms, 40 mel bands, 80 dB below the loudest cell of each recording: a speaker's distance from the
microphone does not show. Computed in float64 and quantised, so that the last bits of an FFT do not show either.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt

from trainband.benchmarks.data.cache import DataError
from trainband.benchmarks.data.readers.examples import one_by_one
from trainband.benchmarks.digests import AnyArray
from trainband.models.dataset_spec import Dataset

SAMPLE_RATE = 8_000
SAMPLES = 8_000  # one second
FRAME, HOP = 256, 128
BANDS, LOWEST_HZ, HIGHEST_HZ = 40, 20.0, 4_000.0
RANGE_DB = 80.0
TEST_INDICES = range(5)
_BATCH = 100  # recordings whose spectra are in memory at once: 13 MB
_NAME = re.compile(r"(\d)_([a-z]+)_(\d+)\.wav")


def read(dataset: Dataset, builder: Any) -> dict[str, AnyArray]:
    """Inputs uint8 [recordings, frames, bands, 1]; labels: the digit.

    The test split is the official one: the recordings that are numbered 0 to 4 of each speaker and digit.

    Raises:
      DataError: a file is not called DIGIT_SPEAKER_INDEX.wav, or has another digit as its label.
    """
    samples, labels, is_test = [], [], []
    for example in one_by_one(builder, "train"):
        name, label = example["audio/filename"].decode(), int(example["label"])
        match = _NAME.fullmatch(name)
        if match is None or int(match[1]) != label:
            raise DataError(f"data set {dataset.name!r}: label {label}, file {name!r}: not DIGIT_SPEAKER_INDEX.wav")
        samples.append(first_second(example["audio"]))
        labels.append(label)
        is_test.append(int(match[3]) in TEST_INDICES)
    batches = [pictures(np.stack(samples[start : start + _BATCH])) for start in range(0, len(samples), _BATCH)]
    inputs, digits, in_test = np.concatenate(batches), np.array(labels, np.int32), np.array(is_test)
    return {
        "train_inputs": inputs[~in_test],
        "train_labels": digits[~in_test],
        "test_inputs": inputs[in_test],
        "test_labels": digits[in_test],
    }


def first_second(samples: AnyArray) -> npt.NDArray[np.float64]:
    """float64 [SAMPLES]: a recording from its start on, cut or filled up with silence.

    Recordings are trimmed, so that the voice begins at the start of each.
    """
    kept = samples[:SAMPLES].astype(np.float64)
    return np.pad(kept, (0, SAMPLES - len(kept)))


def pictures(samples: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    """uint8 [recordings, frames, bands, 1]: 255 at the loudest cell of a recording, 0 at RANGE_DB below it or less.

    Args:
      samples: float64 [recordings, SAMPLES], as integers: a recording that never reaches a power of 1 is silent.
    """
    import tensorflow as tf

    spectra = tf.signal.stft(samples, frame_length=FRAME, frame_step=HOP).numpy()
    weights = tf.signal.linear_to_mel_weight_matrix(
        BANDS, FRAME // 2 + 1, SAMPLE_RATE, LOWEST_HZ, HIGHEST_HZ, dtype=tf.float64
    ).numpy()
    power = np.square(np.abs(spectra)) @ weights
    loudest = np.maximum(power.max(axis=(1, 2), keepdims=True), 1.0)
    decibels = 10.0 * np.log10(np.maximum(power / loudest, 10.0 ** (-RANGE_DB / 10.0)))
    quantised: npt.NDArray[np.uint8] = np.rint((decibels / RANGE_DB + 1.0) * 255.0).astype(np.uint8)
    return quantised[..., None]
