"""Where each JPEG file of a TFDS data set lies in the builder's files, for sets that are too large to be kept decoded.

TFDS does not compress its records, so that a file's bytes can be read from where they lie without parsing anything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from trainband.benchmarks.data.cache import DataError
from trainband.benchmarks.digests import AnyArray
from trainband.models.dataset_spec import Dataset

_BEFORE, _AFTER = 12, 4  # bytes of a record's length and checksums around it (TFRecord's format)


def read(dataset: Dataset, builder: Any) -> dict[str, AnyArray]:
    """Of each split, by `tfds_features`: `train` and `test` name the builder's splits, `inputs` and `labels` features.

    Returns:
      inputs: uint8 [rows, 32], the SHA-256 of each file; labels: int32 [rows]; places: int64 [rows, 5], shard, first
      byte, bytes, height, width; shards: the builder's files. The last two say where, not what: no digest covers them.

    Raises:
      DataError: the builder's files are no TFRecords, are damaged, or hold another number of rows.
    """
    if builder.info.file_format.value != "tfrecord":
        raise DataError(
            f"data set {dataset.name!r}: {builder.data_dir} holds {builder.info.file_format.value} files; prepare it "
            "with TFDS's file_format='tfrecord'"
        )
    arrays: dict[str, AnyArray] = {}
    for split, expected in (("train", dataset.n_train), ("test", dataset.n_test)):
        shards = [str(path) for path in builder.info.splits[dataset.tfds_features[split]].filepaths]
        found = list(_rows(dataset, shards))
        if len(found) != expected:
            raise DataError(
                f"data set {dataset.name!r}: split {split} of {builder.data_dir} has {len(found)} rows, not {expected}"
            )
        contents, labels, places = zip(*found, strict=True)
        arrays[f"{split}_inputs"] = np.frombuffer(b"".join(contents), np.uint8).reshape(len(found), -1)
        arrays[f"{split}_labels"] = np.array(labels, np.int32)
        arrays[f"{split}_places"] = np.array(places, np.int64)
        arrays[f"{split}_shards"] = np.array(shards)
    return arrays


def _rows(dataset: Dataset, shards: list[str]) -> Iterator[tuple[bytes, int, tuple[int, ...]]]:
    import tensorflow as tf

    for shard, path in enumerate(shards):
        first = 0
        try:
            for record in tf.data.TFRecordDataset(path).as_numpy_iterator():
                content, label, size = _example(dataset, record)
                start = first + _BEFORE + record.index(content)
                yield hashlib.sha256(content).digest(), label, (shard, start, len(content), *size)
                first += _BEFORE + len(record) + _AFTER
        except tf.errors.OpError as error:
            raise DataError(f"data set {dataset.name!r}: {path} cannot be read ({error.message})") from error


def _example(dataset: Dataset, record: bytes) -> tuple[bytes, int, tuple[int, ...]]:
    """The JPEG file in a record, its label, and the image's height and width."""
    import tensorflow as tf

    features = tf.train.Example.FromString(record).features.feature
    content = features[dataset.tfds_features["inputs"]].bytes_list.value[0]
    label = features[dataset.tfds_features["labels"]].int64_list.value[0]
    height, width, _ = tf.io.extract_jpeg_shape(content).numpy().tolist()
    return content, int(label), (height, width)
