"""What the networks for ImageNet share: their input, padding as PyTorch has it, convolutions with a normalisation."""

from __future__ import annotations

from typing import Any

import keras

from trainband.models.layers.kit import LayerKit

# Mean and standard deviation of ImageNet's training pixels, a channel each, on the scale of 0 to 255.
_MEAN = (123.675, 116.28, 103.53)
_SD = (58.395, 57.12, 57.375)


def imagenet_input(kit: LayerKit, image_size: int) -> tuple[Any, Any]:
    """The input, uint8 [batch, image_size, image_size, 3] in RGB, and the same less its mean over its deviation."""
    inputs = keras.Input((image_size, image_size, 3), dtype="uint8", name="images")
    scale = tuple(1 / sd for sd in _SD)
    offset = tuple(-mean / sd for mean, sd in zip(_MEAN, _SD, strict=True))
    return inputs, kit.rescale(name="rescale", scale=scale, offset=offset)(inputs)


def pad(x: Any, margin: int, *, name: str) -> Any:
    """Zeros on all four sides; `padding="same"` puts more of them behind than before where a stride is above 1."""
    return keras.layers.ZeroPadding2D(margin, name=name)(x)


def conv_norm(
    kit: LayerKit,
    x: Any,
    width: int,
    size: int | tuple[int, int],
    *,
    name: str,
    stride: int = 1,
    padding: str = "same",
    momentum: float = 0.9,
    epsilon: float = 1e-5,
    initializer: Any = "he_normal",
) -> Any:
    """A convolution without bias and its batch normalisation: layers `<name>_conv` and `<name>_norm`."""
    x = keras.layers.Conv2D(
        width,
        size,
        strides=stride,
        padding=padding,
        use_bias=False,
        kernel_initializer=initializer,
        name=f"{name}_conv",
    )(x)
    return kit.batch_norm(name=f"{name}_norm", momentum=momentum, epsilon=epsilon)(x)


def depthwise_norm(kit: LayerKit, x: Any, size: int, *, stride: int, name: str) -> Any:
    """A depthwise convolution without bias and its batch normalisation: layers `<name>_conv` and `<name>_norm`."""
    x = keras.layers.DepthwiseConv2D(
        size,
        strides=stride,
        padding="same",
        use_bias=False,
        depthwise_initializer=fan_out_normal(),
        name=f"{name}_conv",
    )(x)
    return kit.batch_norm(name=f"{name}_norm", momentum=0.99)(x)


def fan_out_normal() -> Any:
    """How the mobile networks' convolutions start: normal, with variance 2 / fan-out."""
    return keras.initializers.VarianceScaling(scale=2.0, mode="fan_out", distribution="untruncated_normal")


def logits(kit: LayerKit, x: Any, classes: int, *, initializer: Any = "glorot_uniform") -> Any:
    """The last dense layer: [batch, classes] in the kit's output dtype."""
    return keras.layers.Dense(classes, kernel_initializer=initializer, dtype=kit.output_dtype, name="logits")(x)
