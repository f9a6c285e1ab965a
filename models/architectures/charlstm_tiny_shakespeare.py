"""One LSTM layer that predicts the next character of Shakespeare's plays.

Costs: 349,569 parameters; 102 s of training at tier short (two cores of an Intel Xeon, TensorFlow 2.21).
Reaches: log-loss 1.682, sd 0.8%; accuracy 0.5026, sd 0.0038 (n = 20, tier short, TensorFlow 2.21).
Source: Karpathy 2015, "The unreasonable effectiveness of recurrent neural networks" (char-rnn).
"""

from __future__ import annotations

from typing import Any

import keras

from trainband.models.layers.kit import LayerKit


def build(kit: LayerKit) -> Any:
    """Logits float32 [batch, 64, 65] from characters uint8 [batch, 64]."""
    inputs = keras.Input((64,), dtype="uint8", name="characters")
    x = keras.layers.Embedding(65, 64, embeddings_initializer="uniform", name="embedding")(inputs)
    x = keras.layers.LSTM(
        256, return_sequences=True, recurrent_initializer="glorot_uniform", unit_forget_bias=False, name="lstm"
    )(x)
    x = keras.layers.Dense(65, dtype=kit.output_dtype, name="logits")(x)
    return keras.Model(inputs, x, name="charlstm_tiny_shakespeare")
