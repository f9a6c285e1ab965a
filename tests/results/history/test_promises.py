"""What the alarm and its confirmation promise, simulated: small here, large in tests/performance/simulate_history.py."""

from __future__ import annotations

import pytest
import simulate_history


@pytest.mark.parametrize(
    ("name", "candidates_a_year", "nights_to_step"),
    [
        ("normal, 30 seeds", 0.03, 3.6),
        ("t3, 30 seeds", 0.18, 3.4),
        ("lognormal, 30 seeds", 0.40, 4.1),
        ("AR(1) .5, first runs", 1.25, 3.6),
        ("lognormal, 20 seeds", 0.62, 4.1),
    ],
)
def test_a_year_of_nights_keeps_the_promise(name: str, candidates_a_year: float, nights_to_step: float) -> None:
    found = simulate_history.simulate(simulate_history.KINDS[name], series=3000, seed=11)
    slack = 4.0 * found.candidates_error
    assert found.candidates_a_year < candidates_a_year + slack
    assert found.nights_to_step < nights_to_step + 0.3
    assert found.median <= 4
    assert found.confirmed_a_month < 1.0 + 4.0 * found.confirmed_error
    assert found.confirmed_step is None or found.confirmed_step > 0.85
