"""How fast a candidate trains beside the baseline: timed blocks A B B A in persistent pairs of processes.

Two neighbouring blocks, one a side, give a log ratio of throughputs, and a pair of processes their mean; t runs over those
means, since blocks of one process are not independent. How many pairs there are is planned, or chosen by the interval's
width, never by a p: there are no looks here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import fmean
from typing import Literal

from trainband.results.statistics import CONFIDENCE
from trainband.results.throughput import Basis

LEAST_PAIRS = 4
SPEED_MARGIN = 0.05
ALPHA = 0.05
RESAMPLES = 2000

GateSide = Literal["baseline", "candidate"]
SpeedWord = Literal["as fast", "slower", "faster", "undecided"]


@dataclass(frozen=True, kw_only=True)
class Block:
    """Steps of one side between two device synchronisations.

    Attributes:
      pair: pair of processes that it ran in.
      order: place among the pair's blocks, both sides together.
    """

    pair: int
    order: int
    side: GateSide
    steps: int
    wall_sec: float
    cpu_sec: float

    def __post_init__(self) -> None:
        for name in ("steps", "wall_sec", "cpu_sec"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(
                    f"block {self.order} of pair {self.pair}: {name} = {value}: must be positive and finite"
                )

    def steps_per_sec(self, basis: Basis) -> float:
        """Steps a second of `basis`."""
        return self.steps / (self.wall_sec if basis == "wall" else self.cpu_sec)


@dataclass(frozen=True, kw_only=True)
class SpeedTest:
    """The ratio of throughputs, candidate over baseline, on one basis.

    Attributes:
      pairs: of processes.
      ratio: geometric mean over them; None under 4 pairs, as everything below.
      lower, upper: 95% limits by t.
      bootstrap_lower, bootstrap_upper: 95% limits by resampling pairs of processes: a check on t, nothing is judged by it.
      half_width: of the interval by t, as a fraction: limits are ratio / (1 + half_width) and ratio x (1 + half_width).
      p_slower: of "not slower" (ratio >= 1); None where all pairs give one ratio.
      p_faster: of "not faster" (ratio <= 1).
      p_inferior: of "slower by at least the margin" (ratio <= 1 - margin).
    """

    basis: Basis
    margin: float
    pairs: int
    ratio: float | None = None
    lower: float | None = None
    upper: float | None = None
    bootstrap_lower: float | None = None
    bootstrap_upper: float | None = None
    half_width: float | None = None
    p_slower: float | None = None
    p_faster: float | None = None
    p_inferior: float | None = None


def speed_test(blocks: Sequence[Block], basis: Basis, *, margin: float = SPEED_MARGIN) -> SpeedTest:
    """The test of all `blocks` of one cell.

    Args:
      margin: the loss of throughput that matters, as a fraction of the baseline's.

    Raises:
      ValueError: the margin is no fraction, or the blocks are not `couples`.
    """
    import numpy as np
    from scipy import stats

    if not 0.0 < margin < 1.0:
        raise ValueError(f"margin = {margin}: a fraction between 0 and 1")
    means = [fmean(_log_ratio(*couple, basis) for couple in of_pair) for of_pair in couples(blocks)]
    if len(means) < LEAST_PAIRS:
        return SpeedTest(basis=basis, margin=margin, pairs=len(means))
    if min(means) == max(means):
        return SpeedTest(basis=basis, margin=margin, pairs=len(means), ratio=math.exp(means[0]))
    center = stats.ttest_1samp(means, 0.0)
    lower, upper = center.confidence_interval(CONFIDENCE)
    resampled = stats.bootstrap(
        (means,), np.mean, n_resamples=RESAMPLES, confidence_level=CONFIDENCE, method="percentile", random_state=0
    ).confidence_interval
    return SpeedTest(
        basis=basis,
        margin=margin,
        pairs=len(means),
        ratio=math.exp(fmean(means)),
        lower=math.exp(lower),
        upper=math.exp(upper),
        bootstrap_lower=math.exp(resampled.low),
        bootstrap_upper=math.exp(resampled.high),
        half_width=math.expm1((upper - lower) / 2.0),
        p_slower=float(stats.ttest_1samp(means, 0.0, alternative="less").pvalue),
        p_faster=float(stats.ttest_1samp(means, 0.0, alternative="greater").pvalue),
        p_inferior=float(stats.ttest_1samp(means, math.log1p(-margin), alternative="greater").pvalue),
    )


def timed_enough(test: SpeedTest, *, narrow: float, most: int) -> bool:
    """Whether timing ends: the interval's half width is `narrow` margins at most, or there are `most` pairs; never by a p."""
    settled = test.half_width is not None and test.half_width <= narrow * test.margin
    return test.pairs >= LEAST_PAIRS and (settled or test.pairs >= most)


def couples(blocks: Iterable[Block]) -> list[list[tuple[Block, Block]]]:
    """The neighbouring blocks of each pair of processes, two and two, in the order of the pairs.

    Raises:
      ValueError: two neighbours are of one side, or the last block of a pair has none.
    """
    ordered = sorted(blocks, key=lambda block: (block.pair, block.order))
    found = []
    for pair, held in groupby(ordered, key=lambda block: block.pair):
        of_pair = list(held)
        if len(of_pair) % 2 or any(a.side == b.side for a, b in zip(of_pair[::2], of_pair[1::2], strict=False)):
            sides = " ".join(block.side for block in of_pair)
            raise ValueError(f"blocks of pair {pair} ran as {sides}: each two neighbours must be one of either side")
        found.append(list(zip(of_pair[::2], of_pair[1::2], strict=True)))
    return found


def _log_ratio(first: Block, second: Block, basis: Basis) -> float:
    ratio = math.log(second.steps_per_sec(basis) / first.steps_per_sec(basis))
    return ratio if second.side == "candidate" else -ratio


def speed_word(test: SpeedTest, *, slower: bool, faster: bool) -> SpeedWord:
    """What one ratio says.

    `slower` and `faster` need Holm's rejection and an estimate beyond the margin. Else the candidate is `as fast` where a
    loss of the margin is rejected at 5% (no correction: a gate ships only if every cell is shown to), and `undecided`
    where it is not. A ratio a wall second whose 95% interval is wider than the margin is never `as fast`: the host is too
    noisy for it.

    Args:
      slower, faster: whether Holm over the gate's ratios rejects "not slower" and "not faster".
    """
    if test.ratio is None:
        return "undecided"
    if slower and test.ratio < 1.0 - test.margin:
        return "slower"
    if faster and test.ratio > 1.0 + test.margin:
        return "faster"
    if test.half_width is None or (test.basis == "wall" and test.half_width > test.margin):
        return "undecided"
    return "as fast" if test.p_inferior is not None and test.p_inferior <= ALPHA else "undecided"


def combined_word(words: Sequence[SpeedWord]) -> SpeedWord:
    """What a cell's ratios say together: `slower` where one does, then `undecided`, then `faster`.

    CPU seconds and wall seconds answer two questions, the cost of the work and what its user waits for, and a loss of
    either is a loss. So every basis that the plan judges must be shown not to be slower; one that is undecided is not
    passed over because the other one is clear. Where work waits (on input, on an accelerator), CPU seconds say nothing,
    and the plan judges wall seconds alone; where a host cannot settle wall seconds, the plan may judge CPU seconds alone.
    """
    order: tuple[SpeedWord, ...] = ("slower", "undecided", "faster")
    return next((word for word in order if word in words), "as fast")
