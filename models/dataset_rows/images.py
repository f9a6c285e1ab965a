"""Data sets of images."""

from __future__ import annotations

from trainband.models.dataset_spec import Dataset

DIGITS = Dataset(
    name="digits",
    title="UCI handwritten digits, 8 x 8 (scikit-learn)",
    version="1",
    origin="embedded",
    tfds_name=None,
    mirror_folder=None,
    input_shape=(8, 8, 1),
    input_maximum=16,
    classes=10,
    n_train=1437,
    n_test=360,
    split_seed=1797,
    digests={
        "train_inputs": "2709555aaa38f2f9de0b81f3df662ce16ead9efd5e0ebb669b4fe1f1f3f82988",
        "train_labels": "5cd2f207c1c19cbf85a3dadb5f2cae33861b2940306976fc4f41e821d2e32b90",
        "test_inputs": "1ed7eef8afe145bc45f1defbe4b97ac30681e8d3e7dd88b57467454075050323",
        "test_labels": "8d97e3f270351cb1ce6d900de4c688cbda199d8c9a23f8d8c5de05deacd5befd",
    },
    shared_rows=0,
    licence="CC BY 4.0",
    source="E. Alpaydin, C. Kaynak: Optical Recognition of Handwritten Digits, UCI 1998; sklearn.datasets.load_digits",
)

MNIST = Dataset(
    name="mnist",
    title="MNIST handwritten digits",
    version="3.0.1",
    origin="tfds",
    tfds_name="mnist",
    mirror_folder="mnist",
    tfds_features={"inputs": "image", "labels": "label"},
    input_shape=(28, 28, 1),
    input_maximum=255,
    classes=10,
    n_train=60_000,
    n_test=10_000,
    digests={
        "train_inputs": "ad6be79b6d0b32e13bb2202c06a76d2aae466209a9c0efacd207a87089fceebc",
        "train_labels": "f79b66175e66088af1b60cd641688fb6f03e1134155347b9d47e59c32941055d",
        "test_inputs": "06462d6b2f4742ce7af76fd354c0baa8565dfc9bfa1f76e9562698e2e25d3396",
        "test_labels": "42a9ee431be702ffaf0d8dd1ebb27fb6e0a5e5aed7da4eb88d9c5cf1d8e47ee5",
    },
    shared_rows=0,
    licence="CC BY-SA 3.0 (as usually stated)",
    source="Y. LeCun, C. Cortes, C. Burges: The MNIST database of handwritten digits, 1998",
)

FASHION_MNIST = Dataset(
    name="fashion_mnist",
    title="Fashion-MNIST, articles of clothing",
    version="3.0.1",
    origin="tfds",
    tfds_name="fashion_mnist",
    mirror_folder="fashion_mnist",
    tfds_features={"inputs": "image", "labels": "label"},
    input_shape=(28, 28, 1),
    input_maximum=255,
    classes=10,
    n_train=60_000,
    n_test=10_000,
    digests={
        "train_inputs": "d7dd01088eea96c98c49e02a86db09b2d0c72fc2289c391b56cf8a697b5d5ac6",
        "train_labels": "fb46a54d40bfc6d6308a12974bbf60d263d36aff18672690189daf09f4ef8e09",
        "test_inputs": "a2af0f426f258b9702b8ca16c4a2805f340b3b52c19151fec94c4b5e4c69b11b",
        "test_labels": "48fbb854d2e975939e1796b9be06c288aa25513abadb8801f2362b0a374eede2",
    },
    shared_rows=0,
    licence="MIT",
    source="H. Xiao, K. Rasul, R. Vollgraf: Fashion-MNIST, arXiv:1708.07747, 2017",
)

CIFAR10 = Dataset(
    name="cifar10",
    title="CIFAR-10, small colour photographs",
    version="3.0.2",
    origin="tfds",
    tfds_name="cifar10",
    mirror_folder=None,
    tfds_features={"inputs": "image", "labels": "label"},
    input_shape=(32, 32, 3),
    input_maximum=255,
    classes=10,
    n_train=50_000,
    n_test=10_000,
    digests={
        "train_inputs": "bd4b71ff9927404a055f70e2847a1078d47151b1159d8330be20edcb3fc0fe67",
        "train_labels": "d1be13f0a283605908e904d754963c722a5bcd9abf1d269851eed3bac91ad07a",
        "test_inputs": "dd328d839817270e1bbe2f3f380ec09d1c4e22b5538b09db92f1dd85dbe600b7",
        "test_labels": "4c6ae6b2d792321e345525427b702283f362a9387c0a5bb4981986e21a4fbe2d",
    },
    shared_rows=0,
    licence="none stated by the authors; cite Krizhevsky 2009",
    source="A. Krizhevsky: Learning Multiple Layers of Features from Tiny Images, 2009",
)

# TFDS prepares it from archives that its owner gives out to registered users; nobody here has prepared it, so that its
# digests, and whether files of the two splits are equal, are unknown.
IMAGENET2012 = Dataset(
    name="imagenet2012",
    title="ImageNet, 1,000 classes of photographs (ILSVRC 2012)",
    version="5.1.0",
    origin="tfds",
    tfds_name="imagenet2012",
    mirror_folder=None,
    reader="jpeg_places",
    tfds_features={"train": "train", "test": "validation", "inputs": "image", "labels": "label"},
    input_shape=(224, 224, 3),
    input_maximum=255,
    classes=1000,
    n_train=1_281_167,
    n_test=50_000,
    digests={},
    shared_rows=0,
    licence="for research without profit (image-net.org)",
    source="O. Russakovsky et al.: ImageNet Large Scale Visual Recognition Challenge, 2015",
)
