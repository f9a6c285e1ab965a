"""VGG-16 without batch normalisation, 138 M parameters.

Costs: not measured yet.
Reaches: not trained here; published: top-1 accuracy 0.7159 (torchvision, one crop).
Source: Simonyan and Zisserman 2015, "Very deep convolutional networks for large-scale image recognition", table 1, D.
The paper starts the deep nets from a trained shallow one; here convolutions start as He et al. 2015 have it.
"""

from __future__ import annotations

from typing import Any

import keras

from trainband.models.architectures.image_blocks import imagenet_input, logits
from trainband.models.layers.kit import LayerKit

_STAGES = ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))


def build(kit: LayerKit, *, image_size: int = 224, classes: int = 1000) -> Any:
    """Logits float32 [batch, classes] from images uint8 [batch, image_size, image_size, 3]."""
    inputs, x = imagenet_input(kit, image_size)
    for stage, (count, width) in enumerate(_STAGES):
        for layer in range(count):
            x = keras.layers.Conv2D(
                width,
                3,
                padding="same",
                activation="relu",
                kernel_initializer="he_normal",
                name=f"stage{stage}_conv{layer}",
            )(x)
        x = keras.layers.MaxPooling2D(2, name=f"stage{stage}_pool")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    for layer in range(2):
        x = keras.layers.Dense(4096, activation="relu", kernel_initializer=_start(), name=f"hidden{layer}")(x)
        x = kit.dropout(0.5, name=f"drop{layer}")(x)
    return keras.Model(inputs, logits(kit, x, classes, initializer=_start()), name="vgg16")


def _start() -> Any:
    return keras.initializers.RandomNormal(stddev=0.01)
