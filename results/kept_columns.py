"""The columns of a cell, kept in the store from one question to the next: what came since is all that the index is asked for.

The folder `columns` may go at any time. A file that is missing, of another form, or of another number of runs than the index
has is left alone, and all is asked for.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainband.results.files import atomic_write_text
from trainband.results.run_columns import MadeWith, RunColumns

FOLDER = "columns"
_FORM = 1


@dataclass(frozen=True, kw_only=True)
class KeptColumns:
    """Attributes:
    state: as `cell_states` has it for the cell, when this was kept.
    judged_by: run -> digest of the band of the newest judgement that it triggered.
    """

    state: Sequence[Sequence[Any]]
    runs: RunColumns
    judged_by: Mapping[str, str | None]


def kept_path(store: Path, cell: str) -> Path:
    return store / FOLDER / f"{hashlib.sha256(cell.encode()).hexdigest()[:24]}.json"


def read_kept(store: Path, cell: str) -> KeptColumns | None:
    """What is kept of `cell`; None where nothing is that this release can read."""
    try:
        told = json.loads(kept_path(store, cell).read_bytes())
        if (told["form"], told["cell"]) != (_FORM, cell):
            return None
        runs = RunColumns(
            run_ids=told["run_ids"],
            created=told["created"],
            made_with=told["made_with"],
            settings=list(map(_setting, told["settings"])),
            contended=told["contended"],
            speeds=told["speeds"],
            metrics=told["metrics"],
        )
        columns = (runs.created, runs.made_with, runs.contended, *runs.speeds.values(), *runs.metrics.values())
        if any(len(column) != len(runs) for column in columns):
            return None
        digests = told["digests"]
        judged = zip(runs.run_ids, told["judged_by"], strict=True)
        judged_by = {run_id: digests[place] for run_id, place in judged if place >= 0} | told["judged_and_gone"]
        return KeptColumns(state=told["state"], runs=runs, judged_by=judged_by)
    except (OSError, AttributeError, LookupError, TypeError, ValueError):
        return None


def _setting(told: Sequence[Any]) -> MadeWith:
    outcome, role, of_sweep, host_class, recipe_hash, faults, environment = told
    return MadeWith(outcome, role, of_sweep, host_class, recipe_hash, tuple(faults), environment)


def keep(store: Path, cell: str, kept: KeptColumns) -> None:
    """Keeps `kept`; a store that cannot be written is asked for all of it next time."""
    runs = kept.runs
    there = frozenset(runs.run_ids)
    digests = list(dict.fromkeys(kept.judged_by.values()))
    places = {digest: place for place, digest in enumerate(digests)}
    told = {
        "form": _FORM,
        "cell": cell,
        "state": kept.state,
        "run_ids": runs.run_ids,
        "created": runs.created,
        "made_with": runs.made_with,
        "settings": [[*setting[:-1], dict(setting.environment)] for setting in runs.settings],
        "contended": runs.contended,
        "speeds": runs.speeds,
        "metrics": runs.metrics,
        "digests": digests,
        "judged_by": [places[kept.judged_by[run_id]] if run_id in kept.judged_by else -1 for run_id in runs.run_ids],
        "judged_and_gone": {run_id: digest for run_id, digest in kept.judged_by.items() if run_id not in there},
    }
    path = kept_path(store, cell)
    with contextlib.suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        atomic_write_text(path, json.dumps(told, allow_nan=False), durable=False)


def forget_kept(store: Path) -> None:
    """Removes all that is kept."""
    for path in (store / FOLDER).glob("*.json"):
        path.unlink(missing_ok=True)
