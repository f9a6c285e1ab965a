"""From runs and judgements to the columns of the index's tables, and back."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any

from trainband.results.codec import NON_FINITE, encode
from trainband.results.index_rows import RunRow, utc_text

_JSON = ("faults", "metrics", "contended", "environment")
CELL_COLUMNS = ("cell", "model", "tier", "profile")
_CELL = RunRow._fields.index(CELL_COLUMNS[0])  # the others follow it
_FAULTS, _METRICS, _CONTENDED, _ENVIRONMENT = map(RunRow._fields.index, _JSON)


def run_values(row: RunRow) -> dict[str, Any]:
    """Column -> value of a run."""
    return {name: json.dumps(value) if name in _JSON else value for name, value in encode(row._asdict()).items()}


def run_rows(found: Sequence[Sequence[Any]], *, of_cell: tuple[str, str, str, str] | None = None) -> list[RunRow]:
    """The rows of the table, whose columns are a RunRow's fields in their order.

    Args:
      of_cell: the values of CELL_COLUMNS, where the rows were asked for without those.
    """
    if not found:
        return []
    listed = functools.cache(lambda text: tuple(json.loads(text)))
    columns: list[Iterable[Any]] = list(zip(*found, strict=True))  # a thousand rows at once, not one by one
    if of_cell is not None:
        columns[_CELL:_CELL] = [repeat(value, len(found)) for value in of_cell]
    columns[_METRICS] = _metrics(columns[_METRICS])
    for place, read in ((_FAULTS, listed), (_CONTENDED, listed), (_ENVIRONMENT, functools.cache(json.loads))):
        columns[place] = map(read, columns[place])
    return list(map(RunRow._make, zip(*columns, strict=True)))


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
