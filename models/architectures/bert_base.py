"""BERT base, uncased, as a masked language model: 109,514,298 parameters.

Costs: not measured yet.
Reaches: not trained here; published: none for the masked language model; fine-tuned, accuracy 0.846 on MNLI.
Source: Devlin, Chang, Lee and Toutanova 2019, "BERT: pre-training of deep bidirectional transformers for language
understanding", section 3 and appendix A.2; normalisation, activation and initial weights from the authors' code.

The next-sentence output is left out, and with it the pooler: Liu et al. 2019 (RoBERTa) found that it does not help.
Logits are given for every place; a loss takes those of the masked places only.
"""

from __future__ import annotations

from typing import Any

import keras

from trainband.models.architectures.transformer_blocks import activated, attend, feed_forward
from trainband.models.layers.kit import LayerKit

VOCABULARY = 30_522
CONTEXT = 512
PADDING = 0  # the token [PAD]
_LAYERS, _HEADS, _WIDTH, _DROPOUT = 12, 12, 768, 0.1


def build(kit: LayerKit, *, time: int = 128) -> Any:
    """Logits float32 [batch, time, 30522] from int32 [batch, 2, time]: tokens, some masked, then segments 0 and 1."""
    inputs = keras.Input((2, time), dtype="int32", name="tokens_and_segments")
    tokens = kit.pick(0, name="tokens")(inputs)
    keep = kit.keep_mask(name="keep", padding=PADDING)(tokens)
    table = kit.token_embedding(
        name="embed", vocabulary=VOCABULARY, width=_WIDTH, initializer=_start(), output_bias=True
    )
    segments = keras.layers.Embedding(2, _WIDTH, embeddings_initializer=_start(), name="segment_embed")(
        kit.pick(1, name="segments")(inputs)
    )
    x = keras.layers.Add(name="embed_add")([table(tokens), segments])
    x = kit.positions(name="positions", length=CONTEXT, initializer=_start())(x)
    x = kit.dropout(_DROPOUT, name="embed_drop")(_norm(kit, x, name="embed_norm"))
    for layer in range(_LAYERS):
        x = _block(kit, x, keep, name=f"block{layer}")
    x = keras.layers.Dense(_WIDTH, kernel_initializer=_start(), name="head")(x)
    x = _norm(kit, activated(kit, x, "gelu_tanh", name="head_gelu"), name="head_norm")
    return keras.Model(inputs, table(x, reverse=True), name="bert_base")


def _block(kit: LayerKit, x: Any, keep: Any, *, name: str) -> Any:
    y = attend(kit, x, x, heads=_HEADS, keep=keep, dropout=_DROPOUT, initializer=_start(), name=f"{name}_attention")
    x = _add(kit, x, y, name=f"{name}_attention")
    y = feed_forward(kit, x, width=4 * _WIDTH, activation="gelu_tanh", initializer=_start(), name=f"{name}_mlp")
    return _add(kit, x, y, name=f"{name}_mlp")


def _add(kit: LayerKit, x: Any, y: Any, *, name: str) -> Any:
    y = kit.dropout(_DROPOUT, name=f"{name}_drop")(y)
    return _norm(kit, keras.layers.Add(name=f"{name}_add")([x, y]), name=f"{name}_norm")


def _norm(kit: LayerKit, x: Any, *, name: str) -> Any:
    return kit.layer_norm(epsilon=1e-12, name=name)(x)


def _start() -> Any:
    return keras.initializers.TruncatedNormal(stddev=0.02)
