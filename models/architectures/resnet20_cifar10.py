"""ResNet-20 on CIFAR-10 with option A shortcuts, 0.27 M parameters.

Costs: 269,722 parameters; 77 s of training at tier short (two cores of an Intel Xeon, TensorFlow 2.21).
Reaches: accuracy 0.5907, sd 0.0119; log-loss 1.13, sd 2.9% (n = 20, tier short, TensorFlow 2.21); published for
tier full: 0.9125.
Source: He, Zhang, Ren and Sun 2016, "Deep residual learning for image recognition", section 4.2.
"""

from __future__ import annotations

from typing import Any

import keras

from trainband.models.layers.kit import LayerKit


def build(kit: LayerKit) -> Any:
    """Logits float32 [batch, 10] from images uint8 [batch, 32, 32, 3]."""
    return residual_network(kit, blocks=3, name="resnet20_cifar10")


def residual_network(kit: LayerKit, *, blocks: int, name: str) -> Any:
    """The family of section 4.2: 6 x `blocks` + 2 layers."""
    inputs = keras.Input((32, 32, 3), dtype="uint8", name="images")
    x = kit.rescale(name="rescale", scale=1 / 64, offset=-1.9)(inputs)
    x = _conv(kit, x, 16, name="stem")
    x = keras.layers.ReLU(name="stem_relu")(x)
    for stage, width in enumerate((16, 32, 64)):
        for block in range(blocks):
            x = _block(kit, x, width, stride=2 if stage and not block else 1, name=f"stage{stage}_block{block}")
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    outputs = keras.layers.Dense(10, kernel_initializer="he_normal", dtype=kit.output_dtype, name="logits")(x)
    return keras.Model(inputs, outputs, name=name)


def _conv(kit: LayerKit, x: Any, width: int, *, name: str, stride: int = 1) -> Any:
    x = keras.layers.Conv2D(
        width, 3, strides=stride, padding="same", use_bias=False, kernel_initializer="he_normal", name=f"{name}_conv"
    )(x)
    return kit.batch_norm(name=f"{name}_norm", momentum=0.9, epsilon=1e-5)(x)


def _block(kit: LayerKit, x: Any, width: int, *, stride: int, name: str) -> Any:
    y = _conv(kit, x, width, stride=stride, name=f"{name}_a")
    y = keras.layers.ReLU(name=f"{name}_a_relu")(y)
    y = _conv(kit, y, width, name=f"{name}_b")
    if stride > 1:
        x = keras.layers.AveragePooling2D(1, strides=2, name=f"{name}_subsample")(x)
        x = _pad_channels(x, width - int(x.shape[-1]), name=f"{name}_pad")
    y = keras.layers.Add(name=f"{name}_add")([x, y])
    return keras.layers.ReLU(name=f"{name}_relu")(y)


def _pad_channels(x: Any, missing: int, *, name: str) -> Any:
    height, width, channels = (int(size) for size in x.shape[1:])
    x = keras.layers.Reshape((height, width, channels, 1), name=f"{name}_in")(x)
    x = keras.layers.ZeroPadding3D(((0, 0), (0, 0), (missing // 2, missing - missing // 2)), name=name)(x)
    return keras.layers.Reshape((height, width, channels + missing), name=f"{name}_out")(x)
