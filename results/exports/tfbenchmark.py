"""Results as `tf.test.Benchmark` reports them: the JSON form of the message `tensorflow.BenchmarkEntries`.

The message is that of tensorflow/core/util/test_log.proto, with the names of protobuf's JSON mapping; `json_format.Parse`
reads it. TensorFlow itself writes the same message in binary, which would take importing TensorFlow here. Its field
`throughput` is in MB/s, so ours stand among the metrics. A metric's least and greatest value are its band's sides: a reader
that compares them itself judges in one stage, where a verdict has two; the extras hold the verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trainband.results.exports.figures import as_json
from trainband.results.exports.rows import ExportMetric, ExportRow, described


def render(rows: Sequence[ExportRow]) -> dict[str, bytes]:
    """An entry a row; a row without a measurement has its verdict and no metrics."""
    return {"benchmark_entries.json": as_json({"entry": [_entry(row) for row in rows]})}


def _entry(row: ExportRow) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": row.cell}
    measured = row.record.measurement if row.record is not None else None
    if measured is not None:
        entry |= {
            "iters": measured.steps,
            "cpuTime": measured.throughput.train_cpu_sec,
            "wallTime": measured.throughput.train_wall_sec,
        }
    units = {f"unit_{metric.name}": f"{metric.unit}, {metric.direction} is better" for metric in row.metrics}
    extras = {name: {"stringValue": text} for name, text in {**described(row), **units}.items()}
    return entry | {"extras": extras, "metrics": [_metric(metric) for metric in row.metrics]}


def _metric(metric: ExportMetric) -> dict[str, Any]:
    sides = {"minValue": metric.lower, "maxValue": metric.upper}
    found = {name: value for name, value in sides.items() if value is not None}
    return {"name": metric.name, "value": metric.value, **found}
