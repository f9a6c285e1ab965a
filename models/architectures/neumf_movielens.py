"""Neural matrix factorisation: a product of factors and a perceptron over user and item vectors, on MovieLens ratings.

Costs: not measured yet.
Reaches: not measured yet.
Source: He, Liao, Zhang, Nie, Hu and Chua 2017, "Neural collaborative filtering", section 3.4.
"""

from __future__ import annotations

from typing import Any

import keras

from trainband.models.layers.kit import LayerKit

USERS, ITEMS = 610, 9724
FACTORS = 8


def build(kit: LayerKit) -> Any:
    """Logits float32 [batch, 1] from the numbers of a user and an item, int32 [batch, 2]."""
    inputs = keras.Input((2,), dtype="int32", name="pairs")
    user, item = inputs[:, 0], inputs[:, 1]
    factors = keras.layers.Multiply(name="product")(
        [_vector(user, USERS, FACTORS, "user_factors"), _vector(item, ITEMS, FACTORS, "item_factors")]
    )
    x = keras.layers.Concatenate(name="pair")(
        [_vector(user, USERS, 4 * FACTORS, "user_vector"), _vector(item, ITEMS, 4 * FACTORS, "item_vector")]
    )
    for index, width in enumerate((4 * FACTORS, 2 * FACTORS, FACTORS)):
        x = keras.layers.Dense(width, activation="relu", name=f"hidden{index}")(x)
    x = keras.layers.Concatenate(name="both")([factors, x])
    x = keras.layers.Dense(1, kernel_initializer="lecun_uniform", dtype="float32", name="logits")(x)
    return keras.Model(inputs, x, name="neumf_movielens")


def _vector(numbers: Any, count: int, width: int, name: str) -> Any:
    start = keras.initializers.RandomNormal(stddev=0.01)
    return keras.layers.Embedding(count, width, embeddings_initializer=start, name=name)(numbers)
