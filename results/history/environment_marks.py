"""Where on a cell's time axis its environment changed."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from trainband.results.environments import changes_between
from trainband.results.run_columns import RunColumns


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


def environment_marks(runs: RunColumns) -> list[EnvironmentMark]:
    """The marks of a cell's runs; each class of hosts is a row of its own."""
    settings = runs.settings
    return [
        EnvironmentMark(
            run_id=ours.run_ids[place], created=ours.created[place], host_class=host_class, changes=tuple(changes)
        )
        for host_class, ours in runs.where(lambda setting: bool(setting.environment)).by_host().items()
        for place, (before, after) in enumerate(pairwise(ours.made_with), start=1)
        if before != after and (changes := changes_between(settings[before].environment, settings[after].environment))
    ]
