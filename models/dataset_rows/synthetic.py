"""Inputs without meaning, in the shapes of the large models: for throughput, never for quality.

So few rows that they are made in no time; an epoch is short, and recipes repeat it.
"""

from __future__ import annotations

from dataclasses import replace

from trainband.models.dataset_spec import Dataset

SYNTHETIC_IMAGES_224 = Dataset(
    name="synthetic_images_224",
    title="Random pixels in ImageNet's usual shape",
    version="1",
    origin="synthetic",
    tfds_name=None,
    mirror_folder=None,
    input_shape=(224, 224, 3),
    input_maximum=255,
    classes=1000,
    n_train=64,
    n_test=16,
    digests={},
    shared_rows=0,
    licence="none needed",
    source="drawn by NumPy",
)
SYNTHETIC_IMAGES_299 = replace(SYNTHETIC_IMAGES_224, name="synthetic_images_299", input_shape=(299, 299, 3))
SYNTHETIC_TRANSLATION = replace(
    SYNTHETIC_IMAGES_224,
    name="synthetic_translation",
    title="Random pairs of 128 sub-words, source and target",
    input_shape=(2, 128),
    input_dtype="int32",
    input_maximum=36_999,
    label_shape=(128,),
    classes=37_000,
    n_train=32,
    n_test=8,
)
# One range serves both rows, and there are two segments.
SYNTHETIC_SEGMENTS = replace(
    SYNTHETIC_TRANSLATION,
    name="synthetic_segments",
    title="Random rows of 128 tokens with their segments",
    input_maximum=1,
    classes=30_522,
)
SYNTHETIC_TOKENS_1024 = replace(
    SYNTHETIC_TRANSLATION,
    name="synthetic_tokens_1024",
    title="Random rows of 1,024 tokens",
    input_shape=(1024,),
    input_maximum=50_256,
    label_shape=(1024,),
    classes=50_257,
    n_train=8,
    n_test=2,
)
