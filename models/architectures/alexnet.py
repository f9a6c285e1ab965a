"""AlexNet in one tower, without local response normalisation: 61,100,840 parameters.

Costs: not measured yet.
Reaches: not trained here; published: top-1 accuracy 0.5652 (torchvision, one crop).
Source: Krizhevsky 2014, "One weird trick for parallelizing convolutional neural networks", in torchvision's form;
first Krizhevsky, Sutskever and Hinton 2012, "ImageNet classification with deep convolutional neural networks".
Convolutions start as He et al. 2015 have it, where the paper has small normal numbers.
"""

from __future__ import annotations

from typing import Any

import keras

from trainband.models.architectures.image_blocks import imagenet_input, logits, pad
from trainband.models.layers.kit import LayerKit


def build(kit: LayerKit, *, image_size: int = 224, classes: int = 1000) -> Any:
    """Logits float32 [batch, classes] from images uint8 [batch, image_size, image_size, 3]; size 63 at least."""
    inputs, x = imagenet_input(kit, image_size)
    x = _conv(pad(x, 2, name="conv0_pad"), 64, 11, stride=4, padding="valid", name="conv0")
    x = keras.layers.MaxPooling2D(3, strides=2, name="pool0")(x)
    x = keras.layers.MaxPooling2D(3, strides=2, name="pool1")(_conv(x, 192, 5, name="conv1"))
    for layer, width in enumerate((384, 256, 256), start=2):
        x = _conv(x, width, 3, name=f"conv{layer}")
    x = keras.layers.MaxPooling2D(3, strides=2, name="pool4")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    for layer in range(2):
        x = kit.dropout(0.5, name=f"drop{layer}")(x)
        x = keras.layers.Dense(4096, activation="relu", kernel_initializer=_start(), name=f"hidden{layer}")(x)
    return keras.Model(inputs, logits(kit, x, classes, initializer=_start()), name="alexnet")


def _conv(x: Any, width: int, size: int, *, name: str, stride: int = 1, padding: str = "same") -> Any:
    return keras.layers.Conv2D(
        width,
        size,
        strides=stride,
        padding=padding,
        activation="relu",
        kernel_initializer="he_normal",
        name=name,
    )(x)


def _start() -> Any:
    return keras.initializers.RandomNormal(stddev=0.01)
