"""The names in a store's folders, compared: of hundreds of thousands of entries, a path each would take seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

# Folder of the store -> the names in it, each once. Hidden ones are files in the making, and no entries.
Names = Mapping[str, Sequence[str]]


def same_names(these: Names, those: Names) -> bool:
    """Whether the two are equal; where one of them has hidden names, it may say no all the same."""
    return these.keys() == those.keys() and all(
        len(names) == len(those[folder]) and set(names).issuperset(those[folder]) for folder, names in these.items()
    )


def paths_missing(there: Names, here: Names) -> list[str]:
    """The paths, relative to the store, of the entries that are `there` and not `here`."""
    return sorted(
        f"{folder}/{name}"
        for folder, names in there.items()
        for name in set(names).difference(here.get(folder, ()))
        if not name.startswith(".")
    )


def paths_of(names: Names) -> list[str]:
    """The path of every entry."""
    return paths_missing(names, {})
