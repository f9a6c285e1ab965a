"""Convolutional denoising autoencoder on Fashion-MNIST: a quarter of the pixels is masked, all are asked for.

Costs: not measured yet.
Reaches: not measured yet.
Source: Vincent, Larochelle, Lajoie, Bengio and Manzagol 2010, "Stacked denoising autoencoders" (masking noise).
"""

from __future__ import annotations

from typing import Any

import keras

from trainband.models.layers.kit import LayerKit


def build(kit: LayerKit) -> Any:
    """Images float32 [batch, 28, 28, 1] as fractions of full intensity, from images uint8 [batch, 28, 28, 1]."""
    inputs = keras.Input((28, 28, 1), dtype="uint8", name="images")
    x = kit.rescale(name="rescale", scale=1 / 255)(inputs)
    x = kit.dropout(0.25, name="mask")(x)
    for index, width in enumerate((16, 32)):
        x = keras.layers.Conv2D(
            width, 3, strides=2, padding="same", activation="relu", kernel_initializer="he_normal", name=f"down{index}"
        )(x)
    x = keras.layers.Flatten(name="flatten")(x)
    x = keras.layers.Dense(64, name="code")(x)
    x = keras.layers.Dense(7 * 7 * 32, activation="relu", kernel_initializer="he_normal", name="expand")(x)
    x = keras.layers.Reshape((7, 7, 32), name="grid")(x)
    for index, width in enumerate((16, 8)):
        x = keras.layers.UpSampling2D(2, name=f"grow{index}")(x)
        x = keras.layers.Conv2D(
            width, 3, padding="same", activation="relu", kernel_initializer="he_normal", name=f"up{index}"
        )(x)
    x = keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid", dtype="float32", name="image")(x)
    return keras.Model(inputs, x, name="autoencoder_fashion_mnist")
