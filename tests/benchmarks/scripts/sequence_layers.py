"""The kit's layers for sequences on the backend in force, against NumPy in float64."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from trainband.benchmarks.backends.base import entries_of
from trainband.benchmarks.backends.common import KerasKit
from trainband.models.layers.draws import Draws, drawing, reference_keep_mask, step_keys

HEADS = 3
BATCH, TIME, WIDTH = 4, 5, 12
RATE = 0.4
KEY = int(step_keys(1, 5, 1)[0])
Arrays = list[np.ndarray]


def _kit() -> KerasKit:
    return KerasKit(importlib.import_module(f"trainband.benchmarks.backends.{keras.backend.backend()}_layers"))


def _keys() -> Any:
    if keras.backend.backend() == "torch":
        return [KEY]
    return keras.ops.convert_to_tensor(np.array([KEY]), dtype="uint32" if keras.backend.backend() == "jax" else "int64")


def _with_gradients(function: Callable[..., Any], inputs: Arrays, slopes: np.ndarray, dtype: str) -> Arrays:
    """`function(*inputs)` and the gradients of its products with `slopes`, all float64."""
    tensors = [keras.ops.convert_to_tensor(value, dtype=dtype) for value in inputs]
    slopes = keras.ops.convert_to_tensor(slopes, dtype="float32")

    def loss(*values: Any) -> Any:
        outputs = function(*values)
        return keras.ops.sum(keras.ops.cast(outputs, "float32") * slopes), outputs

    found = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}[keras.backend.backend()](loss, tensors)
    return [np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(value, "float32")), np.float64) for value in found]


def _tensorflow(loss: Callable[..., Any], tensors: Sequence[Any]) -> list[Any]:
    import tensorflow as tf

    @tf.function
    def run(*values: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(values)
            total, outputs = loss(*values)
        return [outputs, *tape.gradient(total, values)]

    return list(run(*tensors))


def _jax(loss: Callable[..., Any], tensors: Sequence[Any]) -> list[Any]:
    import jax

    run = jax.jit(jax.value_and_grad(loss, argnums=tuple(range(len(tensors))), has_aux=True))
    (_, outputs), gradients = run(*tensors)
    return [outputs, *gradients]


def _torch(loss: Callable[..., Any], tensors: Sequence[Any]) -> list[Any]:
    import torch

    tensors = [tensor.detach().requires_grad_() for tensor in tensors]
    total, outputs = loss(*tensors)
    return [outputs.detach(), *torch.autograd.grad(total, tensors)]


def _heads(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), -1, HEADS, WIDTH // HEADS).transpose(0, 2, 1, 3)


def _joined(x: np.ndarray) -> np.ndarray:
    return x.transpose(0, 2, 1, 3).reshape(len(x), -1, WIDTH)


def reference_attention(
    inputs: Arrays, slopes: np.ndarray, seen: np.ndarray, kept: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Outputs, and gradients of query, key and value; `seen` and `kept` are [batch, heads, time, time of the keys]."""
    query, key, value = (_heads(x) for x in inputs)
    scale = (WIDTH // HEADS) ** -0.5
    scores = np.where(seen, query @ key.swapaxes(2, 3) * scale, -np.inf)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    slopes = _heads(slopes)
    d_weights = slopes @ value.swapaxes(2, 3) * kept
    d_scores = weights * (d_weights - (weights * d_weights).sum(axis=-1, keepdims=True)) * scale
    return (
        _joined(weights * kept @ value),
        _joined(d_scores @ key),
        _joined(d_scores.swapaxes(2, 3) @ query),
        _joined((weights * kept).swapaxes(2, 3) @ slopes),
    )


def attention(causal: bool, padded: bool, dropped: bool, keys: int, dtype: str) -> dict[str, float]:
    """The largest error of outputs and gradients, beside the largest value."""
    rng = np.random.default_rng(4)
    inputs = [rng.standard_normal((BATCH, time, WIDTH)) for time in (TIME, keys, keys)]
    slopes = rng.standard_normal((BATCH, TIME, WIDTH))
    keep = np.arange(keys) < np.array([[keys], [1], [keys - 1], [2]])
    shape = (BATCH, HEADS, TIME, keys)
    seen = np.broadcast_to(np.tri(TIME, keys, dtype=bool) if causal else True, shape)
    seen = seen & keep[:, None, None, :] if padded else seen
    kept = reference_keep_mask(shape, KEY, RATE) / (1 - RATE) if dropped else np.ones(shape)
    expected = reference_attention(inputs, slopes, seen, kept)

    keras.config.set_dtype_policy("mixed_bfloat16" if dtype == "bfloat16" else "float32")
    layer = _kit().attention(name="attention", heads=HEADS, causal=causal, dropout=RATE if dropped else 0.0)
    mask = [keras.ops.convert_to_tensor(keep)] if padded else []
    with drawing(Draws(_keys(), 0)):
        found = _with_gradients(lambda *parts: layer([*parts, *mask], training=True), inputs, slopes, dtype)
    names = ("outputs", "d_query", "d_key", "d_value")
    errors = {
        name: float(np.abs(a - b).max() / np.abs(b).max()) for name, a, b in zip(names, found, expected, strict=True)
    }
    return errors | {"multiply_adds": layer.multiply_adds}


def _values(model: Any, inputs: np.ndarray, weights: Arrays | None = None) -> np.ndarray:
    if weights:
        model.set_weights(weights)
    return np.asarray(keras.ops.convert_to_numpy(model(keras.ops.convert_to_tensor(inputs), training=False)))


def tied_embedding(output_bias: bool) -> dict[str, Any]:
    """Look-up, positions and logits of a model with one table; its weights' names and initializers."""
    rng = np.random.default_rng(5)
    table, places, bias = rng.standard_normal((7, 4)), rng.standard_normal((6, 4)), rng.standard_normal(7)
    inputs = keras.Input((3,), dtype="uint8", name="tokens")
    kit = _kit()
    layer = kit.token_embedding(
        name="embed", vocabulary=7, width=4, initializer="random_normal", output_bias=output_bias
    )
    x = kit.positions(name="positions", length=6, initializer="zeros")(layer(inputs))
    model = keras.Model(inputs, [x, layer(x, reverse=True)])
    tokens = np.array([[0, 6, 6], [3, 1, 2]], np.uint8)
    weights = [table, bias, places] if output_bias else [table, places]
    model.set_weights(weights)
    found = [keras.ops.convert_to_numpy(x) for x in model(keras.ops.convert_to_tensor(tokens))]
    vectors = table[tokens] + places[:3]
    logits = vectors @ table.T + (bias if output_bias else 0.0)
    return {
        "vectors": float(np.abs(found[0] - vectors).max()),
        "logits": float(np.abs(found[1] - logits).max()),
        "names": [[entry.name, type(entry.initializer).__name__] for entry in entries_of(model)],
        "multiply_adds": layer.multiply_adds,
    }


def around_a_sequence() -> dict[str, Any]:
    """Errors of the other layers, one number each."""
    rng = np.random.default_rng(6)
    x = rng.standard_normal((2, 5, 8)).astype(np.float32)
    row, scale = rng.standard_normal(8).astype(np.float32), rng.standard_normal(8).astype(np.float32)
    angles = np.arange(5)[:, None] * 10000.0 ** (-2 * (np.arange(8) // 2) / 8)
    waves = np.where(np.arange(8) % 2, np.cos(angles), np.sin(angles))
    tokens = np.array([[[5, 0, 7], [1, 2, 3]]], np.int32)
    kit = _kit()
    pixels = rng.integers(0, 256, (2, 3, 3, 3)).astype(np.uint8)
    factors, offsets = (1 / 50, 1 / 60, 1 / 70), (-2.0, 0.0, 1.0)
    cases = {
        "class_token": (kit.class_token(name="token"), x, [row], np.insert(x, 0, row, axis=1)),
        "pick": (kit.pick(1, name="pick"), x, None, x[:, 1]),
        "pick_tokens": (kit.pick(1, name="pick_tokens"), tokens, None, tokens[:, 1]),
        "keep_mask": (kit.keep_mask(name="keep"), tokens[:, 0], None, np.array([[True, False, True]])),
        "sinusoids": (kit.sinusoids(name="waves"), x, None, x * 8**0.5 + waves),
        "layer_scale": (kit.layer_scale(name="scale", initial=1e-6), x, [scale], x * scale),
        "rescale": (
            kit.rescale(name="rescale", scale=factors, offset=offsets),
            pixels,
            None,
            pixels * np.array(factors) + np.array(offsets),
        ),
    }
    errors = {}
    for name, (layer, values, weights, expected) in cases.items():
        inputs = keras.Input(values.shape[1:], dtype=str(values.dtype))
        found = _values(keras.Model(inputs, layer(inputs)), values, weights)
        assert found.shape == expected.shape, name
        errors[name] = float(np.abs(found.astype(np.float64) - expected).max())
    return errors


def drop_path() -> dict[str, Any]:
    """Stochastic depth of ones with a row offset, and what it does outside training."""
    layer = _kit().drop_path(RATE, name="drop")
    ones = keras.ops.ones((40, 2, 3, 4))
    with drawing(Draws(_keys(), 80)):
        found = keras.ops.convert_to_numpy(layer(ones, training=True))
    expected = reference_keep_mask((40,), KEY, RATE, row_offset=80)[:, None, None, None] / (1 - RATE)
    return {
        "error": float(np.abs(found - expected).max()),
        "kept": int((expected > 0).sum()),
        "outside_training": float(np.abs(keras.ops.convert_to_numpy(layer(ones, training=False)) - 1).max()),
    }
