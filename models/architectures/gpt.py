"""Language models of GPT-2's form: pre-norm blocks, learned positions, one table for tokens and logits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras

from trainband.models.architectures.transformer_blocks import Activation, attend, feed_forward
from trainband.models.layers.kit import LayerKit


@dataclass(frozen=True, kw_only=True)
class GptSize:
    """Widths and depths; `bias` is in dense layers and layer norms, `dropout` after embedding, sub-layers, softmax."""

    vocabulary: int
    context: int
    layers: int
    heads: int
    width: int
    dropout: float
    bias: bool
    activation: Activation


def language_model(kit: LayerKit, size: GptSize, *, time: int, token_dtype: str, name: str) -> Any:
    """Logits float32 [batch, time, vocabulary] from tokens `token_dtype` [batch, time].

    Kernels and tables start normal with sd 0.02, those that end a residual branch with 0.02 / sqrt(2 layers)
    (Radford et al. 2019, section 2.3).
    """
    tokens = keras.Input((time,), dtype=token_dtype, name="tokens")
    table = kit.token_embedding(name="embed", vocabulary=size.vocabulary, width=size.width, initializer=_normal(0.02))
    x = kit.positions(name="positions", length=size.context, initializer=_normal(0.02))(table(tokens))
    x = _drop(kit, size, x, name="embed_drop")
    for layer in range(size.layers):
        x = _block(kit, size, x, name=f"block{layer}")
    x = _norm(kit, size, x, name="last_norm")
    return keras.Model(tokens, table(x, reverse=True), name=name)


def _block(kit: LayerKit, size: GptSize, x: Any, *, name: str) -> Any:
    starts = {"initializer": _normal(0.02), "output_initializer": _normal(0.02 * (2 * size.layers) ** -0.5)}
    y = _norm(kit, size, x, name=f"{name}_attention_norm")
    y = attend(
        kit,
        y,
        y,
        heads=size.heads,
        causal=True,
        dropout=size.dropout,
        use_bias=size.bias,
        name=f"{name}_attention",
        **starts,
    )
    x = keras.layers.Add(name=f"{name}_attention_add")([x, _drop(kit, size, y, name=f"{name}_attention_drop")])
    y = _norm(kit, size, x, name=f"{name}_mlp_norm")
    y = feed_forward(
        kit, y, width=4 * size.width, activation=size.activation, use_bias=size.bias, name=f"{name}_mlp", **starts
    )
    return keras.layers.Add(name=f"{name}_mlp_add")([x, _drop(kit, size, y, name=f"{name}_mlp_drop")])


def _norm(kit: LayerKit, size: GptSize, x: Any, *, name: str) -> Any:
    return kit.layer_norm(epsilon=1e-5, center=size.bias, name=name)(x)


def _drop(kit: LayerKit, size: GptSize, x: Any, *, name: str) -> Any:
    return kit.dropout(size.dropout, name=name)(x) if size.dropout else x


def _normal(sd: float) -> Any:
    return keras.initializers.RandomNormal(stddev=sd)
