"""Mean of word vectors and one hidden layer: 28 emotions of Reddit comments, several at once.

Costs: 1,300,124 parameters; 15 s of training at tier short (two cores of an Intel Xeon, TensorFlow 2.21).
Reaches: macro F1 0.3016, sd 0.0041; binary log-loss 0.105, sd 0.3% (n = 20, tier short, TensorFlow 2.21).
Source: Joulin, Grave, Bojanowski and Mikolov 2017, "Bag of tricks for efficient text classification"; the data and
BERT's macro F1: Demszky et al. 2020, "GoEmotions: a dataset of fine-grained emotions", table 4.
"""

from __future__ import annotations

from typing import Any

import keras

from trainband.models.layers.kit import LayerKit

LENGTH, VOCABULARY = 32, 10_000


def build(kit: LayerKit) -> Any:
    """Logits float32 [batch, 28] from words int32 [batch, 32], 0 where there is none."""
    inputs = keras.Input((LENGTH,), dtype="int32", name="words")
    x = keras.layers.Embedding(VOCABULARY, 128, mask_zero=True, embeddings_initializer="uniform", name="embedding")(
        inputs
    )
    x = keras.layers.GlobalAveragePooling1D(name="mean")(x)
    x = kit.dropout(0.3, name="drop")(x)
    x = keras.layers.Dense(128, activation="relu", kernel_initializer="he_normal", name="hidden")(x)
    return keras.Model(inputs, keras.layers.Dense(28, dtype=kit.output_dtype, name="logits")(x), name="bow_goemotions")
