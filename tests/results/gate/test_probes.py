"""One comparison of a search: the gate's tests at a level that is shared out over all comparisons in advance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from trainband.results.gate.pairs import GateMetric, Pair
from trainband.results.gate.probes import LEVEL, MOST_PAIRS, PROBES, enough_pairs, quality_probe, speed_probe
from trainband.results.gate.speed import Block

Metrics = tuple[GateMetric, GateMetric]
Pairs = Callable[..., tuple[Pair, ...]]
Blocks = Callable[..., tuple[Block, ...]]


def test_the_level_is_shared_out_over_all_comparisons() -> None:
    assert pytest.approx(0.05) == PROBES * LEVEL


def test_a_pair_that_ended_bit_equal_proves_equal_quality(gate_metrics: Metrics, make_pairs: Pairs) -> None:
    assert quality_probe(gate_metrics, make_pairs([0.0], [0.0], bit_equal=[True])).answer == "good"
    assert quality_probe(gate_metrics, make_pairs([0.0], [0.0])) == ("unresolved", "fewer than 4 pairs")


@pytest.mark.parametrize(("loss", "answer"), [(0.0, "good"), (0.06, "bad"), (0.015, "unresolved")])
def test_a_loss_is_bad_none_is_good_and_half_a_margin_is_open(
    gate_metrics: Metrics, make_pairs: Pairs, loss: float, answer: str
) -> None:
    noise = stats.norm.ppf((np.arange(8) + 0.5) / 8)  # an sd near 1, a mean of 0
    found = quality_probe(gate_metrics, make_pairs(-loss + 0.012 * noise, 0.005 * noise))
    assert found.answer == answer
    assert "of 8 pairs" in found.reason


def test_what_the_gate_calls_lost_may_be_open_in_a_search(gate_metrics: Metrics, make_pairs: Pairs) -> None:
    noise = stats.norm.ppf((np.arange(8) + 0.5) / 8)
    sd = float(noise.std(ddof=1))
    for factor, answer in ((0.99, "bad"), (1.01, "unresolved")):
        # Sequential p, the least of its family of three: 4 p = LEVEL / 3 at the limit, by the look at 8 pairs.
        t = stats.t.isf(factor * LEVEL / 12, 7)
        found = quality_probe(gate_metrics, make_pairs(0.02 * (noise - t * sd / np.sqrt(8)), 0.001 * noise))
        assert found.answer == answer, found
        assert 4 * stats.t.sf(t, 7) < 0.05 / 3


def test_runs_that_do_not_converge_are_lost(gate_metrics: Metrics, make_pairs: Pairs) -> None:
    noise = 0.002 * stats.norm.ppf((np.arange(16) + 0.5) / 16)
    failed = dict.fromkeys(range(14), "candidate")
    found = quality_probe(gate_metrics, make_pairs(noise, noise, failed=failed))
    assert found == ("bad", "the candidate did not converge in 14 of 16 pairs, the baseline in 0")


@pytest.mark.parametrize(("ratio", "answer"), [(0.8, "bad"), (1.0, "good"), (0.955, "unresolved"), (1.3, "good")])
def test_speed_is_lost_held_or_open(make_blocks: Blocks, ratio: float, answer: str) -> None:
    noise = np.array([0.998, 0.999, 1.001, 1.002])
    blocks = make_blocks(ratio * noise)
    assert enough_pairs(blocks, "cpu")
    assert speed_probe(blocks, "cpu").answer == answer


def test_the_width_decides_how_many_pairs_are_timed(make_blocks: Blocks) -> None:
    def ratios(count: int, spread: float) -> Any:
        return np.exp(spread * stats.norm.ppf((np.arange(count) + 0.5) / count))

    assert not enough_pairs(make_blocks(ratios(3, 0.0001)), "cpu")
    assert enough_pairs(make_blocks(ratios(4, 0.002)), "cpu")
    assert not enough_pairs(make_blocks(ratios(4, 0.05)), "cpu")
    assert not enough_pairs(make_blocks(0.7 * ratios(4, 0.05)), "cpu")  # however plain the loss
    assert enough_pairs(make_blocks(ratios(MOST_PAIRS, 0.5)), "cpu")
    assert not enough_pairs((), "cpu")
