"""EfficientNet-B0, 5.3 M parameters.

Costs: not measured yet.
Reaches: not trained here; published: top-1 accuracy 0.771 (table 2, with AutoAugment).
Source: Tan and Le 2019, "EfficientNet: rethinking model scaling for convolutional neural networks", table 1, with the
initial weights, stochastic depth and dropout of the authors' code.
"""

from __future__ import annotations

from typing import Any

import keras

from trainband.models.architectures.image_blocks import (
    conv_norm,
    depthwise_norm,
    fan_out_normal,
    imagenet_input,
    logits,
)
from trainband.models.layers.kit import LayerKit

# By table 1: expansion, width, blocks, stride of the first block, kernel.
_STAGES = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)
_DROP_PATH = 0.2  # of the last block, were there one more; in proportion to the depth


def build(kit: LayerKit, *, image_size: int = 224, classes: int = 1000) -> Any:
    """Logits float32 [batch, classes] from images uint8 [batch, image_size, image_size, 3]."""
    inputs, x = imagenet_input(kit, image_size)
    x = _conv(kit, x, 32, 3, stride=2, name="stem")
    total, depth = sum(stage[2] for stage in _STAGES), 0
    for stage, (expansion, width, blocks, first_stride, size) in enumerate(_STAGES):
        for block in range(blocks):
            name, stride = f"stage{stage}_block{block}", 1 if block else first_stride
            y = _branch(kit, x, width, expansion=expansion, stride=stride, size=size, name=name)
            if block:
                y = kit.drop_path(_DROP_PATH * depth / total, name=f"{name}_drop_path")(y)
                y = keras.layers.Add(name=f"{name}_add")([x, y])
            x = y
            depth += 1
    x = _conv(kit, x, 1280, 1, name="last")
    x = keras.layers.GlobalAveragePooling2D(name="average")(x)
    x = kit.dropout(0.2, name="drop")(x)
    initializer = keras.initializers.VarianceScaling(scale=1 / 3, mode="fan_out", distribution="uniform")
    return keras.Model(inputs, logits(kit, x, classes, initializer=initializer), name="efficientnet_b0")


def _branch(kit: LayerKit, x: Any, width: int, *, expansion: int, stride: int, size: int, name: str) -> Any:
    """An inverted residual without its shortcut; squeezed to a quarter of the block's input width."""
    squeezed = int(x.shape[-1]) // 4
    if expansion > 1:
        x = _conv(kit, x, expansion * int(x.shape[-1]), 1, name=f"{name}_expand")
    x = _swish(depthwise_norm(kit, x, size, stride=stride, name=f"{name}_depthwise"), name=f"{name}_depthwise_swish")
    x = _squeeze_and_excite(x, squeezed, name=f"{name}_squeeze")
    return conv_norm(
        kit, x, width, 1, momentum=0.99, epsilon=1e-3, initializer=fan_out_normal(), name=f"{name}_project"
    )


def _squeeze_and_excite(x: Any, width: int, *, name: str) -> Any:
    """A factor a channel in (0, 1), computed from the channels' means (Hu, Shen and Sun 2018)."""
    y = keras.layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_average")(x)
    y = keras.layers.Conv2D(width, 1, kernel_initializer=fan_out_normal(), name=f"{name}_in")(y)
    y = _swish(y, name=f"{name}_swish")
    y = keras.layers.Conv2D(
        int(x.shape[-1]), 1, activation="sigmoid", kernel_initializer=fan_out_normal(), name=f"{name}_out"
    )(y)
    return keras.layers.Multiply(name=f"{name}_excite")([x, y])


def _conv(kit: LayerKit, x: Any, width: int, size: int, *, name: str, stride: int = 1) -> Any:
    x = conv_norm(
        kit, x, width, size, stride=stride, momentum=0.99, epsilon=1e-3, initializer=fan_out_normal(), name=name
    )
    return _swish(x, name=f"{name}_swish")


def _swish(x: Any, *, name: str) -> Any:
    return keras.layers.Activation("swish", name=name)(x)
