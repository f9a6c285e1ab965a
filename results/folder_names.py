"""The names in a store's folders, compared: of hundreds of thousands of entries, a path each would take seconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

# Folder of the store -> the names in it, each once. Hidden ones are files in the making, and no entries.
Names = Mapping[str, Sequence[str]]


def differences(these: Names, those: Names) -> tuple[list[str], list[str]]:
    """The paths, relative to the store, of the entries that only `these` have, and of those that only `those` have."""
    ours: list[str] = []
    theirs: list[str] = []
    for folder in dict.fromkeys([*these, *those]):
        here, there = these.get(folder, ()), those.get(folder, ())
        alone = set(here).difference(there)
        ours += _paths(folder, alone)
        if len(here) - len(alone) != len(there):  # else all of there is here
            theirs += _paths(folder, set(there).difference(here))
    return sorted(ours), sorted(theirs)


def paths_of(names: Names) -> list[str]:
    """The path of every entry."""
    return differences(names, {})[0]


def _paths(folder: str, names: Iterable[str]) -> list[str]:
    return [f"{folder}/{name}" for name in names if not name.startswith(".")]
