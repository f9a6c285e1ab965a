"""From runs and judgements to the columns of the index's tables, and back."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from trainband.results.codec import NON_FINITE, encode
from trainband.results.index_rows import RunRow, utc_text
from trainband.results.index_tables import RUNS
from trainband.results.run_columns import MadeWith, RunColumns, made_columns

_JSON = ("faults", "metrics", "contended", "environment")
_FAULTS, _METRICS, _CONTENDED, _ENVIRONMENT = map(RunRow._fields.index, _JSON)
_ALONE = (RUNS.c.run_id, RUNS.c.created, RUNS.c.metrics, RUNS.c.examples_per_cpu_sec, RUNS.c.examples_per_sec)
_QUIET = RUNS.c.contended == "[]"
_SETTING = (
    *(RUNS.c.outcome, RUNS.c.seed_role, RUNS.c.sweep_id.is_not(None)),
    *(RUNS.c.host_class, RUNS.c.recipe_hash, RUNS.c.faults, RUNS.c.environment),
)
COLUMNS = (*_ALONE, _QUIET, *_SETTING)  # of which `columns_of` makes a cell's columns


def run_values(row: RunRow) -> dict[str, Any]:
    """Column -> value of a run."""
    return {name: json.dumps(value) if name in _JSON else value for name, value in encode(row._asdict()).items()}


def run_rows(found: Sequence[Sequence[Any]]) -> list[RunRow]:
    """The rows of the table, whose columns are a RunRow's fields in their order."""
    if not found:
        return []
    listed = functools.cache(lambda text: tuple(json.loads(text)))
    columns: list[Iterable[Any]] = list(zip(*found, strict=True))  # a thousand rows at once, not one by one
    columns[_METRICS] = _metrics(columns[_METRICS])
    for place, read in ((_FAULTS, listed), (_CONTENDED, listed), (_ENVIRONMENT, functools.cache(json.loads))):
        columns[place] = map(read, columns[place])
    return list(map(RunRow._make, zip(*columns, strict=True)))


def columns_of(found: Sequence[Sequence[Any]]) -> RunColumns:
    """The columns of a cell's rows, which are the values of COLUMNS in the order of time."""
    alone = len(_ALONE)
    columns = list(zip(*found, strict=True)) or [()] * len(COLUMNS)
    run_ids, created, metrics, cpu, wall, quiet = columns[: alone + 1]
    return made_columns(
        run_ids=list(run_ids),
        created=list(created),
        keys=list(zip(*columns[alone + 1 :], strict=True)),
        setting_of=_setting,
        contended=[not each for each in quiet],
        cpu=cpu,
        wall=wall,
        metrics=_metrics(metrics),
    )


def _setting(texts: tuple[Any, ...]) -> MadeWith:
    outcome, role, of_sweep, host, recipe, faults, environment = texts
    return MadeWith(outcome, role, bool(of_sweep), host, recipe, tuple(json.loads(faults)), json.loads(environment))


def _metrics(texts: Iterable[str]) -> list[dict[str, float]]:
    text = f"[{','.join(texts)}]"
    found: list[dict[str, Any]] = json.loads(text)
    if not any(f'"{name}"' in text for name in NON_FINITE):
        return found
    return [{name: float(value) for name, value in values.items()} for values in found]


def judgement_values(document: Mapping[str, Any]) -> dict[str, Any]:
    """Column -> value of a judgement."""
    columns = {name: document[name] for name in ("judgement_id", "cell", "verdict", "sweep_id", "records")}
    return {
        **columns,
        "created": utc_text("judgement.created", document["created"]),
        "triggered_by": next(iter(document["records"]), None),
        "band_digest": document.get("band_digest"),
        "document": dict(document),
    }
