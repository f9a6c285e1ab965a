from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainband.benchmarks.digests import array_digest
from trainband.models.layers.draws import (
    Draws,
    current_draws,
    drawing,
    drop_threshold,
    mix32,
    reference_keep_mask,
    step_keys,
)

GOLDEN = json.loads((Path(__file__).parent.parent / "golden" / "streams.json").read_text())
BACKENDS = [pytest.param(name, marks=pytest.mark.backend(name)) for name in ("tensorflow", "jax", "torch")]


@pytest.mark.parametrize("row", GOLDEN["step_keys"], ids=lambda row: f"seed{row['seed']}-step{row['step']}")
def test_keys_never_change_between_versions(row: dict[str, Any]) -> None:
    assert step_keys(row["seed"], row["step"], len(row["keys"])).tolist() == row["keys"]


@pytest.mark.parametrize("row", GOLDEN["masks"], ids=lambda row: f"key{row['key']}-rate{row['rate']}")
def test_masks_never_change_between_versions(row: dict[str, Any]) -> None:
    mask = reference_keep_mask(tuple(row["shape"]), row["key"], row["rate"], row["row_offset"])
    assert mask.ravel()[:16].astype(int).tolist() == row["first"]
    assert array_digest(mask) == row["digest"]


@pytest.mark.parametrize("key", [0, 1, 2**31, 2**32 - 1])
def test_the_reference_is_the_hash_of_each_elements_place(key: int) -> None:
    mask = reference_keep_mask((2, 3), key, 0.4, row_offset=5)
    places = np.arange(15, 21).reshape(2, 3)
    by_hand = [[mix32((int(p) * 0x9E3779B9 + key) % 2**32) >= round(0.4 * 2**32) for p in row] for row in places]
    assert mask.tolist() == by_hand


def test_the_hash_is_a_bijection_with_avalanche() -> None:
    words = np.random.default_rng(0).integers(0, 2**32, 2000).tolist()
    flips = [(mix32(word) ^ mix32(word ^ (1 << bit))).bit_count() for word in words for bit in (0, 7, 15, 16, 31)]
    assert 15.5 < np.mean(flips) < 16.5
    assert len({mix32(word) for word in range(50_000)}) == 50_000


def test_replicas_masks_together_are_the_global_mask() -> None:
    whole = reference_keep_mask((12, 5, 3), 99, 0.3)
    parts = [reference_keep_mask((4, 5, 3), 99, 0.3, row_offset=first) for first in (0, 4, 8)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize("rate", [0.05, 0.2, 0.5, 0.9])
def test_the_share_that_is_kept_is_one_minus_the_rate(rate: float) -> None:
    kept = [reference_keep_mask((250, 1000), int(key), rate).mean() for key in step_keys(3, 0, 4)]
    sd = np.sqrt(rate * (1 - rate) / 250_000)
    assert np.abs(np.array(kept) - (1 - rate)).max() < 4 * sd


def test_a_rate_next_to_one_has_a_threshold_in_range() -> None:
    assert [drop_threshold(rate) for rate in (0.0, 0.5, 1.0)] == [0, 2**31, 2**32 - 1]


def correlation(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])


def test_masks_of_neighbouring_steps_layers_seeds_and_elements_are_uncorrelated() -> None:
    def mask(seed: int, step: int, layer: int) -> np.ndarray:
        return reference_keep_mask((200, 500), int(step_keys(seed, step, 4)[layer]), 0.5)

    base = mask(5, 10, 1)
    pairs = [(base, mask(5, 11, 1)), (base, mask(5, 10, 2)), (base, mask(6, 10, 1)), (base, mask(5 + 2**32, 10, 1))]
    pairs += [(base[:, lag:], base[:, :-lag]) for lag in (1, 2, 16, 32)] + [(base[1:], base[:-1])]
    assert max(abs(correlation(*pair)) for pair in pairs) < 4.5 / np.sqrt(1e5)


def test_keys_of_a_whole_run_are_all_different_and_fill_the_range() -> None:
    keys = np.concatenate([step_keys(1, step, 3) for step in range(2000)])
    assert len(set(keys.tolist())) == 6000
    assert keys.min() >= 0
    assert keys.max() < 2**32
    np.testing.assert_allclose(np.bincount(keys >> 29, minlength=8) / 6000, 1 / 8, atol=0.02)


def test_outside_a_training_step_there_are_no_draws() -> None:
    with pytest.raises(RuntimeError, match="outside a training step"):
        current_draws()


def test_draws_nest_and_end_with_their_block() -> None:
    outer, inner = Draws([1], 0), Draws([2], 0)
    with drawing(outer):
        with drawing(inner):
            assert current_draws() is inner
        assert current_draws() is outer


@pytest.mark.parametrize("name", BACKENDS)
def test_a_backends_dropout_is_the_reference_mask_exactly(frameworks: Any, name: str) -> None:
    found = frameworks(name).result("dropout.py", "against_reference")
    assert found["cases"] >= 60
    assert found["wrong"] == []


@pytest.mark.parametrize("name", BACKENDS)
def test_a_backends_replicas_masks_together_are_the_global_mask(frameworks: Any, name: str) -> None:
    assert frameworks(name).result("dropout.py", "replicas_are_parts_of_the_whole")
