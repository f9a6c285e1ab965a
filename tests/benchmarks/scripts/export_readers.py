"""What TensorFlow and TensorBoard read in files that were exported for them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any


def benchmark_entries(path: str) -> list[dict[str, Any]]:
    """The entries of tf.test.Benchmark's message in a JSON file."""
    from google.protobuf import json_format
    from tensorflow.core.util import test_log_pb2

    entries = json_format.Parse(Path(path).read_text("utf-8"), test_log_pb2.BenchmarkEntries())
    return [
        {
            "name": entry.name,
            "iters": entry.iters,
            "wall_time": entry.wall_time,
            "verdict": entry.extras["verdict"].string_value,
            "metrics": {metric.name: _metric(metric) for metric in entry.metrics},
        }
        for entry in entries.entry
    ]


def _metric(metric: Any) -> list[Any]:
    """Value and bounds; numbers that are none as text, a missing bound as None."""
    bounds = [getattr(metric, name).value if metric.HasField(name) else None for name in ("min_value", "max_value")]
    return [metric.value if math.isfinite(metric.value) else str(metric.value), *bounds]


def event_files(folder: str) -> dict[str, Any]:
    """Run -> what TensorBoard shows of it: points of each scalar, and each text."""
    from tensorboard.backend.event_processing.event_multiplexer import EventMultiplexer

    multiplexer = EventMultiplexer().AddRunsFromDirectory(folder)
    multiplexer.Reload()
    found = {}
    for run, tags in multiplexer.Runs().items():
        texts = {tag: multiplexer.Tensors(run, tag)[0].tensor_proto.string_val[0].decode() for tag in tags["tensors"]}
        scalars = {
            tag: [[event.step, event.value if math.isfinite(event.value) else str(event.value)] for event in events]
            for tag, events in ((tag, multiplexer.Scalars(run, tag)) for tag in tags["scalars"])
        }
        found[run] = {"texts": texts, "scalars": scalars, "first": multiplexer.FirstEventTimestamp(run)}
    return found
