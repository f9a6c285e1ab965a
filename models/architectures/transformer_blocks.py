"""Sub-layers that the transformers share: projections around attention, and the feed-forward pair."""

from __future__ import annotations

from typing import Any, Literal

import keras

from trainband.models.layers.kit import LayerKit

Activation = Literal["relu", "gelu", "gelu_tanh"]


def attend(
    kit: LayerKit,
    query: Any,
    memory: Any,
    *,
    heads: int,
    name: str,
    keep: Any = None,
    causal: bool = False,
    dropout: float = 0.0,
    use_bias: bool = True,
    initializer: Any = "glorot_uniform",
    output_initializer: Any = None,
) -> Any:
    """Multi-head attention of `query` over `memory`, its four projections included.

    Args:
      query: float [batch, time, width].
      memory: float [batch, time of the keys, width]; `query` itself for self-attention.
      heads: parts of the width that attend on their own.
      name: prefix of the layers' names.
      keep: bool [batch, time of the keys], True where a key may be seen; None for all.
      causal: each place sees itself and those before it.
      dropout: share of the attention's weights that is dropped.
      use_bias: of all four projections.
      initializer: of the kernels of query, key and value.
      output_initializer: of the last projection's kernel; `initializer` where None.

    Returns:
      float [batch, time, width].
    """
    width = int(query.shape[-1])

    def project(x: Any, part: str, start: Any) -> Any:
        return keras.layers.Dense(width, use_bias=use_bias, kernel_initializer=start, name=f"{name}_{part}")(x)

    parts = [project(query, "query", initializer)]
    parts += [project(memory, part, initializer) for part in ("key", "value")]
    parts += [] if keep is None else [keep]
    x = kit.attention(name=f"{name}_heads", heads=heads, causal=causal, dropout=dropout)(parts)
    return project(x, "out", output_initializer or initializer)


def feed_forward(
    kit: LayerKit,
    x: Any,
    *,
    width: int,
    activation: Activation,
    name: str,
    use_bias: bool = True,
    initializer: Any = "glorot_uniform",
    output_initializer: Any = None,
) -> Any:
    """Two dense layers with `activation` between them: float [batch, time, in], the first to `width` and back."""
    inner = keras.layers.Dense(width, use_bias=use_bias, kernel_initializer=initializer, name=f"{name}_in")(x)
    inner = activated(kit, inner, activation, name=f"{name}_activation")
    last = output_initializer or initializer
    return keras.layers.Dense(int(x.shape[-1]), use_bias=use_bias, kernel_initializer=last, name=f"{name}_out")(inner)


def activated(kit: LayerKit, x: Any, activation: Activation, *, name: str) -> Any:
    """`gelu_tanh` is the approximation by tanh, as GPT-2 and BERT have it."""
    if activation == "relu":
        return keras.layers.ReLU(name=name)(x)
    return kit.gelu(name=name, approximate=activation == "gelu_tanh")(x)
