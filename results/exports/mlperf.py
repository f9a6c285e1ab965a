"""MLPerf log lines (`:::MLLOG {...}`), a file a run, as the parser of the package `mlperf-logging` reads them.

They are logs and no submission: the models are ours, so there is no organisation and no division. The status of
`run_stop` is `success` where the model reached its band. A record holds no times of single evaluations, so the final one is
written alone, at the end of training.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from trainband.results.codec import encode
from trainband.results.exports.rows import ExportMetric, ExportRow, ended, record_of, started
from trainband.results.pages.formats import file_name
from trainband.results.records import Measurement, Record

_Event = tuple[float, Literal["POINT_IN_TIME", "INTERVAL_START", "INTERVAL_END"], str, Any, dict[str, Any]]


def render(rows: Sequence[ExportRow]) -> dict[str, bytes]:
    """A log for each row."""
    return {f"{file_name(row.name)}.txt": "".join(map(_line, _events(row))).encode("ascii") for row in rows}


def _line(event: _Event) -> str:
    time_sec, kind, key, value, metadata = event
    fields = {"namespace": "", "time_ms": round(1e3 * time_sec), "event_type": kind, "key": key, "value": value}
    return f":::MLLOG {json.dumps(encode({**fields, 'metadata': metadata}), allow_nan=False)}\n"


def _events(row: ExportRow) -> Iterator[_Event]:
    record = record_of(row)
    began = started(record).timestamp()
    for key, value in _facts(record).items():
        yield began, "POINT_IN_TIME", key, value, {}
    yield began, "INTERVAL_START", "init_start", None, {}
    stopped = {"status": "success" if row.result == "passed" else "aborted", "verdict": row.verdict, "why": row.story}
    measured = record.measurement
    if measured is None:
        yield ended(record).timestamp(), "INTERVAL_END", "run_stop", None, stopped
        return
    ready = began + measured.throughput.startup_sec
    speed = measured.throughput
    trained = ready + speed.compile_sec + speed.train_wall_sec + speed.eval_sec
    yield ready, "INTERVAL_END", "init_stop", None, {}
    yield ready, "INTERVAL_START", "run_start", None, {}
    yield trained, "POINT_IN_TIME", "trained_samples", measured.trained_examples, {}
    for key, metric in zip(("eval_accuracy", "eval_companion"), row.quality, strict=False):
        yield trained, "POINT_IN_TIME", key, metric.value, _evaluated(metric, record, measured)
    yield trained, "INTERVAL_END", "run_stop", None, stopped


def _facts(record: Record) -> dict[str, Any]:
    recipe, measured = record.recipe, record.measurement
    optimizer, schedule = recipe.get("optimizer") or {}, recipe.get("schedule") or {}
    facts = {
        "submission_benchmark": record.model,
        "submission_platform": record.host_class,
        "seed": record.seed,
        "global_batch_size": recipe.get("batch_size"),
        "opt_name": optimizer.get("name"),
        "opt_base_learning_rate": schedule.get("peak"),
        "train_samples": None if measured is None else measured.data.n_train,
        "eval_samples": None if measured is None else measured.data.n_test,
    }
    return {key: value for key, value in facts.items() if value is not None}


def _evaluated(metric: ExportMetric, record: Record, measured: Measurement) -> dict[str, Any]:
    return {
        "epoch_num": record.recipe.get("epochs"),
        "step": measured.steps,
        "samples_count": measured.trained_examples,
        "metric": metric.name,
        "unit": metric.unit,
        "direction": metric.direction,
        "band": [metric.lower, metric.upper],
    }
