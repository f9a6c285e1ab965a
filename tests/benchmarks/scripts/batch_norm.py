"""Errors of an adapter's batch normalisation, and of Keras's own, against float64, on the backend in force."""

from __future__ import annotations

import itertools
from typing import Any

import keras
import numpy as np

from trainband.platforms.profile_spec import Profile

CHANNELS = 8
MOMENTUM = 0.9
SHAPES = {
    "1": (1, 1, 1, CHANNELS),
    "2": (2, 1, 1, CHANNELS),
    "36": (4, 3, 3, CHANNELS),
    "16384": (64, 16, 16, CHANNELS),
    "36, rank 2": (36, CHANNELS),
    "1, rank 2": (1, CHANNELS),
}
SHIFTS = (0.0, 100.0)
EPSILONS = (1e-3, 1e-5)
MODES = ("training", "inference", "frozen")
Arrays = dict[str, np.ndarray]


def _without_bessel(epsilon: float) -> Any:
    """A defect to be found: the kernel's variance N / (N - 1) too large goes into the running average as it is."""
    import tensorflow as tf

    from trainband.benchmarks.backends.tensorflow_layers import FusedBatchNormalization

    class WithoutBessel(FusedBatchNormalization):
        def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
            before = tf.identity(self.moving_variance)
            outputs = super().call(inputs, training=training, mask=mask)
            if training and self.trainable:
                count = float(np.prod(inputs.shape[:-1]))
                wrong = (self.moving_variance - before * MOMENTUM) * (count / max(count - 1.0, 1.0))
                self.moving_variance.assign(before * MOMENTUM + wrong)
            return outputs

    return WithoutBessel(momentum=MOMENTUM, epsilon=epsilon)


def _layer(kind: str, epsilon: float, jit: bool) -> Any:
    if kind == "without bessel":
        return _without_bessel(epsilon)
    if kind == "keras":
        return keras.layers.BatchNormalization(momentum=MOMENTUM, epsilon=epsilon)
    if keras.backend.backend() == "torch":
        from trainband.benchmarks.backends.torch import TorchKit

        return TorchKit().batch_norm(name="norm", momentum=MOMENTUM, epsilon=epsilon)
    from trainband.benchmarks.backends.tensorflow import TensorFlowKit

    kit = TensorFlowKit(Profile(name="cpu", title="this one", device="cpu", backend="tensorflow", jit_compile=jit))
    return kit.batch_norm(name="norm", momentum=MOMENTUM, epsilon=epsilon)


def _given(shape: tuple[int, ...], shift: float, dtype: str) -> Arrays:
    """Inputs and the gradient of the outputs as `dtype` holds them; parameters and running statistics in float32."""
    rng = np.random.default_rng(1)
    draw = rng.standard_normal

    def held(values: np.ndarray) -> np.ndarray:
        return np.array(keras.ops.convert_to_numpy(keras.ops.cast(_cast(values, dtype), "float32")))

    return {
        "x": held(draw(shape) * (1 + np.arange(CHANNELS)) + shift),
        "dy": held(draw(shape)),
        "gamma": (1 + 0.5 * draw(CHANNELS)).astype(np.float32),
        "beta": draw(CHANNELS).astype(np.float32),
        "moving_mean": (shift + draw(CHANNELS)).astype(np.float32),
        "moving_variance": (1 + draw(CHANNELS) ** 2).astype(np.float32),
    }


def _reference(given: Arrays, epsilon: float, mode: str) -> Arrays:
    g = {name: value.astype(np.float64) for name, value in given.items()}
    axes = tuple(range(g["x"].ndim - 1))
    count = g["x"].size // CHANNELS
    mean, variance = g["moving_mean"], g["moving_variance"]
    if mode == "training":
        mean, variance = g["x"].mean(axes), g["x"].var(axes)
    inverse = 1 / np.sqrt(variance + epsilon)
    normal = (g["x"] - mean) * inverse
    dgamma, dbeta = (g["dy"] * normal).sum(axes), g["dy"].sum(axes)
    dx = g["gamma"] * inverse * g["dy"]
    if mode == "training":
        dx -= g["gamma"] * inverse * (dbeta + normal * dgamma) / count
        mean = MOMENTUM * g["moving_mean"] + (1 - MOMENTUM) * mean
        variance = MOMENTUM * g["moving_variance"] + (1 - MOMENTUM) * variance
    return {
        "outputs": g["gamma"] * normal + g["beta"],
        "dx": dx,
        "dgamma": dgamma,
        "dbeta": dbeta,
        "moving_mean": mean,
        "moving_variance": variance,
    }


