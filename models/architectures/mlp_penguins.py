"""Perceptron with one hidden layer that tells three species of penguins by their measures.

Costs: 163 parameters; 0.1 s of training at tier short (two cores of an Intel Xeon, TensorFlow 2.21).
Reaches: accuracy 0.9921, sd 0.0059; log-loss 0.029, sd 17% (n = 20, tier short, TensorFlow 2.21).
Source: none; the data are Gorman, Williams and Fraser 2014.
"""

from __future__ import annotations

from typing import Any

import keras

from trainband.models.layers.kit import LayerKit


def build(kit: LayerKit) -> Any:
    """Logits float32 [batch, 3] from standardised measures and sex, float32 [batch, 6]."""
    inputs = keras.Input((6,), dtype="float32", name="measures")
    x = kit.rescale(name="rescale", scale=1.0)(inputs)
    x = keras.layers.Dense(16, activation="relu", kernel_initializer="he_normal", name="hidden")(x)
    return keras.Model(inputs, keras.layers.Dense(3, dtype=kit.output_dtype, name="logits")(x), name="mlp_penguins")
