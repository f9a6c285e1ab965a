"""The online alarm: a two-sided cumulative sum of clipped scores, with the state that each night would have had.

A score is a value's distance from the pinned baseline in its sds. Clipping keeps one wild night from alarming by itself:
two are the least that can. `tests/performance/simulate_history.py` measures what that promises.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from trainband.results.statistics import Side

REFERENCE_SD = 1.5
LIMIT_SD = 4.0
CLIP_SD = 4.0
_ROUNDING = 1e-6  # of sums that are made in another order


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """The night on which a sum passed the limit, as a place among the scores.

    Attributes:
      since: where that sum left 0 for the last time.
      side: `lower` where the values had become smaller.
    """

    index: int
    since: int
    side: Side


def advance(upper: Any, lower: Any, score: Any) -> tuple[Any, Any]:
    """Both sums of many series after one more night, arrays of one shape: what `alarms` does for one."""
    import numpy as np

    clipped = np.clip(score, -CLIP_SD, CLIP_SD)
    return np.maximum(0.0, upper + clipped - REFERENCE_SD), np.maximum(0.0, lower - clipped - REFERENCE_SD)


def alarms(scores: Sequence[float], restarts: Iterable[int] = ()) -> list[Alarm]:
    """Every alarm that the nights would have raised one after the other; both sums begin anew after each.

    Args:
      restarts: places before which the sums begin anew, too.
    """
    if not _may_alarm(scores):
        return []
    begin_anew = frozenset(restarts)
    found = []
    upper = lower = 0.0
    upper_since = lower_since = 0
    for index, score in enumerate(scores):
        if index in begin_anew:
            upper = lower = 0.0
        if upper <= 0.0:
            upper, upper_since = 0.0, index
        if lower <= 0.0:
            lower, lower_since = 0.0, index
        clipped = CLIP_SD if score > CLIP_SD else -CLIP_SD if score < -CLIP_SD else score
        upper, lower = upper + clipped - REFERENCE_SD, lower - clipped - REFERENCE_SD
        if upper > LIMIT_SD or lower > LIMIT_SD:
            above = upper > lower
            found.append(
                Alarm(index=index, since=upper_since if above else lower_since, side="upper" if above else "lower")
            )
            upper = lower = 0.0
    return found


def _may_alarm(scores: Sequence[float]) -> bool:
    """Whether either sum comes near the limit, were it never begun anew: most series are quiet, and need no look at each night."""
    import numpy as np

    clipped = np.clip(np.asarray(scores, dtype=float), -CLIP_SD, CLIP_SD)
    for side in (clipped, -clipped):
        total = np.cumsum(side - REFERENCE_SD)
        lowest = np.minimum.accumulate(np.minimum(total, 0.0))
        before = np.concatenate([[0.0], lowest[:-1]])
        if (total - before > LIMIT_SD - _ROUNDING).any():
            return True
    return False
