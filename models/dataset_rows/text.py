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

# The vocabulary is the words that occur at least twice in training; no text is longer than 28 words. 3 test questions
# stand in training letter for letter, 18 word for word, and 80 once rare words are all one unknown word.
CLINC_OOS = Dataset(
    name="clinc_oos",
    title="CLINC150, intents of questions to an assistant; in scope only",
    version="0.1.0",
    origin="tfds",
    tfds_name="clinc_oos",
    mirror_folder="clinc_oos",
    reader="words",
    tfds_features={"inputs": "text", "labels": "intent"},
    settings={"length": 28, "vocabulary": 2_801},
    input_shape=(28,),
    input_dtype="int32",
    input_maximum=2_800,
    classes=150,
    n_train=15_000,
    n_test=4_500,
    digests={
        "train_inputs": "1e2a51aa410eead06496152745f415b0e4e7fba26ee6da83c57830d775a02640",
        "train_labels": "2ef06330dda34358a3f04144061da19a378d41ef9abd951a68fac37b1fbebe78",
        "test_inputs": "7b200ba145317dcea327efd908cf1cf8eabb23ca1f6007cb0217eef3844cff53",
        "test_labels": "23ffddcc799902cb8e0359e04f8a4d16d14db0f2151b5ec96b8d28ae168ea4cf",
    },
    shared_rows=80,
    licence="CC BY 3.0",
    source="S. Larson et al.: An Evaluation Dataset for Intent Classification, EMNLP-IJCNLP 2019",
)

# Of the 27,083 words in training 9,659 occur three times or more; two comments are longer than 32 words, and cut. 37
# test comments stand in training letter for letter ("I agree."), 109 word for word, 132 once rare words are one word.
GOEMOTIONS = Dataset(
    name="goemotions",
    title="GoEmotions, 28 emotions of Reddit comments, several at once",
    version="0.1.0",
    origin="tfds",
    tfds_name="goemotions",
    mirror_folder="goemotions",
    reader="words",
    tfds_features={"inputs": "comment_text"},
    settings={"length": 32, "vocabulary": 10_000},
    input_shape=(32,),
    input_dtype="int32",
    input_maximum=9_999,
    label_shape=(28,),
    classes=2,
    n_train=43_410,
    n_test=5_427,
    digests={
        "train_inputs": "ee327962d2c0d180de6b08970ee71cf752a24fba144f84511c176003b3b19e31",
        "train_labels": "7e603fd022d4f221e64a004d013a3e98decbb8bbed00a1c9c4e33dfcdb7c4b1b",
        "test_inputs": "71ed583a64209c112aff348290e1882c91e3811e85f64299d92882973da379e5",
        "test_labels": "3fd37c011cce4fde7c3a3d5dbf0d37ebf7029e6105c9ca70e5e24eeb02b8df1a",
    },
    shared_rows=132,
    licence="CC BY 4.0",
    source="D. Demszky et al.: GoEmotions: A Dataset of Fine-Grained Emotions, ACL 2020",
)
