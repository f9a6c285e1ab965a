"""Layer normalisation and the Gaussian error linear unit, backend by backend, against NumPy in float64."""

from __future__ import annotations

from typing import Any

import pytest

WAYS = [
    pytest.param(name, compiled, id=f"{name}-{'compiled' if compiled else 'plain'}", marks=pytest.mark.backend(name))
    for name, compiled in (("tensorflow", True), ("tensorflow", False), ("jax", False), ("torch", False))
]
each_way = pytest.mark.parametrize(("backend", "compiled"), WAYS)
each_dtype = pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
TOLERANCE = {"float32": 2e-6, "bfloat16": 0.02}


@each_way
@each_dtype
@pytest.mark.parametrize("approximate", [False, True])
def test_the_unit_and_its_slope_are_those_of_the_formula(
    frameworks: Any, backend: str, compiled: bool, dtype: str, approximate: bool
) -> None:
    asked = {"approximate": approximate, "compiled": compiled, "dtype": dtype}
    found = frameworks(backend).result("pointwise.py", "gelu", **asked)
    assert len(found) == 2
    assert max(found.values()) < TOLERANCE[dtype], found


@each_way
@each_dtype
@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("shift", [0.0, 100.0])
def test_layer_normalisation_and_its_gradients_are_those_of_the_formula(
    frameworks: Any, backend: str, compiled: bool, dtype: str, center: bool, shift: float
) -> None:
    asked = {"shift": shift, "center": center, "compiled": compiled, "dtype": dtype}
    found = frameworks(backend).result("pointwise.py", "layer_norm", **asked)
    assert len(found) == 3 + center
    # A shift of 100 leaves float32 two digits less; each of its values lies on bfloat16's grid of 0.5.
    assert max(found.values()) < TOLERANCE[dtype] * (20 if shift else 1), found
