"""Mirrored training over two logical CPUs is training on one device with the same global batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from trainband.platforms.profiles import find_profile

pytestmark = [pytest.mark.backend("tensorflow"), pytest.mark.slow]

STEPS = 20
CLIPPED = {"name": "sgd", "momentum": 0.9, "l2": 1e-3, "clip_norm": 0.5}
TOLERANCE = 1e-5


@pytest.fixture
def losses(frameworks: Any, digits_root: str) -> Any:
    def run(name: str, profile: str, **arguments: Any) -> Any:
        return frameworks("tensorflow").result(
            "distribution.py",
            "losses",
            name=name,
            profile=find_profile(profile),
            steps=STEPS,
            cache_root=digits_root,
            **arguments,
        )

    return run


def worst(ours: dict[str, Any], reference: dict[str, Any]) -> float:
    """The largest relative difference of a step's loss."""
    first, second = np.array(ours["losses"]), np.array(reference["losses"])
    assert len(first) == STEPS
    return float((np.abs(first - second) / second).max())


@pytest.mark.parametrize("optimizer", [None, CLIPPED], ids=["its own optimizer", "l2 and clipping"])
@pytest.mark.parametrize("model", ["mlp_digits", "cnn_digits"])
def test_losses_and_weights_are_those_of_one_device(losses: Any, model: str, optimizer: Any) -> None:
    mirrored, single = (losses(model, profile, optimizer=optimizer) for profile in ("cpu_mirrored", "cpu"))
    assert (mirrored["device"], single["device"]) == ("cpu x2", "cpu x1")
    assert single["losses"][-1] < single["losses"][0]
    assert worst(mirrored, single) < TOLERANCE
    for name, value in single["weights"].items():
        np.testing.assert_allclose(mirrored["weights"][name], value, atol=1e-3 * np.abs(value).max(), err_msg=name)
    np.testing.assert_allclose(mirrored["logits"], single["logits"], atol=1e-3 * np.abs(single["logits"]).max())


def test_unsynchronised_batch_norm_would_be_seen(losses: Any) -> None:
    assert worst(losses("cnn_digits", "cpu_mirrored", plain_batch_norm=True), losses("cnn_digits", "cpu")) > 1e-3


def test_masks_that_repeat_on_every_replica_would_be_seen(losses: Any) -> None:
    assert worst(losses("mlp_digits", "cpu_mirrored", forget_row_offset=True), losses("mlp_digits", "cpu")) > 1e-3
