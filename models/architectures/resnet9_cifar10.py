"""ResNet-9 on CIFAR-10: a shallow, wide network for a short time to 94%, 6.57 M parameters.

Costs: 6,573,120 parameters; 12 s of training at tier full with bfloat16, 19 s with float32 (one NVIDIA H200, JAX
0.11.2, 54% and 20% of it waiting for augmented batches, which six cores of the host made).
Reaches: accuracy 0.9374 with bfloat16 and 0.9377 with float32 (one seed, so no band); published for tier full: accuracy
0.94 in 79 s on a V100.
Source: Page 2018, "How to train your ResNet", part 4, myrtle.ai.
"""

from __future__ import annotations

from typing import Any

import keras

from trainband.models.layers.kit import LayerKit

LOGIT_SCALE = 0.125


def build(kit: LayerKit) -> Any:
    """Logits float32 [batch, 10] from images uint8 [batch, 32, 32, 3]."""
    inputs = keras.Input((32, 32, 3), dtype="uint8", name="images")
    x = kit.rescale(name="rescale", scale=1 / 64, offset=-1.9)(inputs)
    x = _conv(kit, x, 64, name="stem")
    for width, residual in ((128, True), (256, False), (512, True)):
        x = _conv(kit, x, width, name=f"conv{width}")
        x = keras.layers.MaxPooling2D(2, name=f"pool{width}")(x)
        if residual:
            y = _conv(kit, x, width, name=f"residual{width}_a")
            y = _conv(kit, y, width, name=f"residual{width}_b")
            x = keras.layers.Add(name=f"add{width}")([x, y])
    x = keras.layers.GlobalMaxPooling2D(name="pool")(x)
    x = keras.layers.Dense(10, use_bias=False, dtype=kit.output_dtype, name="classes")(x)
    x = kit.rescale(name="logits", scale=LOGIT_SCALE)(x)
    return keras.Model(inputs, x, name="resnet9_cifar10")


def _conv(kit: LayerKit, x: Any, width: int, *, name: str) -> Any:
    x = keras.layers.Conv2D(
        width, 3, padding="same", use_bias=False, kernel_initializer="he_normal", name=f"{name}_conv"
    )(x)
    x = kit.batch_norm(name=f"{name}_norm", momentum=0.9, epsilon=1e-5)(x)
    return keras.layers.ReLU(name=f"{name}_relu")(x)
