"""A few hundred JPEG files in the form in which TFDS keeps ImageNet, and what TensorFlow reads of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from trainband.benchmarks.batches import BatchSource
from trainband.benchmarks.data.cache import PreparedData, load
from trainband.benchmarks.data.streamed import StreamedImages
from trainband.models.dataset_spec import Dataset
from trainband.models.specs import Recipe
from trainband.results.codec import decode

CLASSES = 4
COPIES = 3


def _photographs(count: int, seed: int, copies: int) -> Iterator[dict[str, Any]]:
    """Noisy rectangles of many sizes whose brightness is their class; the first `copies` are equal for every seed."""
    import tensorflow as tf

    for index in range(count):
        rng = np.random.default_rng([0 if index < copies else seed, index])
        height, width = rng.integers(24, 160, 2)
        label = int(rng.integers(CLASSES))
        ramp = np.linspace(-16, 16, width)[None, :, None]
        pixels = 40 + 56 * label + ramp + rng.normal(0, 4, (height, width, 3))
        image = np.clip(pixels, 0, 255).astype(np.uint8)
        yield {"image": tf.io.encode_jpeg(image, quality=90).numpy(), "label": label}


def make(folder: str, train: int, test: int) -> None:
    """Write `folder`/imagenet2012/5.1.0 with a train and a validation split; COPIES files stand in both."""
    import tensorflow_datasets as tfds

    tfds.disable_progress_bar()
    features = tfds.features.FeaturesDict(
        {
            "image": tfds.features.Image(encoding_format="jpeg"),
            "label": tfds.features.ClassLabel(num_classes=CLASSES),
        }
    )
    tfds.dataset_builders.store_as_tfds_dataset(
        name="imagenet2012",
        version="5.1.0",
        features=features,
        split_datasets={
            "train": list(enumerate(_photographs(train, 1, COPIES))),
            "validation": list(enumerate(_photographs(test, 2, COPIES))),
        },
        data_dir=folder,
    )


def stored(folder: str, split: str) -> dict[str, list[Any]]:
    """What TFDS itself reads of a split, in stored order."""
    import tensorflow as tf
    import tensorflow_datasets as tfds

    builder = tfds.builder("imagenet2012:5.1.0", data_dir=folder)
    decoders = {"image": tfds.decode.SkipDecoding()}
    rows = list(tfds.as_numpy(builder.as_dataset(split=split, decoders=decoders, shuffle_files=False)))
    return {
        "digests": [hashlib.sha256(row["image"]).hexdigest() for row in rows],
        "labels": [int(row["label"]) for row in rows],
        "sizes": [list(tf.io.decode_jpeg(row["image"]).shape[:2]) for row in rows],
    }


def _images(row: Dataset, cache_root: str) -> tuple[StreamedImages, PreparedData]:
    data = load(row, Path(cache_root))
    return StreamedImages(row, data.arrays, "train", backend="tensorflow"), data


def crops(dataset: dict[str, Any], cache_root: str) -> list[int]:
    """The largest difference in a pixel between a crop in its own size and the whole image, cut: of 20 images."""
    import tensorflow as tf

    row = decode(Dataset, dataset)
    images, data = _images(row, cache_root)
    height, width, _ = row.input_shape
    differences = []
    for index, (_, _, _, tall, wide) in enumerate(data.arrays["train_places"][:20].tolist()):
        box = np.array([(tall - height) // 2, (wide - width) // 3, height, width], np.int32)
        whole = tf.io.decode_jpeg(images._files.read(index), dct_method="INTEGER_ACCURATE").numpy()
        cut = whole[box[0] : box[0] + height, box[1] : box[1] + width].astype(int)
        for mirror, expected in ((False, cut), (True, cut[:, ::-1])):
            (batch,) = images._decoded(np.array([index]), box[None], np.array([mirror]), 1)
            differences.append(int(np.abs(batch[0] - expected).max()))
    return differences


def checksums(dataset: dict[str, Any], recipe: dict[str, Any], cache_root: str, seed: int, first: int) -> list[int]:
    """Those of the batches of epoch 1 from its `first` on."""
    row = decode(Dataset, dataset)
    images, data = _images(row, cache_root)
    labels = data.arrays["train_labels"]
    source = BatchSource(images, labels, recipe=decode(Recipe, recipe), seed=seed, random_layers=1)
    for batch in source.epoch(1, first):
        assert batch.inputs.shape[1:] == row.input_shape
        assert batch.inputs.dtype == np.uint8
    return source.checksums
