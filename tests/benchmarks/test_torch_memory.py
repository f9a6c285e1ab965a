"""Images that stay where they lie give PyTorch's layers what Keras's copies give them."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.backend("torch")]

ROUNDING = 1e-5


def test_outputs_and_gradients_are_the_same_but_for_rounding(frameworks: Any) -> None:
    found = frameworks("torch").result("torch_memory.py", "differences")
    assert len(found) == 9
    assert {name: value for name, value in found.items() if not value <= ROUNDING} == {}


def test_nothing_is_copied_but_sequences_and_kerass_own_way_can_be_had_again(frameworks: Any) -> None:
    found = frameworks("torch").result("torch_memory.py", "memory")
    assert found == dict.fromkeys(found, True)
