"""TensorBoard event files: a run's learning curve, its final numbers, and the verdict as text.

Written through TensorBoard's own record format and messages, which import no framework; its `SummaryWriter` would. A record
holds no times of single evaluations, so each event carries the time at which its run began.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any

from trainband.results.exports.rows import ExportError, ExportRow, described, record_of, started
from trainband.results.pages.formats import file_name, printable

_VERSION = "brain.Event:2"


def render(rows: Sequence[ExportRow]) -> dict[str, bytes]:
    """A folder a run, which TensorBoard shows as one run: `MODEL/TIER/PROFILE/RUN`."""
    return {_path(row): _records(row) for row in rows}


def _path(row: ExportRow) -> str:
    folder = "/".join(map(file_name, (row.model, row.tier, row.profile, row.name)))
    return f"{folder}/events.out.tfevents.{_wall_time(row):.0f}.trainband"


def _records(row: ExportRow) -> bytes:
    try:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.summary.writer.record_writer import RecordWriter
    except ModuleNotFoundError as error:
        raise ExportError(f"{error}: pip install 'trainband[tensorboard]'") from error
    file = io.BytesIO()
    writer = RecordWriter(file)
    wall_time = _wall_time(row)
    writer.write(Event(wall_time=wall_time, file_version=_VERSION).SerializeToString())
    for step, value in (*_scalars(row), *_texts(row)):
        event = Event(wall_time=wall_time, step=step, summary={"value": [value]})
        writer.write(event.SerializeToString(deterministic=True))
    return file.getvalue()


def _wall_time(row: ExportRow) -> float:
    return started(record_of(row)).timestamp()


def _scalars(row: ExportRow) -> Iterator[tuple[int, dict[str, Any]]]:
    """Step and value of each point: curves under `train` and `test`, single numbers at the last step."""
    measured = record_of(row).measurement
    if measured is None:
        return
    for point in measured.quality.curve:
        if point.train_loss is not None:
            yield point.step, _scalar("train/loss", point.train_loss)
        for name, value in point.metrics.items():
            yield point.step, _scalar(f"test/{name}", value)
    for metric in row.metrics:
        group = "final" if metric.kind == "quality" else "speed"
        yield measured.steps, _scalar(f"{group}/{metric.name} ({metric.unit})", metric.value)


def _scalar(tag: str, value: float) -> dict[str, Any]:
    return {"tag": tag, "simple_value": value}


def _texts(row: ExportRow) -> Iterator[tuple[int, dict[str, Any]]]:
    metadata = {"plugin_data": {"plugin_name": "text"}, "data_class": "DATA_CLASS_TENSOR"}
    for name, text in described(row).items():
        shape = {"dim": [{"size": 1}]}
        tensor = {"dtype": "DT_STRING", "string_val": [printable(text).encode()], "tensor_shape": shape}
        yield 0, {"tag": f"trainband/{name}", "tensor": tensor, "metadata": metadata}
