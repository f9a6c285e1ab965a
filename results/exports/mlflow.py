"""MLflow: an experiment a cell, a run a training, in a local database that its own client and page open.

What is in the database stays: an export adds the runs that it has not, known by the id of their judgement. MLflow's database
turns infinity into the largest number, so values that are none become tags and no metrics, and a curve has no point there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from trainband.results.exports.figures import number
from trainband.results.exports.rows import (
    ExportError,
    ExportRow,
    described,
    ended,
    finite,
    record_of,
    started,
)

DATABASE = "mlflow.db"
_ID_TAG = "trainband.judgement"
_STATUS = {"error": "FAILED", "timeout": "KILLED", "completed": "FINISHED"}
# What MLflow takes in one call.
_MOST_PARAMS = 100
_MOST_METRICS = 1000


@dataclass(frozen=True, kw_only=True)
class Point:
    """A metric at a step."""

    name: str
    value: float
    step: int


@dataclass(frozen=True, kw_only=True)
class MlflowRun:
    """What MLflow is told of a row; times in milliseconds since 1970."""

    experiment: str
    judgement_id: str
    name: str
    status: str
    start_ms: int
    end_ms: int
    tags: Mapping[str, str]
    params: Mapping[str, str]
    points: tuple[Point, ...]


def mlflow_run(row: ExportRow) -> MlflowRun:
    """The row in MLflow's words."""
    record = record_of(row)
    texts = {**described(row), "command": record.command}
    lost = {f"value.{metric.name}": number(metric.value) for metric in row.metrics if not finite(metric)}
    return MlflowRun(
        experiment=row.cell,
        judgement_id=row.judgement.judgement_id if row.judgement is not None else row.name,
        name=row.name,
        status=_STATUS[record.outcome],
        start_ms=_milliseconds(started(record).timestamp()),
        end_ms=_milliseconds(ended(record).timestamp()),
        tags={f"trainband.{name}": text for name, text in {**texts, **lost}.items()},
        params=dict(_flat({"recipe": record.recipe, "profile": record.profile_spec, "seed": record.seed})),
        points=tuple(_points(row)),
    )


def append(rows: Sequence[ExportRow], folder: Path) -> list[Path]:
    """Adds the rows' runs to the database in `folder`; returns its path.

    Raises:
      ExportError: MLflow, or what its database needs, is not installed.
      OSError: MLflow cannot use the database.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder.resolve() / DATABASE
    try:
        from mlflow.exceptions import MlflowException
        from mlflow.tracking import MlflowClient

        try:
            client = MlflowClient(tracking_uri=f"sqlite:///{path}", registry_uri=f"sqlite:///{path}")
            for run in map(mlflow_run, rows):
                _add(client, run, path.parent / "artifacts")
        except (MlflowException, SQLAlchemyError) as error:
            raise OSError(f"MLflow cannot use {path}: {error}; move it away, or name another folder") from error
    except ModuleNotFoundError as error:
        raise ExportError(f"{error}: pip install 'trainband[mlflow]'") from error
    return [path]


def _add(client: Any, run: MlflowRun, artifacts: Path) -> None:
    from mlflow.entities import Metric, Param, RunTag

    experiment = client.get_experiment_by_name(run.experiment)
    if experiment is not None:
        experiment_id = experiment.experiment_id
    else:
        experiment_id = client.create_experiment(run.experiment, artifact_location=artifacts.as_uri())
    for earlier in client.search_runs([experiment_id], filter_string=f"tags.`{_ID_TAG}` = '{run.judgement_id}'"):
        if earlier.info.status != "RUNNING":
            return
        client.delete_run(earlier.info.run_id)  # an export was cut short there
    made = client.create_run(experiment_id, run.start_ms, {_ID_TAG: run.judgement_id}, run.name)
    run_id = made.info.run_id
    metrics = [Metric(point.name, point.value, run.end_ms, point.step) for point in run.points]
    client.log_batch(run_id, tags=[RunTag(name, text) for name, text in run.tags.items()])
    for params in _batches([Param(name, text) for name, text in run.params.items()], _MOST_PARAMS):
        client.log_batch(run_id, params=params)
    for batch in _batches(metrics, _MOST_METRICS):
        client.log_batch(run_id, metrics=batch)
    client.set_terminated(run_id, status=run.status, end_time=run.end_ms)


def _batches(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (items[first : first + size] for first in range(0, len(items), size))


def _points(row: ExportRow) -> Iterator[Point]:
    measured = record_of(row).measurement
    if measured is None:
        return
    for point in measured.quality.curve:
        curve = {"train_loss": point.train_loss, **{f"test_{name}": value for name, value in point.metrics.items()}}
        for name, value in curve.items():
            if value is not None and math.isfinite(value):
                yield Point(name=name, value=value, step=point.step)
    for metric in row.metrics:
        if finite(metric):
            yield Point(name=metric.name, value=metric.value, step=measured.steps)


def _flat(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _flat(item, f"{path}.{name}" if path else str(name))
    else:
        yield path, str(value)


def _milliseconds(seconds: float) -> int:
    return round(1e3 * seconds)
