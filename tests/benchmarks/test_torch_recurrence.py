"""PyTorch's LSTM kernel gives Keras's layers what Keras's loop over time gives them."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.backend("torch")]


@pytest.mark.parametrize(("dtype", "rounding"), [("float32", 1e-5), ("float64", 1e-13)])
def test_outputs_and_gradients_are_the_same_but_for_rounding(frameworks: Any, dtype: str, rounding: float) -> None:
    found = frameworks("torch").result("torch_recurrence.py", "layers", dtype=dtype)
    assert len(found) == 7
    assert {name: facts for name, facts in found.items() if not facts["difference"] <= rounding} == {}
    assert {name: facts for name, facts in found.items() if facts["by_kernel"] is not facts["expected"]} == {}


def test_kerass_own_loop_can_be_had_again(frameworks: Any) -> None:
    assert frameworks("torch").result("torch_recurrence.py", "whose_loop") == [True, False, True]
