"""MobileNetV2 at width 1.0, 3.5 M parameters.

Costs: not measured yet.
Reaches: not trained here; published: top-1 accuracy 0.720.
Source: Sandler, Howard, Zhu, Zhmoginov and Chen 2018, "MobileNetV2: inverted residuals and linear bottlenecks", table 2.
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

# By table 2: expansion, width, blocks, stride of the first block.
_STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


def build(kit: LayerKit, *, image_size: int = 224, classes: int = 1000) -> Any:
    """Logits float32 [batch, classes] from images uint8 [batch, image_size, image_size, 3]."""
    inputs, x = imagenet_input(kit, image_size)
    x = _conv(kit, x, 32, 3, stride=2, name="stem")
    for stage, (expansion, width, blocks, stride) in enumerate(_STAGES):
        for block in range(blocks):
            name = f"stage{stage}_block{block}"
            x = _inverted(kit, x, width, expansion=expansion, stride=1 if block else stride, name=name)
    x = _conv(kit, x, 1280, 1, name="last")
    x = keras.layers.GlobalAveragePooling2D(name="average")(x)
    x = kit.dropout(0.2, name="drop")(x)
    return keras.Model(inputs, logits(kit, x, classes), name="mobilenet_v2")


def _inverted(kit: LayerKit, x: Any, width: int, *, expansion: int, stride: int, name: str) -> Any:
    y = _conv(kit, x, expansion * int(x.shape[-1]), 1, name=f"{name}_expand") if expansion > 1 else x
    y = _relu6(depthwise_norm(kit, y, 3, stride=stride, name=f"{name}_depthwise"), name=f"{name}_depthwise_relu")
    y = conv_norm(kit, y, width, 1, momentum=0.99, epsilon=1e-3, initializer=fan_out_normal(), name=f"{name}_project")
    if stride == 1 and x.shape[-1] == width:
        y = keras.layers.Add(name=f"{name}_add")([x, y])
    return y


def _conv(kit: LayerKit, x: Any, width: int, size: int, *, name: str, stride: int = 1) -> Any:
    x = conv_norm(
        kit, x, width, size, stride=stride, momentum=0.99, epsilon=1e-3, initializer=fan_out_normal(), name=name
    )
    return _relu6(x, name=f"{name}_relu")


def _relu6(x: Any, *, name: str) -> Any:
    return keras.layers.ReLU(max_value=6.0, name=name)(x)
