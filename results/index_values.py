"""From runs and judgements to the columns of the index's tables, and back."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from typing import Any

from trainband.results.codec import encode
from trainband.results.index_rows import RunRow, utc_text

_JSON = ("faults", "metrics", "contended", "environment")
_FAULTS, _METRICS, _CONTENDED = (RunRow._fields.index(name) for name in _JSON[:3])


def run_values(row: RunRow) -> dict[str, Any]:
    """Column -> value of a run."""
    return {name: json.dumps(value) if name in _JSON else value for name, value in encode(row._asdict()).items()}


def run_rows(found: Sequence[Sequence[Any]]) -> list[RunRow]:
    """The rows of the table, whose columns are a RunRow's fields in their order."""
    listed = functools.cache(lambda text: tuple(json.loads(text)))
    shared = functools.cache(json.loads)
    metrics = json.loads(f"[{','.join(row[_METRICS] for row in found)}]")
    return [
        RunRow._make(
            [
                *row[:_FAULTS],
                listed(row[_FAULTS]),
                {name: float(value) for name, value in values.items()},  # float("NaN") undoes encode
                *row[_METRICS + 1 : _CONTENDED],
                listed(row[_CONTENDED]),
                *row[_CONTENDED + 1 : -1],
                shared(row[-1]),
            ]
        )
        for row, values in zip(found, metrics, strict=True)
    ]


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
