"""Architectures too small for the catalog."""

from __future__ import annotations

from typing import Any

import keras

from trainband.models.layers.kit import LayerKit


def embedding(kit: LayerKit) -> Any:
    """Logits float32 [batch, 3] from tokens uint8 [batch, 4] below 8."""
    inputs = keras.Input((4,), dtype="uint8", name="tokens")
    x = keras.layers.Embedding(8, 5, name="embed")(inputs)
    x = keras.layers.Flatten(name="flatten")(x)
    return keras.Model(inputs, keras.layers.Dense(3, dtype="float32", name="logits")(x), name="tiny_embedding")


def plain(kit: Any) -> Any:
    """No random layer and no statistics, so that a step's logits can be had beforehand."""
    inputs = keras.Input((8, 8, 1), dtype="uint8", name="images")
    x = keras.layers.Flatten(name="flatten")(kit.rescale(name="rescale", scale=1 / 16)(inputs))
    x = keras.layers.Dense(32, activation="relu", name="hidden")(x)
    return keras.Model(inputs, keras.layers.Dense(10, name="logits")(x), name="plain")


def dropping(kit: Any) -> Any:
    """A random layer of Keras's own."""
    inputs = keras.Input((8, 8, 1), dtype="uint8", name="images")
    x = keras.layers.Flatten(name="flatten")(kit.rescale(name="rescale", scale=1 / 16)(inputs))
    x = keras.layers.Dropout(0.5, seed=1, name="drop")(x)
    return keras.Model(inputs, keras.layers.Dense(10, name="logits")(x), name="dropping")
