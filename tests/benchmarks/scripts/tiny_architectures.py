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


# Setting -> what differs in a model whose layers and variables have the same names, shapes and dtypes.
SETTINGS: dict[str, dict[str, Any]] = {
    "none": {},
    "activation": {"activation": "tanh"},
    "rescale": {"scale": 1 / 8},
    "initializer": {"kernel_initializer": "he_normal"},
    "its scale": {"kernel_initializer": keras.initializers.RandomNormal(stddev=0.01)},
    "its other scale": {"kernel_initializer": keras.initializers.RandomNormal(stddev=0.1)},
    "strides": {"strides": 2, "padding": "same"},
    "padding": {"padding": "same"},
    "dropout": {"rate": 0.75},
    "last layer": {"last": "softmax"},
}


def set_otherwise(kit: Any, setting: str) -> Any:
    """One model a setting."""
    changed = {"activation": "relu", "scale": 1 / 16, "kernel_initializer": "glorot_uniform"} | SETTINGS[setting]
    inputs = keras.Input((8, 8, 1), dtype="uint8", name="images")
    x = kit.rescale(name="rescale", scale=changed["scale"])(inputs)
    convolution = {
        name: changed[name] for name in ("activation", "kernel_initializer", "strides", "padding") if name in changed
    }
    x = keras.layers.Conv2D(4, 3, name="conv", **convolution)(x)
    x = kit.dropout(changed.get("rate", 0.5), name="drop")(keras.layers.GlobalAveragePooling2D(name="pool")(x))
    return keras.Model(inputs, keras.layers.Dense(10, activation=changed.get("last"), name="logits")(x), name="set")


def dropping(kit: Any) -> Any:
    """A random layer of Keras's own."""
    inputs = keras.Input((8, 8, 1), dtype="uint8", name="images")
    x = keras.layers.Flatten(name="flatten")(kit.rescale(name="rescale", scale=1 / 16)(inputs))
    x = keras.layers.Dropout(0.5, seed=1, name="drop")(x)
    return keras.Model(inputs, keras.layers.Dense(10, name="logits")(x), name="dropping")
