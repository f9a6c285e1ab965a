"""GoogLeNet (Inception v1) with batch normalisation and one output, 6,624,904 parameters.

Costs: not measured yet.
Reaches: not trained here; published: top-1 accuracy 0.6978 (torchvision, one crop).
Source: Szegedy et al. 2015, "Going deeper with convolutions", table 1, in torchvision's form.

That form normalises after each convolution in place of the paper's local response normalisation, and has 3 x 3 kernels
where the paper has 5 x 5. The two auxiliary outputs are left out: they serve training without batch normalisation only
(Szegedy et al. 2016, section 4), and count no parameter of the network that is used.
"""

from __future__ import annotations

from typing import Any

import keras

from trainband.models.architectures.image_blocks import conv_norm, imagenet_input, logits, pad
from trainband.models.layers.kit import LayerKit

# By table 1: the branches' widths 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5, pool projection; a pool ends each group.
_GROUPS = (
    ((64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64)),
    (
        (192, 96, 208, 16, 48, 64),
        (160, 112, 224, 24, 64, 64),
        (128, 128, 256, 24, 64, 64),
        (112, 144, 288, 32, 64, 64),
        (256, 160, 320, 32, 128, 128),
    ),
    ((256, 160, 320, 32, 128, 128), (384, 192, 384, 48, 128, 128)),
)


def build(kit: LayerKit, *, image_size: int = 224, classes: int = 1000) -> Any:
    """Logits float32 [batch, classes] from images uint8 [batch, image_size, image_size, 3]."""
    inputs, x = imagenet_input(kit, image_size)
    x = _conv(kit, pad(x, 3, name="stem0_pad"), 64, 7, stride=2, padding="valid", name="stem0")
    x = keras.layers.MaxPooling2D(3, strides=2, padding="same", name="stem0_pool")(x)
    x = _conv(kit, _conv(kit, x, 64, 1, name="stem1"), 192, 3, name="stem2")
    x = keras.layers.MaxPooling2D(3, strides=2, padding="same", name="stem2_pool")(x)
    for group, blocks in enumerate(_GROUPS):
        for block, widths in enumerate(blocks):
            x = _inception(kit, x, widths, name=f"group{group}_block{block}")
        if group + 1 < len(_GROUPS):
            x = keras.layers.MaxPooling2D(2 if group else 3, strides=2, padding="same", name=f"group{group}_pool")(x)
    x = keras.layers.GlobalAveragePooling2D(name="average")(x)
    x = kit.dropout(0.2, name="drop")(x)
    return keras.Model(inputs, logits(kit, x, classes), name="googlenet")


def _inception(kit: LayerKit, x: Any, widths: tuple[int, ...], *, name: str) -> Any:
    one, three_in, three, five_in, five, projection = widths
    pooled = keras.layers.MaxPooling2D(3, strides=1, padding="same", name=f"{name}_pool")(x)
    branches = [
        _conv(kit, x, one, 1, name=f"{name}_one"),
        _conv(kit, _conv(kit, x, three_in, 1, name=f"{name}_three_in"), three, 3, name=f"{name}_three"),
        _conv(kit, _conv(kit, x, five_in, 1, name=f"{name}_five_in"), five, 3, name=f"{name}_five"),
        _conv(kit, pooled, projection, 1, name=f"{name}_projection"),
    ]
    return keras.layers.Concatenate(name=name)(branches)


def _conv(kit: LayerKit, x: Any, width: int, size: int, *, name: str, stride: int = 1, padding: str = "same") -> Any:
    x = conv_norm(kit, x, width, size, stride=stride, padding=padding, epsilon=1e-3, name=name)
    return keras.layers.ReLU(name=f"{name}_relu")(x)
