"""DenseNet-121 with growth 32 and compression 0.5, 8.0 M parameters.

Costs: not measured yet.
Reaches: not trained here; published: top-1 accuracy 0.7498 (one crop).
Source: Huang, Liu, van der Maaten and Weinberger 2017, "Densely connected convolutional networks", tables 1 and 3.
"""

from __future__ import annotations

from typing import Any

import keras

from trainband.models.architectures.image_blocks import conv_norm, imagenet_input, logits, pad
from trainband.models.layers.kit import LayerKit

_BLOCKS = (6, 12, 24, 16)
_GROWTH = 32


def build(kit: LayerKit, *, image_size: int = 224, classes: int = 1000) -> Any:
    """Logits float32 [batch, classes] from images uint8 [batch, image_size, image_size, 3]."""
    inputs, x = imagenet_input(kit, image_size)
    x = conv_norm(kit, pad(x, 3, name="stem_pad"), 64, 7, stride=2, padding="valid", name="stem")
    x = pad(keras.layers.ReLU(name="stem_relu")(x), 1, name="pool_pad")
    x = keras.layers.MaxPooling2D(3, strides=2, name="pool")(x)
    for block, layers in enumerate(_BLOCKS):
        for layer in range(layers):
            x = _dense_layer(kit, x, name=f"block{block}_layer{layer}")
        if block + 1 < len(_BLOCKS):
            x = _norm_conv(kit, x, int(x.shape[-1]) // 2, 1, name=f"transition{block}")
            x = keras.layers.AveragePooling2D(2, name=f"transition{block}_pool")(x)
    x = _norm_relu(kit, x, name="last")
    x = keras.layers.GlobalAveragePooling2D(name="average")(x)
    return keras.Model(inputs, logits(kit, x, classes), name="densenet121")


def _dense_layer(kit: LayerKit, x: Any, *, name: str) -> Any:
    y = _norm_conv(kit, x, 4 * _GROWTH, 1, name=f"{name}_a")
    y = _norm_conv(kit, y, _GROWTH, 3, name=f"{name}_b")
    return keras.layers.Concatenate(name=name)([x, y])


def _norm_conv(kit: LayerKit, x: Any, width: int, size: int, *, name: str) -> Any:
    return keras.layers.Conv2D(
        width, size, padding="same", use_bias=False, kernel_initializer="he_normal", name=f"{name}_conv"
    )(_norm_relu(kit, x, name=name))


def _norm_relu(kit: LayerKit, x: Any, *, name: str) -> Any:
    x = kit.batch_norm(name=f"{name}_norm", momentum=0.9, epsilon=1e-5)(x)
    return keras.layers.ReLU(name=f"{name}_relu")(x)
