"""From judgements to the exit status of a command."""

from __future__ import annotations

from collections.abc import Iterable

from trainband.results.judgements import Judgement

ALL_PASS = 0
A_CELL_FAILED = 1
INFRASTRUCTURE = 3
UNDECIDED = 4

_FAILED = frozenset({"fail_low", "fail_high", "diverged"})
_INFRASTRUCTURE = frozenset({"error", "timeout"})
_OPEN = frozenset({"undecided", "no_band"})


def exit_status(judgements: Iterable[Judgement], required_profiles: frozenset[str] = frozenset()) -> int:
    """The status that a shell sees, with the precedence 3 > 1 > 4 > 0 (2, wrong usage, never gets here).

    0 only where at least one cell was judged and every judged one passed or is waived. A required profile without a
    judged cell, skipped or absent, is 3. A pass of the band's own evidence confirms nothing and counts as undecided.
    """
    given = list(judgements)
    judged = [item for item in given if item.verdict != "skipped"]
    skipped = {item.profile for item in given if item.verdict == "skipped"}
    absent = required_profiles - {item.profile for item in judged}
    if absent or skipped & required_profiles or any(item.verdict in _INFRASTRUCTURE for item in judged):
        return INFRASTRUCTURE
    if any(item.verdict in _FAILED for item in judged):
        return A_CELL_FAILED
    if not judged or any(item.verdict in _OPEN or (item.verdict == "pass" and item.in_sample) for item in judged):
        return UNDECIDED
    return ALL_PASS
