"""Vision transformers: patches, a class token, pre-norm encoder blocks."""

from __future__ import annotations

from typing import Any

import keras

from trainband.models.architectures.transformer_blocks import attend, feed_forward
from trainband.models.layers.kit import LayerKit


def vision_transformer(
    kit: LayerKit,
    x: Any,
    *,
    patch: int,
    width: int,
    layers: int,
    heads: int,
    classes: int,
    drop_path: float = 0.0,
) -> Any:
    """Logits float32 [batch, classes] from rescaled images, float [batch, height, width, channel].

    Dosovitskiy et al. 2021, section 3.1, with the exact GELU. `drop_path` is the last block's rate of stochastic depth, which
    rises from 0 at the first (Touvron et al. 2021). Kernels start truncated normal with sd 0.02, biases and the class
    token at 0.
    """
    x = keras.layers.Conv2D(width, patch, strides=patch, kernel_initializer=_normal(), name="patches")(x)
    x = keras.layers.Reshape((int(x.shape[1]) * int(x.shape[2]), width), name="sequence")(x)
    x = kit.class_token(name="class_token")(x)
    x = kit.positions(name="positions", length=int(x.shape[1]), initializer=_normal())(x)
    for layer in range(layers):
        x = _block(kit, x, heads=heads, drop_path=drop_path * layer / (layers - 1), name=f"block{layer}")
    x = kit.pick(0, name="class_of_image")(_norm(kit, x, name="last_norm"))
    return keras.layers.Dense(classes, kernel_initializer=_normal(), dtype=kit.output_dtype, name="logits")(x)


def _block(kit: LayerKit, x: Any, *, heads: int, drop_path: float, name: str) -> Any:
    y = _norm(kit, x, name=f"{name}_attention_norm")
    y = attend(kit, y, y, heads=heads, name=f"{name}_attention", initializer=_normal())
    x = keras.layers.Add(name=f"{name}_attention_add")([x, _drop(kit, y, drop_path, name=f"{name}_attention_drop")])
    y = _norm(kit, x, name=f"{name}_mlp_norm")
    y = feed_forward(kit, y, width=4 * int(x.shape[-1]), activation="gelu", name=f"{name}_mlp", initializer=_normal())
    return keras.layers.Add(name=f"{name}_mlp_add")([x, _drop(kit, y, drop_path, name=f"{name}_mlp_drop")])


def _norm(kit: LayerKit, x: Any, *, name: str) -> Any:
    return kit.layer_norm(epsilon=1e-6, name=name)(x)


def _drop(kit: LayerKit, x: Any, rate: float, *, name: str) -> Any:
    return kit.drop_path(rate, name=name)(x) if rate else x


def _normal() -> Any:
    return keras.initializers.TruncatedNormal(stddev=0.02)
