"""A model called layer by layer gives what Keras's call of it gives, on PyTorch, to the bit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from trainband.models.catalog import BUILT_IN
from trainband.platforms.profiles import find_profile

pytestmark = [pytest.mark.slow, pytest.mark.backend("torch")]

TRAINED = [
    pytest.param(row.name, marks=[pytest.mark.nightly] if row.tiers == ("full",) else [])
    for row in BUILT_IN
    if "throughput" not in row.tiers
]
# One thread: beside another test, two wait for each other.
PROFILE = replace(find_profile("cpu_deterministic_torch"), threads=1)
LEFT_TO_KERAS = {"a stranger's block", "two outputs", "a sequential model"}


@pytest.mark.parametrize("name", TRAINED)
def test_steps_and_evaluations_of_every_reference_model_are_those_of_keras(frameworks: Any, name: str) -> None:
    found = frameworks("torch").result("models.py", "forwards_of_torch", name=name, profile=PROFILE)
    assert found == dict.fromkeys(("read", "trained", "losses", "gradients", "weights", "outputs"), True)


def test_so_are_those_of_mixed_precision(frameworks: Any) -> None:
    profile = replace(PROFILE, precision="mixed_bfloat16")
    found = frameworks("torch").result("models.py", "forwards_of_torch", name="cnn_digits", profile=profile)
    assert found == dict.fromkeys(("read", "trained", "losses", "gradients", "weights", "outputs"), True)


def test_other_graphs_give_what_they_give_by_keras(frameworks: Any) -> None:
    found = frameworks("torch").result("torch_forward.py", "graphs")
    assert [name for name, facts in found.items() if not facts["equal"]] == []
    assert {name for name, facts in found.items() if not facts["read"]} == LEFT_TO_KERAS
    assert max(facts["losses"] for facts in found.values()) == 1  # no layer's piles up


def test_a_call_that_is_replaced_later_is_called(frameworks: Any) -> None:
    found = frameworks("torch").result("torch_forward.py", "replaced_calls")
    assert found == {"read": True, "layer": True, "model": True}
