"""Where a change began, once an alarm has said that there is one; more nights after it place it better."""

from __future__ import annotations

from collections.abc import Sequence

from trainband.results.history.cusum import CLIP_SD

_LONGEST = 200  # nights looked back over: the search takes their square


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
    import ruptures

    first = max(first, alarm - _LONGEST)
    seen = np.clip(np.asarray(scores[first : last + 1], dtype=float), -CLIP_SD, CLIP_SD)
    before = min(baseline_n, _LONGEST)
    search = ruptures.Dynp(model="l2", min_size=1, jump=1).fit(np.concatenate([np.zeros(before), seen]))
    (found, _) = search.predict(n_bkps=1)
    return int(min(max(found - before + first, first), alarm))
