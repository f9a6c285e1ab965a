"""Our draws beside Keras's own, initializer by initializer."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from trainband.benchmarks.initial_weights import initial_value

_SCALED = ("GlorotUniform", "GlorotNormal", "HeUniform", "HeNormal", "LecunUniform", "LecunNormal")


def moments() -> list[dict[str, Any]]:
    keras.utils.set_random_seed(11)
    kinds = keras.initializers
    cases = [(getattr(kinds, name)(), shape) for name in _SCALED for shape in ((300, 400), (3, 3, 80, 160))]
    cases += [
        (kinds.RandomUniform(), (500, 400)),
        (kinds.RandomNormal(mean=0.3), (500, 400)),
        (kinds.TruncatedNormal(stddev=0.2), (500, 400)),
        (kinds.VarianceScaling(scale=3.0, mode="fan_out", distribution="untruncated_normal"), (3, 100, 400)),
        (kinds.Orthogonal(), (300, 500)),
        (kinds.Constant(0.25), (10, 10)),
    ]
    rows = []
    for initializer, shape in cases:
        theirs = keras.ops.convert_to_numpy(initializer(shape))
        ours = initial_value(initializer, shape, seed=5, position=2)
        # The largest of unbounded draws scatters; a bound does not.
        bounded = "Uniform" in type(initializer).__name__ or type(initializer).__name__ == "Constant"
        bounded |= getattr(initializer, "distribution", "") == "truncated_normal"
        rows.append(
            {
                "initializer": type(initializer).__name__,
                "shape": shape,
                "size": ours.size,
                "largest_within": 0.001 if bounded else 0.25,
                "ours": _moments(ours),
                "keras": _moments(theirs),
            }
        )
    return rows


def _moments(values: np.ndarray) -> dict[str, float]:
    return {"mean": float(values.mean()), "sd": float(values.std()), "largest": float(np.abs(values).max())}