def _found(kind: str, shape: tuple[int, ...], dtype: str, jit: bool) -> Any:
    """A function of `given` that runs the layer in every mode and with every epsilon, in one compiled function."""
    keras.config.set_dtype_policy("mixed_bfloat16" if dtype == "bfloat16" else "float32")
    layers = {case: _layer(kind, case[0], jit) for case in itertools.product(EPSILONS, MODES)}
    for (_, mode), layer in layers.items():
        layer.build((None, *shape[1:]))
        layer.trainable = mode != "frozen"

    run = _on_torch(layers) if keras.backend.backend() == "torch" else _on_tensorflow(layers, jit)

    def filled(given: Arrays) -> dict[str, Arrays]:
        for layer in layers.values():
            for name in ("gamma", "beta", "moving_mean", "moving_variance"):
                getattr(layer, name).assign(given[name])
        found = run(_cast(given["x"], dtype), _cast(given["dy"], dtype))
        for (epsilon, mode), layer in layers.items():
            for name in ("moving_mean", "moving_variance"):
                found[f"{epsilon} {mode}"][name] = getattr(layer, name).value
        return {
            case: {name: keras.ops.convert_to_numpy(value) for name, value in values.items()}
            for case, values in found.items()
        }

    return filled


def _cast(values: np.ndarray, dtype: str) -> Any:
    return keras.ops.cast(keras.ops.convert_to_tensor(values.astype(np.float32)), dtype)


def _on_tensorflow(layers: dict[Any, Any], jit: bool) -> Any:
    import tensorflow as tf

    @tf.function(jit_compile=jit)
    def run(x: Any, dy: Any) -> Any:
        found = {}
        for (epsilon, mode), layer in layers.items():
            with tf.GradientTape() as tape:
                sources = [x, layer.gamma.value, layer.beta.value]
                tape.watch(sources)
                outputs = layer(x, training=mode != "inference")
            gradients = tape.gradient(outputs, sources, output_gradients=tf.cast(dy, outputs.dtype))
            values = dict(zip(("dx", "dgamma", "dbeta"), gradients, strict=True), outputs=outputs)
            found[f"{epsilon} {mode}"] = {name: tf.cast(value, tf.float32) for name, value in values.items()}
        return found

    return run


def _on_torch(layers: dict[Any, Any]) -> Any:
    import torch

    def run(x: Any, dy: Any) -> Any:
        found = {}
        for (epsilon, mode), layer in layers.items():
            sources = [x.detach(), layer.gamma.value, layer.beta.value]
            sources = [source.requires_grad_() for source in sources]
            outputs = layer(sources[0], training=mode != "inference")
            gradients = torch.autograd.grad(outputs, sources, dy.to(outputs.dtype))
            values = dict(zip(("dx", "dgamma", "dbeta"), gradients, strict=True), outputs=outputs.detach())
            found[f"{epsilon} {mode}"] = {name: value.to(torch.float32) for name, value in values.items()}
        return found

    return run


def errors(kinds: list[str], size: str, dtype: str, jit: bool) -> list[dict[str, Any]]:
    """The largest errors of each kind, case by case, beside the largest value of the quantity."""
    shape = SHAPES[size]
    rows = []
    functions = {kind: _found(kind, shape, dtype, jit) for kind in kinds}
    for shift in SHIFTS:
        given = _given(shape, shift, dtype)
        found = {kind: function(given) for kind, function in functions.items()}
        for epsilon, mode in itertools.product(EPSILONS, MODES):
            for name, expected in _reference(given, epsilon, mode).items():
                values = {kind: found[kind][f"{epsilon} {mode}"][name].astype(np.float64) for kind in kinds}
                assert all(value.shape == expected.shape for value in values.values())
                rows.append(
                    {
                        "case": f"{mode}, epsilon {epsilon}, shift {shift:g}: {name}",
                        "shift": shift,
                        "errors": {kind: float(np.abs(value - expected).max()) for kind, value in values.items()},
                        "largest": float(np.abs(expected).max()),
                    }
                )
    return rows
