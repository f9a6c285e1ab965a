"""Faults in one layer of a model that is built: how it starts, and what it computes in which direction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trainband.benchmarks.backends.base import Adapter
from trainband.benchmarks.faults.fault import Fault, NoPlace

_DEFAULT_EPSILONS = (1e-3, 1e-5)  # Keras's and PyTorch's


def _kind(layer: Any) -> str:
    return str(getattr(layer, "kind", type(layer).__name__))


def _layers(adapter: Adapter, *kinds: str) -> list[Any]:
    """The layers of these kinds in model order; raises NoPlace where there is none."""
    found = [layer for layer in adapter.model.layers if _kind(layer) in kinds]
    if not found:
        raise NoPlace(f"the model has no layer {' or '.join(kinds)}")
    return found


def _middle(layers: Sequence[Any]) -> Any:
    """Neither the first nor the last where there are three: what comes before and after must be told apart from it."""
    return layers[len(layers) // 2]


def _scale_kernel(adapter: Adapter, factor: float) -> str:
    kernels = [place for place, entry in enumerate(adapter.variables) if entry.role == "kernel"]
    if not kernels:
        raise NoPlace("the model has no kernel")
    place, values = _middle(kernels), adapter.weights()
    values[place] = values[place] * values[place].dtype.type(factor)
    adapter.assign(values)
    return str(adapter.variables[place].name).rpartition("/")[0]


def _swap_epsilon(adapter: Adapter) -> str:
    layer = _middle(_layers(adapter, "BatchNormalization", "LayerNorm"))
    keras, torch = _DEFAULT_EPSILONS
    layer.epsilon = torch if layer.epsilon > torch else keras
    return str(layer.name)


def _pad_before(adapter: Adapter) -> str:
    """One with a stride where there is one: there `same` pads behind, other frameworks before."""
    wide = [each for each in _layers(adapter, "Conv2D") if each.padding == "same" and max(each.kernel_size) > 1]
    if not wide:
        raise NoPlace("the model has no convolution that pads")
    layer = _middle([each for each in wide if max(each.strides) > 1] or wide)
    convolve = layer.call
    layer.padding = "valid"

    def call(inputs: Any) -> Any:
        from keras import ops

        sizes = zip(inputs.shape[1:3], layer.kernel_size, layer.strides, strict=True)
        zeros = [(max((-(-size // stride) - 1) * stride + kernel - size, 0), 0) for size, kernel, stride in sizes]
        return convolve(ops.pad(inputs, ((0, 0), *zeros, (0, 0))))

    layer.call = call
    return str(layer.name)


def _leak(adapter: Adapter) -> str:
    layer = _middle(_layers(adapter, "ReLU"))
    layer.negative_slope = 0.01
    return str(layer.name)


def _slow_statistics(adapter: Adapter) -> str:
    layer = _middle(_layers(adapter, "BatchNormalization"))
    layer.momentum = 1.0 - (1.0 - layer.momentum) / 2.0
    return str(layer.name)


def _halve_gradient(adapter: Adapter) -> str:
    layer = _middle(_layers(adapter, "ReLU"))
    activate = layer.call

    def call(inputs: Any) -> Any:
        from keras import ops

        return activate(0.5 * inputs + 0.5 * ops.stop_gradient(inputs))  # a sum of two equal halves is exact

    layer.call = call
    return str(layer.name)


ROWS = (
    Fault(
        name="large_weights",
        title="the kernel of one layer begins twice as large",
        stage="initial weights",
        built=lambda adapter: _scale_kernel(adapter, 2.0),
    ),
    Fault(
        name="zero_weights",
        title="the kernel of one layer begins at 0",
        stage="initial weights",
        built=lambda adapter: _scale_kernel(adapter, 0.0),
    ),
    Fault(
        name="other_epsilon",
        title="one normalisation has the epsilon of another framework",
        stage="forward",
        built=_swap_epsilon,
    ),
    Fault(
        name="padded_before",
        title="one convolution has all its zeros before the image",
        stage="forward",
        built=_pad_before,
    ),
    Fault(name="leaky_relu", title="one activation leaks with slope 0.01", stage="forward", built=_leak),
    Fault(
        name="slow_statistics",
        title="the running statistics of one layer follow half as fast",
        stage="statistics",
        built=_slow_statistics,
    ),
    Fault(
        name="half_gradient",
        title="half of the gradient passes one activation",
        stage="gradient",
        built=_halve_gradient,
    ),
)
