"""The kit's layers for sequences, backend by backend, against NumPy in float64."""

from __future__ import annotations

from typing import Any

import pytest

BACKENDS = [pytest.param(name, marks=pytest.mark.backend(name)) for name in ("tensorflow", "jax", "torch")]
each_backend = pytest.mark.parametrize("backend", BACKENDS)
TOLERANCE = {"float32": 2e-6, "bfloat16": 0.03}


@each_backend
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize(
    ("causal", "padded", "dropped", "keys"),
    [
        (False, False, False, 5),
        (False, False, False, 7),
        (True, False, False, 5),
        (False, True, False, 7),
        (True, True, False, 5),
        (True, False, True, 5),
        (False, True, True, 7),
    ],
)
def test_attention_and_its_gradients_are_those_of_the_formula(
    frameworks: Any, backend: str, causal: bool, padded: bool, dropped: bool, keys: int, dtype: str
) -> None:
    found = frameworks(backend).result(
        "sequence_layers.py", "attention", causal=causal, padded=padded, dropped=dropped, keys=keys, dtype=dtype
    )
    # Two products of 5 queries with all keys over a width of 12.
    assert found.pop("multiply_adds") == 2 * 5 * keys * 12
    assert max(found.values()) < TOLERANCE[dtype], found


@each_backend
@pytest.mark.parametrize("output_bias", [False, True])
def test_one_table_looks_tokens_up_and_gives_their_logits(frameworks: Any, backend: str, output_bias: bool) -> None:
    found = frameworks(backend).result("sequence_layers.py", "tied_embedding", output_bias=output_bias)
    assert found["vectors"] < 1e-6
    assert found["logits"] < 1e-5
    bias = [["embed/bias", "Zeros"]] if output_bias else []
    assert found["names"] == [["embed/embeddings", "RandomNormal"], *bias, ["positions/positions", "Zeros"]]
    assert found["multiply_adds"] == 3 * 4 * 7


@each_backend
def test_the_layers_around_a_sequence_do_what_they_say(frameworks: Any, backend: str) -> None:
    errors = frameworks(backend).result("sequence_layers.py", "around_a_sequence")
    assert {name: error for name, error in errors.items() if not error < 1e-5} == {}


@each_backend
def test_stochastic_depth_drops_the_examples_of_the_reference_mask(frameworks: Any, backend: str) -> None:
    found = frameworks(backend).result("sequence_layers.py", "drop_path")
    assert 10 < found["kept"] < 38
    assert found["error"] < 1e-6
    assert found["outside_training"] == 0.0
