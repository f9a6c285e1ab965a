"""PerfZero's summary of an execution: `ID/perfzero_summary.json`, a folder a run, as its runner lays them out.

`succeeded` follows the verdict, so NaN and a missing metric fail, where PerfZero's own comparison with `min_value` and
`max_value` lets both pass. Where nothing was measured, `wall_time` is null and not PerfZero's -1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trainband.results.exports.figures import as_json
from trainband.results.exports.rows import ExportMetric, ExportRow, described, environment, fact, record_of, started
from trainband.results.pages.formats import file_name
from trainband.results.records import Record


def render(rows: Sequence[ExportRow]) -> dict[str, bytes]:
    """A summary for each row."""
    return {f"{file_name(row.name)}/perfzero_summary.json": as_json(_summary(row)) for row in rows}


def _summary(row: ExportRow) -> dict[str, Any]:
    record = record_of(row)
    measured = record.measurement
    return {
        "execution_id": row.name,
        "execution_timestamp": started(record).timestamp(),
        "benchmark_result": {
            "name": row.cell,
            "wall_time": None if measured is None else measured.throughput.train_wall_sec,
            "succeeded": row.result in ("passed", "waived"),
            "metrics": [_metric(metric) for metric in row.metrics],
        },
        "benchmark_info": {
            "harness_name": "trainband",
            "harness_info": {"version": record.trainband_version, "hash": fact(record, "git", "commit")},
            "has_exception": row.result == "error",
            "execution_label": row.sweep_id,
            "site_package_info": environment(record),
            "flags": {"command": record.command},
            **described(row),
        },
        "setup_info": {},
        "ml_framework_info": _framework(record),
        "system_info": _system(record),
    }


def _metric(metric: ExportMetric) -> dict[str, Any]:
    sides = {"min_value": metric.lower, "max_value": metric.upper}
    found = {name: value for name, value in sides.items() if value is not None}
    return {
        "name": metric.name,
        "value": metric.value,
        **found,
        "description": f"{metric.unit}, {metric.direction} is better",
    }


def _framework(record: Record) -> dict[str, Any]:
    return {
        "name": fact(record, "framework", "backend"),
        "version": fact(record, "framework", "version"),
        "build_version": fact(record, "framework", "git_version"),
    }


def _system(record: Record) -> dict[str, Any]:
    gpus = fact(record, "accelerators", "gpus") or []
    return {
        "system_name": record.host_class,
        "platform_name": fact(record, "system", "distribution"),
        "accelerator_driver_version": fact(record, "accelerators", "nvidia_driver"),
        "accelerator_model": gpus[0].get("name") if gpus else None,
        "accelerator_count": len(gpus),
        "cpu_model": fact(record, "cpu", "model_name"),
        "physical_cpu_count": fact(record, "cpu", "physical_cores"),
        "logical_cpu_count": fact(record, "cpu", "logical_cores"),
    }
