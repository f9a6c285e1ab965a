"""Where on a cell's time axis its environment changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from trainband.results.environments import changes_between
from trainband.results.index_rows import RunRow


@dataclass(frozen=True, kw_only=True)
class EnvironmentMark:
    """A run whose environment differs from that of the run before it.

    Attributes:
      changes: what differs, a text each.
    """

    run_id: str
    created: str
    host_class: str
    changes: tuple[str, ...]


def environment_marks(rows: Iterable[RunRow]) -> list[EnvironmentMark]:
    """The marks of a cell's runs, which are in the order of time; each class of hosts is a row of its own."""
    by_host: dict[str, list[RunRow]] = {}
    for row in rows:
        if row.environment:
            by_host.setdefault(row.host_class, []).append(row)
    return [
        EnvironmentMark(run_id=after.run_id, created=after.created, host_class=host_class, changes=tuple(changes))
        for host_class, runs in by_host.items()
        for before, after in pairwise(runs)
        if before.environment is not after.environment
        and (changes := changes_between(before.environment, after.environment))
    ]
