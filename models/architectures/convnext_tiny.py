"""ConvNeXt-Tiny, 28.6 M parameters.

Costs: not measured yet.
Reaches: not trained here; published: top-1 accuracy 0.821.
Source: Liu, Mao, Wu, Feichtenhofer, Darrell and Xie 2022, "A ConvNet for the 2020s", section 3 and table 5.
"""

from __future__ import annotations

from typing import Any

import keras

from trainband.models.architectures.image_blocks import imagenet_input, logits
from trainband.models.layers.kit import LayerKit

_STAGES = ((3, 96), (3, 192), (9, 384), (3, 768))
_DROP_PATH = 0.1  # of the last block; 0 at the first one


def build(kit: LayerKit, *, image_size: int = 224, classes: int = 1000) -> Any:
    """Logits float32 [batch, classes] from images uint8 [batch, image_size, image_size, 3]."""
    inputs, x = imagenet_input(kit, image_size)
    last, depth = sum(blocks for blocks, _ in _STAGES) - 1, 0
    for stage, (blocks, width) in enumerate(_STAGES):
        x = _norm(kit, x, name=f"stage{stage}_down_norm") if stage else x
        size = 2 if stage else 4
        x = keras.layers.Conv2D(width, size, strides=size, kernel_initializer=_start(), name=f"stage{stage}_down_conv")(
            x
        )
        x = x if stage else _norm(kit, x, name="stage0_down_norm")
        for block in range(blocks):
            x = _block(kit, x, _DROP_PATH * depth / last, name=f"stage{stage}_block{block}")
            depth += 1
    x = keras.layers.GlobalAveragePooling2D(name="average")(x)
    return keras.Model(
        inputs, logits(kit, _norm(kit, x, name="last_norm"), classes, initializer=_start()), name="convnext_tiny"
    )


def _block(kit: LayerKit, x: Any, drop_path: float, *, name: str) -> Any:
    width = int(x.shape[-1])
    y = keras.layers.DepthwiseConv2D(7, padding="same", depthwise_initializer=_start(), name=f"{name}_depthwise_conv")(
        x
    )
    y = _norm(kit, y, name=f"{name}_norm")
    y = keras.layers.Dense(4 * width, kernel_initializer=_start(), name=f"{name}_in")(y)
    y = kit.gelu(name=f"{name}_gelu")(y)
    y = keras.layers.Dense(width, kernel_initializer=_start(), name=f"{name}_out")(y)
    y = kit.layer_scale(name=f"{name}_scale", initial=1e-6)(y)
    if drop_path:
        y = kit.drop_path(drop_path, name=f"{name}_drop_path")(y)
    return keras.layers.Add(name=f"{name}_add")([x, y])


def _norm(kit: LayerKit, x: Any, *, name: str) -> Any:
    return kit.layer_norm(epsilon=1e-6, name=name)(x)


def _start() -> Any:
    return keras.initializers.TruncatedNormal(stddev=0.02)
