"""Where a change began, once an alarm has said that there is one; more nights after it place it better."""

from __future__ import annotations

from collections.abc import Sequence

from trainband.results.history.cusum import CLIP_SD

_LONGEST = 200  # nights looked back over


def placed(scores: Sequence[float], *, first: int, alarm: int, last: int, baseline_n: int) -> int:
    """The place of the first score of the new level.

    Args:
      scores: distances from the pinned baseline, in its sds.
      first: the earliest place that it may have, such as that after the change before.
      alarm: where the alarm was raised; the change is not after it.
      last: the last score that belongs to the new level.
      baseline_n: values behind the baseline, which count as scores of 0 before the first.
    """
    import numpy as np

    first = max(first, alarm - _LONGEST)
    seen = np.clip(np.asarray(scores[first : last + 1], dtype=float), -CLIP_SD, CLIP_SD)
    before = min(baseline_n, _LONGEST)
    # Two means explain the values best where the squares of both sums, each over its number of values, are largest.
    sums = np.concatenate([np.zeros(before), seen]).cumsum()
    counts = np.arange(1, len(sums))
    explained = sums[:-1] ** 2 / counts + (sums[-1] - sums[:-1]) ** 2 / (len(sums) - counts)
    found = 1 + int(explained.argmax())
    return min(max(found - before + first, first), alarm)
