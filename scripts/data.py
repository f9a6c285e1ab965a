"""`trainband data`: prepare, verify or list data sets."""

from __future__ import annotations

import json
import sys
from typing import Any

from absl import flags

from trainband.command_line import INFRASTRUCTURE, UsageError, Verb, define_data, optional_path
from trainband.tables import plain_table

ACTIONS = ("prepare", "verify", "list")


def define(values: flags.FlagValues) -> None:
    """Flags of `data`."""
    define_data(values)
    flags.DEFINE_boolean("force", False, "Prepare again what is there already.", flag_values=values)


def run(values: Any, words: list[str]) -> int:
    """Carry out one action on the named data sets, or on all."""
    from trainband.models.datasets import DATASETS, dataset

    if not words or words[0] not in ACTIONS:
        raise UsageError(f"{words[0] if words else 'nothing'!r} is no action; give one of {', '.join(ACTIONS)}")
    action, names = words[0], words[1:]
    for name in names:
        try:
            dataset(name)
        except KeyError as error:
            raise UsageError(str(error.args[0])) from error
    if action == "prepare":
        if not names:
            raise UsageError(f"data prepare: name at least one of {', '.join(DATASETS)}")
        return _prepare(values, names)
    return _state(values, action, names or list(DATASETS))


def _prepare(values: Any, names: list[str]) -> int:
    from trainband.benchmarks.data.prepare import prepare

    results = prepare(
        names,
        mirror=optional_path(values.mirror),
        data_dir=optional_path(values.data_dir),
        force=values.force,
        progress=lambda line: print(line, file=sys.stderr),
    )
    rows = [
        {
            "data set": r.name,
            "version": r.version,
            "outcome": r.outcome,
            "seconds": round(r.seconds, 1),
            "path": str(r.path),
        }
        for r in results
    ]
    print(json.dumps(rows, indent=1) if values.json else plain_table(rows))
    return 0


def _state(values: Any, action: str, names: list[str]) -> int:
    from trainband.benchmarks.data import state

    found = (state.verify if action == "verify" else state.status)(names)
    rows = [
        {
            "data set": s.name,
            "version": s.version,
            "state": s.state,
            "MB": round((s.file_bytes or 0) / 1e6, 1),
            "way": s.way or "",
            "problem": s.problem or "",
        }
        for s in found
    ]
    print(json.dumps(rows, indent=1) if values.json else plain_table(rows))
    return INFRASTRUCTURE if any(s.problem for s in found) else 0


VERB = Verb(
    summary="Prepare data sets with the official builders, verify their digests, or list what is there.",
    example="trainband data prepare mnist fashion_mnist --mirror=archives",
    define=define,
    run=run,
    words="prepare NAME...|verify [NAME...]|list",
)
