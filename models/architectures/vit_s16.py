"""ViT-S/16: 12 layers of width 384 and 6 heads, 22,050,664 parameters.

Costs: not measured yet.
Reaches: not trained here; published: top-1 accuracy 0.798 (DeiT-S, 300 epochs without distillation).
Source: Dosovitskiy et al. 2021, "An image is worth 16x16 words: transformers for image recognition at scale"; size S
from Touvron et al. 2021, "Training data-efficient image transformers and distillation through attention", table 1.
"""

from __future__ import annotations

from typing import Any

import keras

from trainband.models.architectures.image_blocks import imagenet_input
from trainband.models.architectures.vit import vision_transformer
from trainband.models.layers.kit import LayerKit


def build(kit: LayerKit, *, image_size: int = 224, classes: int = 1000) -> Any:
    """Logits float32 [batch, classes] from images uint8 [batch, image_size, image_size, 3]."""
    inputs, x = imagenet_input(kit, image_size)
    outputs = vision_transformer(kit, x, patch=16, width=384, layers=12, heads=6, classes=classes, drop_path=0.1)
    return keras.Model(inputs, outputs, name="vit_s16")
