"""LeNet-5 on MNIST: tanh, average pooling, softmax output.

Costs: 61,706 parameters; 19 s of training at tier short (two cores of an Intel Xeon, TensorFlow 2.21).
Reaches: accuracy 0.98763, sd 0.00086; log-loss 0.0374, sd 6.2% (n = 20, tier short, TensorFlow 2.21).
Source: LeCun, Bottou, Bengio and Haffner 1998, "Gradient-based learning applied to document recognition".
"""

from __future__ import annotations

from typing import Any

import keras

from trainband.models.layers.kit import LayerKit


def build(kit: LayerKit) -> Any:
    """Logits float32 [batch, 10] from images uint8 [batch, 28, 28, 1]."""
    inputs = keras.Input((28, 28, 1), dtype="uint8", name="images")
    x = kit.rescale(name="rescale", scale=1 / 255)(inputs)
    x = keras.layers.Conv2D(6, 5, padding="same", activation="tanh", name="c1")(x)
    x = keras.layers.AveragePooling2D(2, name="s2")(x)
    x = keras.layers.Conv2D(16, 5, activation="tanh", name="c3")(x)
    x = keras.layers.AveragePooling2D(2, name="s4")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    x = keras.layers.Dense(120, activation="tanh", name="c5")(x)
    x = keras.layers.Dense(84, activation="tanh", name="f6")(x)
    return keras.Model(inputs, keras.layers.Dense(10, dtype=kit.output_dtype, name="logits")(x), name="lenet5_mnist")
