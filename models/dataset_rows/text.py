"""Data sets of text."""

from __future__ import annotations

from dataclasses import replace

from trainband.models.dataset_spec import Dataset

# Windows lie end to end, so that no character is asked for twice; none of them stands in both splits.
TINY_SHAKESPEARE = Dataset(
    name="tiny_shakespeare",
    title="Tiny Shakespeare, windows of 64 characters",
    version="1.0.0",
    origin="tfds",
    tfds_name="tiny_shakespeare",
    mirror_folder="tiny_shakespeare",
    reader="characters",
    settings={"length": 64},
    input_shape=(64,),
    input_maximum=64,
    label_shape=(64,),
    classes=65,
    n_train=15_685,
    n_test=871,
    digests={
        "train_inputs": "25d58bbc807c65f5209e8f20b32305534bd8ae36ef0aeb4b8fe5da3755117062",
        "train_labels": "5e05fd6ae6604b0720a796568799b0fd221d9107d3780f49802a06188f326802",
        "test_inputs": "d525608e5e001eb0e9a7b60797bf36ddad71421468a52cf63e35ab98a5361acd",
        "test_labels": "98c25d06559e5c7ef537bceb7fb997cb7ec0671c6995378791bd569caf25067f",
    },
    shared_rows=0,
    licence="public-domain text; the repository names no licence",
    source="A. Karpathy: char-rnn, github.com/karpathy/char-rnn, 2015; train and test split of TensorFlow Datasets",
)

# The length of the larger published recipe, nanoGPT's config/train_shakespeare_char.py.
TINY_SHAKESPEARE_256 = replace(
    TINY_SHAKESPEARE,
    name="tiny_shakespeare_256",
    title="Tiny Shakespeare, windows of 256 characters",
    settings={"length": 256},
    input_shape=(256,),
    label_shape=(256,),
    n_train=3_921,
    n_test=217,
    digests={
        "train_inputs": "2ad673caefec1bcb06e4c75f382bd0aff81eaf9bd3ab6fd405544b69d2b4d048",
        "train_labels": "5f018d0ab29cae1dd28c8f95f20623d04c8a26195210c142973c0c0da23fb874",
        "test_inputs": "d5b027c25d700f12ce357493d6cfd541e7cb83cf7bd57fbe710b91cf6061eb80",
        "test_labels": "9331c94706d7860d75f481ee0c3d8f5373e289b8b2e1fce88fc401beef4b95a6",
    },
)
