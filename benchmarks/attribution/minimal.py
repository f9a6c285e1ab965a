"""Minimal sets of changes that make a difference: delta debugging (Zeller and Hildebrandt 2002) over closed sets.

Changes may need one another, so a set is tried together with all that it needs. What cannot be tried, or says both, is
`unresolved`: the search goes around it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise

from trainband.results.gate.probes import Answer

# What moving the second set comes to, compared with moving the first set alone.
Probe = Callable[[frozenset[str], frozenset[str]], Answer]


def closed(changes: frozenset[str], needs: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """`changes` and all that they need, directly or not."""
    found, left = set(changes), list(changes)
    while left:
        more = needs.get(left.pop(), frozenset()) - found
        found |= more
        left += more
    return frozenset(found)


def minimal_sets(
    changes: Sequence[str], needs: Mapping[str, frozenset[str]], probe: Probe
) -> list[tuple[tuple[str, ...], frozenset[str]]]:
    """Sets of changes each of which makes a difference of its own, found one after another.

    Each is looked for with the sets before it in place, so that a change is found that hides behind another, or cannot
    go without it.

    Args:
      needs: change -> others that it cannot go without.
      probe: says whether a closed set differs from a smaller one: `bad` where it does.

    Returns:
      (leaders, moved): the changes that the search came down to, and with them those that they need and that no set
      before had moved.
    """
    found: list[tuple[tuple[str, ...], frozenset[str]]] = []
    base: frozenset[str] = frozenset()
    everything = closed(frozenset(changes), needs)
    while base < everything and probe(base, everything) == "bad":
        leaders, moved = _next_set([each for each in changes if each not in base], needs, partial(probe, base), base)
        found.append((leaders, moved))
        base |= moved
    return found


def _next_set(
    left: list[str],
    needs: Mapping[str, frozenset[str]],
    probe: Callable[[frozenset[str]], Answer],
    base: frozenset[str],
) -> tuple[tuple[str, ...], frozenset[str]]:
    """A minimal bad part of the changes that are `left`, in addition to `base`."""
    leaders = _minimal(left, lambda part: probe(base | closed(frozenset(part), needs)))
    moved = closed(frozenset(leaders), needs) - base
    if len(leaders) == 1:
        leaders = [_first_guilty(moved, needs, lambda part: probe(base | part))]
        moved = closed(frozenset(leaders), needs) - base
    return tuple(leaders), moved


def _first_guilty(
    moved: frozenset[str], needs: Mapping[str, frozenset[str]], probe: Callable[[frozenset[str]], Answer]
) -> str:
    """The change in `moved` whose own closed set is the least bad one; of several with that set the one most needed."""
    sets = {change: closed(frozenset((change,)), needs) & moved for change in sorted(moved)}
    tried = sorted(set(sets.values()), key=lambda part: (len(part), sorted(part)))
    guilty = next((part for part in tried if part == moved or probe(part) == "bad"), moved)
    equals = [change for change, part in sets.items() if part == guilty]
    return max(equals, key=lambda change: sum(change in needed for needed in needs.values()))


def _minimal(changes: list[str], probe: Callable[[list[str]], Answer]) -> list[str]:
    """A 1-minimal bad part of `changes`, which are bad together: it is bad, and less by any one change it is not."""
    parts = 2
    while len(changes) >= 2:
        blocks = _blocks(changes, parts)
        smaller = next((block for block in blocks if probe(block) == "bad"), None)
        if smaller is not None:
            changes, parts = smaller, 2
            continue
        rests = ([change for change in changes if change not in block] for block in blocks) if parts > 2 else ()
        rest = next((rest for rest in rests if probe(rest) == "bad"), None)
        if rest is not None:
            changes, parts = rest, max(parts - 1, 2)
        elif parts < len(changes):
            parts = min(2 * parts, len(changes))
        else:
            return changes
    return changes


def _blocks(changes: list[str], parts: int) -> list[list[str]]:
    """`changes` in order, cut into `parts` blocks of nearly equal size."""
    edges = [round(index * len(changes) / parts) for index in range(parts + 1)]
    return [changes[start:end] for start, end in pairwise(edges)]
