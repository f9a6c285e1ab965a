"""The speed of a candidate: the test by hand and by scipy, and the words that its figures get."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from trainband.results.gate.evidence import CellEvidence
from trainband.results.gate.speed import Block, SpeedTest, combined_word, speed_test, speed_word

MakeBlocks = Callable[..., tuple[Block, ...]]
RATIOS = [0.94, 0.95, 0.93, 0.96, 0.95]


def test_the_ratio_is_tested_over_the_means_of_the_pairs_of_processes(make_blocks: MakeBlocks) -> None:
    logs = np.log(RATIOS)
    cpu = speed_test(make_blocks(RATIOS), "cpu", margin=0.05)
    limits = stats.ttest_1samp(logs, 0.0).confidence_interval(0.95)
    assert cpu.pairs == 5
    assert (cpu.ratio, cpu.lower, cpu.upper) == pytest.approx(
        (math.exp(logs.mean()), math.exp(limits.low), math.exp(limits.high))
    )
    assert cpu.ratio * (1 + cpu.half_width) == pytest.approx(cpu.upper)
    t = logs.mean() / (logs.std(ddof=1) / math.sqrt(5))
    assert cpu.p_slower == pytest.approx(stats.t.cdf(t, 4))
    assert cpu.p_faster == pytest.approx(stats.t.sf(t, 4))
    shifted = (logs.mean() - math.log(0.95)) / (logs.std(ddof=1) / math.sqrt(5))
    assert cpu.p_inferior == pytest.approx(stats.t.sf(shifted, 4))
    assert cpu.lower < cpu.bootstrap_lower < cpu.ratio < cpu.bootstrap_upper < cpu.upper
    assert speed_test(make_blocks(RATIOS), "cpu", margin=0.05) == cpu


def test_cpu_seconds_and_wall_seconds_are_two_answers(make_blocks: MakeBlocks) -> None:
    blocks = make_blocks([1.00, 1.01, 0.99, 1.00], [0.50, 0.52, 0.49, 0.51])
    assert speed_test(blocks, "cpu").ratio == pytest.approx(1.0, abs=1e-3)
    assert speed_test(blocks, "wall").ratio == pytest.approx(0.505, abs=1e-3)


def test_a_steady_drift_of_the_host_cancels(make_blocks: MakeBlocks) -> None:
    blocks = [
        replace(block, wall_sec=block.wall_sec * 1.1**block.order) for block in make_blocks([0.90, 0.91, 0.89, 0.90])
    ]
    assert speed_test(blocks, "wall").ratio == pytest.approx(0.90, abs=1e-3)


def test_more_blocks_of_a_pair_do_not_weigh_more(make_blocks: MakeBlocks) -> None:
    blocks = make_blocks([0.80, 1.00, 1.00, 1.00])
    again = [replace(block, order=block.order + 4) for block in blocks if block.pair == 0]
    assert speed_test((*blocks, *again), "cpu") == speed_test(blocks, "cpu")


def test_fewer_than_four_pairs_or_no_spread_give_no_p(make_blocks: MakeBlocks) -> None:
    three = speed_test(make_blocks([0.5, 0.6, 0.5]), "cpu")
    assert (three.pairs, three.ratio, three.p_slower) == (3, None, None)
    same = speed_test(make_blocks([0.5] * 4), "cpu")
    assert (same.ratio, same.lower, same.p_slower, same.p_inferior) == (pytest.approx(0.5), None, None, None)
    for test in (three, same, speed_test((), "wall")):
        assert speed_word(test, slower=False, faster=False) == "undecided"


@pytest.mark.parametrize(
    ("orders", "sides"), [((0, 1, 2), "baseline candidate candidate"), ((0, 3), "baseline baseline")]
)
def test_blocks_without_a_neighbour_of_the_other_side_are_refused(
    make_blocks: MakeBlocks, make_cell: Callable[..., CellEvidence], orders: tuple[int, ...], sides: str
) -> None:
    blocks = tuple(block for block in make_blocks([1.0, 1.1]) if block.pair == 0 or block.order in orders)
    with pytest.raises(ValueError, match=f"blocks of pair 1 ran as {sides}: "):
        make_cell(blocks=blocks)


@pytest.mark.parametrize(("field", "value"), [("steps", 0), ("wall_sec", 0.0), ("cpu_sec", math.nan)])
def test_a_block_that_took_no_time_is_refused(make_blocks: MakeBlocks, field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"block 0 of pair 0: {field} = {value}"):
        replace(make_blocks([1.0])[0], **{field: value})


def test_a_margin_is_a_fraction(make_blocks: MakeBlocks) -> None:
    with pytest.raises(ValueError, match=r"margin = 5\.0: a fraction"):
        speed_test(make_blocks([1.0]), "cpu", margin=5.0)


def figures(ratio: float, half_width: float, p_inferior: float, basis: Any = "cpu") -> SpeedTest:
    return SpeedTest(
        basis=basis, margin=0.05, pairs=4, ratio=ratio, half_width=half_width, p_slower=0.5, p_inferior=p_inferior
    )


def test_slower_and_faster_need_both_the_rejection_and_an_estimate_beyond_the_margin() -> None:
    slow, fast = figures(0.94, 0.01, 0.9), figures(1.06, 0.01, 1e-6)
    assert speed_word(slow, slower=True, faster=False) == "slower"
    assert speed_word(slow, slower=False, faster=False) == "undecided"
    assert speed_word(figures(0.96, 0.005, 0.01), slower=True, faster=False) == "as fast"
    assert speed_word(figures(0.96, 0.02, 0.20), slower=True, faster=False) == "undecided"
    assert speed_word(fast, slower=False, faster=True) == "faster"
    assert speed_word(fast, slower=False, faster=False) == "as fast"
    assert speed_word(figures(1.04, 0.01, 1e-6), slower=False, faster=True) == "as fast"


def test_a_wall_ratio_wider_than_the_margin_is_never_as_fast() -> None:
    wide = figures(1.03, 0.06, 0.01, "wall")
    assert speed_word(wide, slower=False, faster=False) == "undecided"
    assert speed_word(replace(wide, basis="cpu"), slower=False, faster=False) == "as fast"
    assert speed_word(replace(wide, half_width=0.05), slower=False, faster=False) == "as fast"
    assert speed_word(replace(wide, ratio=0.5), slower=True, faster=False) == "slower"


def test_a_cell_is_as_fast_where_every_ratio_is_and_slower_where_one_is() -> None:
    assert combined_word(("slower", "undecided")) == "slower"
    assert combined_word(("faster", "undecided")) == "undecided"
    assert combined_word(("faster", "as fast")) == "faster"
    assert combined_word(("as fast", "as fast")) == "as fast"
