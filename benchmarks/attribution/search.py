"""The search itself: both ends first, then one minimal set of changes after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from trainband.benchmarks.attribution.minimal import minimal_sets
from trainband.benchmarks.attribution.trials import Laboratory

# The place of the trial of the setting in which these changes are made.
Trials = Callable[[frozenset[str]], int]


class EndsError(RuntimeError):
    """The two ends do not show what is to be explained; the message says why."""


def guilty_sets(
    laboratory: Laboratory, changes: Sequence[str], needs: Mapping[str, frozenset[str]], at: Trials
) -> Iterator[tuple[frozenset[str], tuple[str, ...], frozenset[str]]]:
    """(what had moved before, leaders, what moves) of each minimal set of changes that makes a difference of its own.

    Args:
      needs: see `minimal_sets`.

    Raises:
      EndsError: the ends say nothing, or are not shown to differ.
    """
    ends = at(frozenset()), at(frozenset(changes))
    for place in ends:
        trial = laboratory.found.trials[place]
        if trial.why_not:
            raise EndsError(f"{trial.what}: {trial.why_not}")
    compared = laboratory.compared(*ends)
    if compared.answer != "bad":
        raise EndsError(
            f"the two ends are not shown to differ in {laboratory.found.by}, so there is nothing to look for: "
            f"{compared.reason}"
        )
    base: frozenset[str] = frozenset()
    found = minimal_sets(changes, needs, lambda before, after: laboratory.answer(at(before), at(after)))
    for leaders, moved in found:
        yield base, leaders, moved
        base |= moved
