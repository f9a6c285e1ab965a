"""At which releases of a package a difference comes in: every one of them, or the one by halving.

A release is the place of its trial; the first and the last one are those of the two sides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from trainband.benchmarks.attribution.trials import Laboratory
from trainband.results.attributions import ReleaseChange

# release -> the place of its trial
Tried = Callable[[str], int]


def every_change(laboratory: Laboratory, package: str, path: Sequence[str], at: Tried) -> tuple[ReleaseChange, ...]:
    """All neighbours on `path` between which the answer is `bad`; for what is exact, and cheap to ask."""
    found, skipped = [], []
    before, last = path[0], at(path[0])
    for release in path[1:]:
        place = at(release)
        answer = laboratory.answer(last, place)
        if answer == "unresolved":
            skipped.append(release)
            continue
        if answer == "bad":
            found.append(_change(laboratory, package, before, release, skipped, at))
        before, last, skipped = release, place, []
    return tuple(found)


def first_bad(laboratory: Laboratory, package: str, path: Sequence[str], at: Tried) -> tuple[ReleaseChange, ...]:
    """The release from which on the answer is `bad` beside the first one, by halving; the last one is known to be.

    A release that is neither shown to be as good as the first nor to be worse is left out; what lies at the end between
    the last good one and the first bad one is told.
    """
    start = at(path[0])
    good, bad = 0, len(path) - 1
    open_: set[int] = set()
    while left := [index for index in range(good + 1, bad) if index not in open_]:
        middle = min(left, key=lambda index: abs(2 * index - good - bad))
        answer = laboratory.answer(start, at(path[middle]))
        if answer == "unresolved":
            open_.add(middle)
        elif answer == "bad":
            bad = middle
        else:
            good = middle
    skipped = [path[index] for index in range(good + 1, bad)]
    return (_change(laboratory, package, path[good], path[bad], skipped, at),)


def _change(
    laboratory: Laboratory, package: str, before: str, release: str, skipped: Sequence[str], at: Tried
) -> ReleaseChange:
    places = at(before), at(release)
    versions = [laboratory.found.trials[place].versions for place in places]
    return ReleaseChange(
        package=package, before=before, release=release, skipped=tuple(skipped), also=_also(package, *versions)
    )


def _also(package: str, before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
    names = sorted({*before, *after} - {package})
    return tuple(
        f"{name} {before.get(name, '-')} {after.get(name, '-')}"
        for name in names
        if before.get(name) != after.get(name)
    )
