"""Batch normalisation of the adapters that fuse it, layer by layer, against float64 and beside Keras's own."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.slow
BACKENDS = [pytest.param(name, marks=pytest.mark.backend(name)) for name in ("tensorflow", "torch")]
on_tensorflow = pytest.mark.backend("tensorflow")

SIZES = ["1", "2", "36", "16384", "36, rank 2", "1, rank 2"]
ROUNDING = 1e-5
# The mean of 16,384 numbers about 100 is itself rounded, to a share of a channel's sd that depends on the order of the
# sum: the kernel's largest error over five draws was 4.6e-5 of the maximum, Keras's 2.3e-5.
ROUNDING_OF_A_LARGE_MEAN = 1e-4


def breaches(rows: list[dict[str, Any]], kind: str, *, large: bool = False) -> list[dict[str, Any]]:
    """Cases whose error is above twice Keras's own and above rounding."""
    found = []
    for row in rows:
        rounding = ROUNDING_OF_A_LARGE_MEAN if large and row["shift"] else ROUNDING
        if not row["errors"][kind] <= max(2 * row["errors"]["keras"], rounding * row["largest"]):
            found.append(row)
    return found


def errors(
    frameworks: Any,
    *kinds: str,
    size: str,
    dtype: str = "float32",
    jit: bool = False,
    backend: str = "tensorflow",
) -> Any:
    asked = {"kinds": ["keras", *kinds], "size": size, "dtype": dtype, "jit": jit}
    return frameworks(backend).result("batch_norm.py", "errors", **asked)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("size", SIZES)
def test_outputs_gradients_and_statistics_are_as_good_as_kerass_own(
    frameworks: Any, size: str, dtype: str, backend: str
) -> None:
    """Two mean shifts x two epsilons x training, inference and frozen x six quantities."""
    rows = errors(frameworks, "ours", size=size, dtype=dtype, backend=backend)
    assert len(rows) == 2 * 2 * 3 * 6
    assert breaches(rows, "ours", large=size == "16384") == []


@on_tensorflow
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("size", ["2", "36"])
def test_under_xla_they_are_too(frameworks: Any, size: str, dtype: str) -> None:
    assert breaches(errors(frameworks, "ours", size=size, dtype=dtype, jit=True), "ours") == []


@on_tensorflow
def test_a_missing_bessel_correction_is_seen_at_n_36_and_is_all_that_is_seen(frameworks: Any) -> None:
    rows = errors(frameworks, "without bessel", size="36")
    found = breaches(rows, "without bessel")
    assert {row["case"] for row in found} == {
        f"training, epsilon {epsilon}, shift {shift}: moving_variance"
        for epsilon in ("0.001", "1e-05")
        for shift in (0, 100)
    }
    # 36 / 35 of a tenth of the batch's variance, in an average that holds nine tenths of another one.
    assert all(row["errors"]["without bessel"] > 1e-3 * row["largest"] for row in found)
