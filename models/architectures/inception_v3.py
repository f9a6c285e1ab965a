"""Inception-v3 with one output, 23.8 M parameters, on images of 299 x 299.

Costs: not measured yet.
Reaches: not trained here; published: top-1 accuracy 0.788 (one crop; with the auxiliary output in training).
Source: Szegedy, Vanhoucke, Ioffe, Shlens and Wojna 2016, "Rethinking the Inception architecture for computer vision",
in the form of the authors' code. The auxiliary output is left out, as in Keras's own model.
"""

from __future__ import annotations

from typing import Any

import keras

from trainband.models.architectures.image_blocks import conv_norm, imagenet_input, logits
from trainband.models.layers.kit import LayerKit

_Size = int | tuple[int, int]


def build(kit: LayerKit, *, image_size: int = 299, classes: int = 1000) -> Any:
    """Logits float32 [batch, classes] from images uint8 [batch, image_size, image_size, 3]; size 75 at least."""
    inputs, x = imagenet_input(kit, image_size)
    x = _conv(kit, x, 32, 3, stride=2, padding="valid", name="stem0")
    x = _conv(kit, x, 32, 3, padding="valid", name="stem1")
    x = _max_pool(_conv(kit, x, 64, 3, name="stem2"), name="stem2_pool")
    x = _conv(kit, x, 80, 1, padding="valid", name="stem3")
    x = _max_pool(_conv(kit, x, 192, 3, padding="valid", name="stem4"), name="stem4_pool")
    for block, projection in enumerate((32, 64, 64)):
        x = _block35(kit, x, projection, name=f"mixed{block}")
    x = _reduction35(kit, x, name="mixed3")
    for block, width in enumerate((128, 160, 160, 192), start=4):
        x = _block17(kit, x, width, name=f"mixed{block}")
    x = _reduction17(kit, x, name="mixed8")
    for block in (9, 10):
        x = _block8(kit, x, name=f"mixed{block}")
    x = keras.layers.GlobalAveragePooling2D(name="average")(x)
    x = kit.dropout(0.2, name="drop")(x)
    return keras.Model(inputs, logits(kit, x, classes), name="inception_v3")


def _block35(kit: LayerKit, x: Any, projection: int, *, name: str) -> Any:
    branches = [
        _chain(kit, x, [(64, 1)], name=f"{name}_one"),
        _chain(kit, x, [(48, 1), (64, 5)], name=f"{name}_five"),
        _chain(kit, x, [(64, 1), (96, 3), (96, 3)], name=f"{name}_double"),
        _pooled(kit, x, projection, name=f"{name}_projection"),
    ]
    return keras.layers.Concatenate(name=name)(branches)


def _reduction35(kit: LayerKit, x: Any, *, name: str) -> Any:
    double = _chain(kit, x, [(64, 1), (96, 3)], name=f"{name}_double")
    branches = [
        _conv(kit, x, 384, 3, stride=2, padding="valid", name=f"{name}_three"),
        _conv(kit, double, 96, 3, stride=2, padding="valid", name=f"{name}_double_last"),
        _max_pool(x, name=f"{name}_pool"),
    ]
    return keras.layers.Concatenate(name=name)(branches)


def _block17(kit: LayerKit, x: Any, width: int, *, name: str) -> Any:
    row, column = (1, 7), (7, 1)
    seven: list[tuple[int, _Size]] = [(width, 1), (width, row), (192, column)]
    double: list[tuple[int, _Size]] = [(width, 1), (width, column), (width, row), (width, column), (192, row)]
    branches = [
        _chain(kit, x, [(192, 1)], name=f"{name}_one"),
        _chain(kit, x, seven, name=f"{name}_seven"),
        _chain(kit, x, double, name=f"{name}_double"),
        _pooled(kit, x, 192, name=f"{name}_projection"),
    ]
    return keras.layers.Concatenate(name=name)(branches)


def _reduction17(kit: LayerKit, x: Any, *, name: str) -> Any:
    three = _chain(kit, x, [(192, 1)], name=f"{name}_three")
    seven = _chain(kit, x, [(192, 1), (192, (1, 7)), (192, (7, 1))], name=f"{name}_seven")
    branches = [
        _conv(kit, three, 320, 3, stride=2, padding="valid", name=f"{name}_three_last"),
        _conv(kit, seven, 192, 3, stride=2, padding="valid", name=f"{name}_seven_last"),
        _max_pool(x, name=f"{name}_pool"),
    ]
    return keras.layers.Concatenate(name=name)(branches)


def _block8(kit: LayerKit, x: Any, *, name: str) -> Any:
    branches = [
        _chain(kit, x, [(320, 1)], name=f"{name}_one"),
        _forked(kit, _chain(kit, x, [(384, 1)], name=f"{name}_three"), name=f"{name}_three"),
        _forked(kit, _chain(kit, x, [(448, 1), (384, 3)], name=f"{name}_double"), name=f"{name}_double"),
        _pooled(kit, x, 192, name=f"{name}_projection"),
    ]
    return keras.layers.Concatenate(name=name)(branches)


def _forked(kit: LayerKit, x: Any, *, name: str) -> Any:
    parts = [
        _conv(kit, x, 384, (1, 3), name=f"{name}_row"),
        _conv(kit, x, 384, (3, 1), name=f"{name}_column"),
    ]
    return keras.layers.Concatenate(name=f"{name}_fork")(parts)


def _chain(kit: LayerKit, x: Any, steps: list[tuple[int, _Size]], *, name: str) -> Any:
    for step, (width, size) in enumerate(steps):
        x = _conv(kit, x, width, size, name=f"{name}{step}")
    return x


def _pooled(kit: LayerKit, x: Any, width: int, *, name: str) -> Any:
    x = keras.layers.AveragePooling2D(3, strides=1, padding="same", name=f"{name}_pool")(x)
    return _conv(kit, x, width, 1, name=name)


def _max_pool(x: Any, *, name: str) -> Any:
    return keras.layers.MaxPooling2D(3, strides=2, name=name)(x)


def _conv(kit: LayerKit, x: Any, width: int, size: _Size, *, name: str, stride: int = 1, padding: str = "same") -> Any:
    x = conv_norm(kit, x, width, size, stride=stride, padding=padding, epsilon=1e-3, name=name)
    return keras.layers.ReLU(name=f"{name}_relu")(x)
