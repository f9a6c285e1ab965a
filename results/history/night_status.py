"""The exit status of a night: that of its verdicts, and of what history has open."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from trainband.results.exit_status import A_CELL_FAILED, INFRASTRUCTURE, UNDECIDED, exit_status
from trainband.results.history.nights import Night
from trainband.results.history.regressions import Regression
from trainband.results.judgements import Judgement


def night_status(
    night: Night,
    judgements: Sequence[Judgement],
    filed: Iterable[Regression],
    *,
    required: frozenset[str],
    slower: bool,
    judge_speed: bool,
    today: date,
) -> int:
    """The status that a scheduler sees, with the precedence 3 > 1 > 4 > 0.

    A regression that is detected and owned by nobody is 1 on every night until somebody acknowledges, ignores, accepts or
    fixes it; one of speed only where `judge_speed`. A candidate that could not be confirmed, and a required profile
    that the budget did not come to, are 4. What could not be read or run is 3.

    Args:
      slower: a cell's throughput counts and is slower.
    """
    late = {waiting.what.partition("@")[2] for waiting in night.waiting}
    reached = {judgement.profile for judgement in judgements}
    unreached = frozenset(profile for profile in required if profile in late and profile not in reached)
    status = exit_status(judgements, required - unreached)
    if status == INFRASTRUCTURE or night.problems:
        return INFRASTRUCTURE
    counted = [each for each in filed if judge_speed or each.quantity.kind == "quality"]
    if status == A_CELL_FAILED or slower or any(each.state_on(today) == "detected" for each in counted):
        return A_CELL_FAILED
    if unreached or any(each.state == "candidate" for each in counted):
        return UNDECIDED
    return status
