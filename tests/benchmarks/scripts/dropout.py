"""Dropout of the backend in force against the reference mask."""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import numpy as np

from trainband.models.layers.draws import reference_keep_mask, step_keys

KEYS = (0, 2**32 - 1, int(step_keys(1, 5, 1)[0]))
RATES = (0.2, 0.9)
SHAPES = ((3, 7), (4, 3, 3, 5), (32, 512))
OFFSETS = (0, 96)


def _dropout(row_offset: int, rate: float, dtype: str) -> Callable[[np.ndarray, int], np.ndarray]:
    """Inputs float32 and a key to outputs float32, compiled once for all keys where the backend compiles."""
    backend = keras.backend.backend()
    layers = importlib.import_module(f"trainband.benchmarks.backends.{backend}_layers")
    apply, as_key = partial(layers.dropout, row_offset=row_offset, rate=rate), int
    if backend == "tensorflow":
        import tensorflow as tf

        apply, as_key = tf.function(apply), partial(tf.constant, dtype=tf.int64)
    elif backend == "jax":
        import jax

        apply, as_key = jax.jit(apply), np.uint32

    def dropout(values: np.ndarray, key: int) -> np.ndarray:
        outputs = apply(keras.ops.convert_to_tensor(values, dtype=dtype), as_key(key))
        return keras.ops.convert_to_numpy(keras.ops.cast(outputs, "float32"))

    return dropout


def against_reference() -> dict[str, Any]:
    wrong, cases = [], 0
    for dtype, shape, rate, offset in itertools.product(("float32", "bfloat16"), SHAPES, RATES, OFFSETS):
        dropout = _dropout(offset, rate, dtype)
        for key in KEYS:
            found, mask = dropout(np.ones(shape, np.float32), key), reference_keep_mask(shape, key, rate, offset)
            scaled = np.allclose(found[mask], 1 / (1 - rate), rtol=1e-6 if dtype == "float32" else 0.01)
            cases += 1
            if not scaled or not np.array_equal(found != 0, mask):
                wrong.append([dtype, shape, key, rate, offset])
    return {"cases": cases, "wrong": wrong}


def replicas_are_parts_of_the_whole() -> bool:
    values = np.random.default_rng(0).standard_normal((12, 5)).astype(np.float32)
    whole = _dropout(0, 0.5, "float32")(values, KEYS[2])
    parts = [_dropout(first, 0.5, "float32")(values[first : first + 4], KEYS[2]) for first in (0, 4, 8)]
    return np.array_equal(np.concatenate(parts), whole)
