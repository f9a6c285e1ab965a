"""Images that stay in the files of a TFDS data_dir and are decoded as they are needed, by tf.data.

The order, the crops and the flips come from NumPy; TensorFlow reads nothing but pixels, whichever backend trains.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from trainband.benchmarks.augmentation import Apply, central_boxes, flips, random_resized_boxes
from trainband.benchmarks.data.cache import DataCorruptError, DataError
from trainband.models.dataset_spec import Dataset

_PREFETCHED_BATCHES = 2


class StreamedImages:
    """`Rows` of one split, in stored order."""

    on_files = True

    def __init__(self, dataset: Dataset, arrays: Mapping[str, np.ndarray], split: str, *, backend: str) -> None:
        """The split called `split` among the prepared `arrays` of `dataset` (see `readers.jpeg_places`).

        Raises:
          DataError: TensorFlow is missing.
          DataCorruptError: a file is gone.
        """
        self._dataset = dataset
        self._contents = arrays[f"{split}_inputs"]
        self._places = arrays[f"{split}_places"]
        self._files = _Files(dataset, arrays, split)
        self._tf = _tensorflow(dataset, backend)
        self.row_bytes = int(np.prod(dataset.input_shape))

    def __len__(self) -> int:
        return len(self._contents)

    def fed(
        self, order: np.ndarray, draws: np.ndarray | None, batch: int, augment: Apply | None
    ) -> Iterator[np.ndarray]:
        """uint8 [batch, height, width, channel], cut and flipped by `draws`, see `random_resized_boxes`."""
        if draws is None:
            raise ValueError(
                f"data set {self._dataset.name!r}: its images are cropped at random, and there are no draws"
            )
        boxes = random_resized_boxes(self._places[order, 3:5], draws)
        yield from self._decoded(order, boxes, flips(draws), batch)

    def evaluated(self, size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """The central crop of each image, and the SHA-256 of its file as read: uint8 [size, 32]."""
        rows = np.arange(len(self))
        read: list[bytes] = []
        images = self._decoded(rows, central_boxes(self._places[:, 3:5]), np.zeros(len(self), bool), size, digests=read)
        for first, batch in zip(range(0, len(self), size), images, strict=True):
            found = b"".join(read[first : first + size])
            yield batch, np.frombuffer(found, np.uint8).reshape(-1, hashlib.sha256().digest_size)

    def checksum(self) -> int:
        """Of the files' SHA-256, as prepared."""
        return zlib.crc32(np.ascontiguousarray(self._contents).data)

    def versions(self) -> dict[str, str]:
        """What decodes, for the record."""
        return {"tensorflow": str(self._tf.__version__)}

    def _decoded(
        self, rows: np.ndarray, boxes: np.ndarray, mirrored: np.ndarray, batch: int, digests: list[bytes] | None = None
    ) -> Iterator[np.ndarray]:
        tf = self._tf
        failures: list[DataError] = []

        def examples() -> Iterator[tuple[bytes, np.ndarray, bool]]:
            for row, box, mirror in zip(rows.tolist(), boxes, mirrored.tolist(), strict=True):
                try:
                    content = self._files.read(row)
                except DataError as error:  # TensorFlow would make a text of it
                    failures.append(error)
                    raise
                if digests is not None:
                    digests.append(hashlib.sha256(content).digest())
                yield content, box, mirror

        types = (tf.TensorSpec((), tf.string), tf.TensorSpec((4,), tf.int32), tf.TensorSpec((), tf.bool))
        images = (
            tf.data.Dataset.from_generator(examples, output_signature=types)
            .map(self._decode, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
            .batch(batch)
            .prefetch(_PREFETCHED_BATCHES)
        )
        try:
            yield from images.as_numpy_iterator()
        except tf.errors.OpError as error:
            if failures:
                raise failures[0] from error
            raise DataCorruptError(
                f"data set {self._dataset.name!r}: an image cannot be decoded ({str(error).splitlines()[0]}); "
                f"run `trainband data verify {self._dataset.name}`"
            ) from error

    def _decode(self, content: Any, box: Any, mirror: Any) -> Any:
        """The crop `box` of a JPEG file, resized with antialiasing: uint8 [height, width, channel]."""
        tf = self._tf
        height, width, channels = self._dataset.input_shape
        image = tf.io.decode_and_crop_jpeg(content, box, channels=channels, dct_method="INTEGER_ACCURATE")
        image = tf.image.resize(image, (height, width), antialias=True)
        image = tf.cast(tf.clip_by_value(tf.round(image), 0, 255), tf.uint8)
        return tf.where(mirror, image[:, ::-1], image)


def check_files(dataset: Dataset, arrays: Mapping[str, np.ndarray]) -> None:
    """Read every file that the prepared `arrays` name, and compare its SHA-256.

    Raises:
      DataCorruptError: a file is gone or holds something else.
    """
    for split in ("train", "test"):
        files = _Files(dataset, arrays, split)
        for row, digest in enumerate(arrays[f"{split}_inputs"]):
            if hashlib.sha256(files.read(row)).digest() != digest.tobytes():
                raise files.damaged(row, f"holds another image {row} of split {split} than prepared")


class _Files:
    """The images of one split where they lie, each file of records open from its first use on."""

    def __init__(self, dataset: Dataset, arrays: Mapping[str, np.ndarray], split: str) -> None:
        self._dataset = dataset
        self._places = arrays[f"{split}_places"]
        self._paths = [str(path) for path in arrays[f"{split}_shards"]]
        self._open: dict[int, int] = {}
        for path in self._paths:
            if not os.path.exists(path):
                raise self._error(path, "is gone")

    def read(self, row: int) -> bytes:
        """The bytes of one image."""
        shard, offset, length, *_ = (int(number) for number in self._places[row])
        if shard not in self._open:
            self._open[shard] = os.open(self._paths[shard], os.O_RDONLY)
        content = os.pread(self._open[shard], length, offset)
        if len(content) != length:
            raise self.damaged(row, f"ends before byte {offset + length}")
        return content

    def damaged(self, row: int, what: str) -> DataCorruptError:
        """The error of the file that image `row` lies in."""
        return self._error(self._paths[int(self._places[row, 0])], what)

    def _error(self, path: str, what: str) -> DataCorruptError:
        name = self._dataset.name
        return DataCorruptError(
            f"data set {name!r}: {path} {what}; run `trainband data prepare {name} --force --data-dir=DIR`"
        )


def _tensorflow(dataset: Dataset, backend: str) -> Any:
    try:
        import tensorflow as tf
    except ModuleNotFoundError as error:
        raise DataError(
            f"data set {dataset.name!r} is decoded by tf.data, whichever backend trains: install tensorflow-cpu beside "
            f"{backend}"
        ) from error
    if backend != "tensorflow":
        tf.config.set_visible_devices([], "GPU")
    return tf
