"""ResNet-50, -101 and -152 in the form v1.5 (stride in the 3 x 3 convolution): 25.6, 44.5 and 60.2 M parameters.

Costs: not measured yet.
Reaches: not trained here; published: top-1 accuracy 0.7613, 0.7737 and 0.7831 (torchvision's first weights, v1.5).
Source: He, Zhang, Ren and Sun 2016, "Deep residual learning for image recognition", table 1; v1.5 after
Gross and Wilber 2016, "Training and investigating residual nets".
"""

from __future__ import annotations

from typing import Any

import keras

from trainband.models.architectures.image_blocks import conv_norm, imagenet_input, logits, pad
from trainband.models.layers.kit import LayerKit


def resnet50(kit: LayerKit, *, image_size: int = 224, classes: int = 1000) -> Any:
    """Logits float32 [batch, classes] from images uint8 [batch, image_size, image_size, 3]."""
    return _resnet(kit, (3, 4, 6, 3), image_size=image_size, classes=classes, name="resnet50")


def resnet101(kit: LayerKit, *, image_size: int = 224, classes: int = 1000) -> Any:
    """Logits float32 [batch, classes] from images uint8 [batch, image_size, image_size, 3]."""
    return _resnet(kit, (3, 4, 23, 3), image_size=image_size, classes=classes, name="resnet101")


def resnet152(kit: LayerKit, *, image_size: int = 224, classes: int = 1000) -> Any:
    """Logits float32 [batch, classes] from images uint8 [batch, image_size, image_size, 3]."""
    return _resnet(kit, (3, 8, 36, 3), image_size=image_size, classes=classes, name="resnet152")


def _resnet(kit: LayerKit, blocks: tuple[int, ...], *, image_size: int, classes: int, name: str) -> Any:
    inputs, x = imagenet_input(kit, image_size)
    x = conv_norm(kit, pad(x, 3, name="stem_pad"), 64, 7, stride=2, padding="valid", name="stem")
    x = pad(keras.layers.ReLU(name="stem_relu")(x), 1, name="pool_pad")
    x = keras.layers.MaxPooling2D(3, strides=2, name="pool")(x)
    for stage, count in enumerate(blocks):
        for block in range(count):
            stride = 2 if stage and not block else 1
            x = _bottleneck(kit, x, 64 * 2**stage, stride=stride, name=f"stage{stage}_block{block}")
    x = keras.layers.GlobalAveragePooling2D(name="average")(x)
    return keras.Model(inputs, logits(kit, x, classes), name=name)


def _bottleneck(kit: LayerKit, x: Any, width: int, *, stride: int, name: str) -> Any:
    y = keras.layers.ReLU(name=f"{name}_a_relu")(conv_norm(kit, x, width, 1, name=f"{name}_a"))
    if stride > 1:
        y = conv_norm(kit, pad(y, 1, name=f"{name}_b_pad"), width, 3, stride=stride, padding="valid", name=f"{name}_b")
    else:
        y = conv_norm(kit, y, width, 3, name=f"{name}_b")
    y = keras.layers.ReLU(name=f"{name}_b_relu")(y)
    y = conv_norm(kit, y, 4 * width, 1, name=f"{name}_c")
    if x.shape[-1] != 4 * width:
        x = conv_norm(kit, x, 4 * width, 1, stride=stride, name=f"{name}_shortcut")
    return keras.layers.ReLU(name=f"{name}_relu")(keras.layers.Add(name=f"{name}_add")([x, y]))
