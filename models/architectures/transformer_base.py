"""Transformer, base size, for translation with one table of 37,000 tokens for both languages: 63.0 M parameters.

Costs: not measured yet.
Reaches: not trained here; published: BLEU 27.3 on newstest2014, English to German (100,000 steps).
Source: Vaswani et al. 2017, "Attention is all you need", sections 3 and 5 and table 3, which counts 65 M parameters;
37,000 rows and the layers of section 3 make 63.0 M. Projections of attention have no bias, as in the authors' code.
"""

from __future__ import annotations

from typing import Any

import keras

from trainband.models.architectures.transformer_blocks import attend, feed_forward
from trainband.models.layers.kit import LayerKit

VOCABULARY = 37_000
PADDING = 0
_LAYERS, _HEADS, _WIDTH, _DROPOUT = 6, 8, 512, 0.1


def build(kit: LayerKit, *, time: int = 128) -> Any:
    """Logits float32 [batch, time, 37000] of each next target token.

    Input is int32 [batch, 2, time]: the source, then the target moved one place to the right behind its start token.
    Both end in zeros, the padding; padded places of the target give logits that a loss leaves out.
    """
    inputs = keras.Input((2, time), dtype="int32", name="source_and_target")
    source = kit.pick(0, name="source")(inputs)
    keep = kit.keep_mask(name="keep", padding=PADDING)(source)
    table = kit.token_embedding(
        name="embed",
        vocabulary=VOCABULARY,
        width=_WIDTH,
        initializer=keras.initializers.RandomNormal(stddev=_WIDTH**-0.5),
    )
    memory = _embedded(kit, table(source), name="encoder")
    for layer in range(_LAYERS):
        memory = _encoder_block(kit, memory, keep, name=f"encoder{layer}")
    x = _embedded(kit, table(kit.pick(1, name="target")(inputs)), name="decoder")
    for layer in range(_LAYERS):
        x = _decoder_block(kit, x, memory, keep, name=f"decoder{layer}")
    return keras.Model(inputs, table(x, reverse=True), name="transformer_base")


def _embedded(kit: LayerKit, x: Any, *, name: str) -> Any:
    return kit.dropout(_DROPOUT, name=f"{name}_embed_drop")(kit.sinusoids(name=f"{name}_places")(x))


def _encoder_block(kit: LayerKit, x: Any, keep: Any, *, name: str) -> Any:
    y = attend(kit, x, x, heads=_HEADS, keep=keep, use_bias=False, name=f"{name}_attention")
    return _feed_forward(kit, _add(kit, x, y, name=f"{name}_attention"), name=f"{name}_mlp")


def _decoder_block(kit: LayerKit, x: Any, memory: Any, keep: Any, *, name: str) -> Any:
    y = attend(kit, x, x, heads=_HEADS, causal=True, use_bias=False, name=f"{name}_attention")
    x = _add(kit, x, y, name=f"{name}_attention")
    y = attend(kit, x, memory, heads=_HEADS, keep=keep, use_bias=False, name=f"{name}_source")
    return _feed_forward(kit, _add(kit, x, y, name=f"{name}_source"), name=f"{name}_mlp")


def _feed_forward(kit: LayerKit, x: Any, *, name: str) -> Any:
    return _add(kit, x, feed_forward(kit, x, width=4 * _WIDTH, activation="relu", name=name), name=name)


def _add(kit: LayerKit, x: Any, y: Any, *, name: str) -> Any:
    y = kit.dropout(_DROPOUT, name=f"{name}_drop")(y)
    y = keras.layers.Add(name=f"{name}_add")([x, y])
    return kit.layer_norm(epsilon=1e-6, name=f"{name}_norm")(y)
