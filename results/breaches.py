"""Structural breaches: what makes a completed run mean something else than its numbers say.

Leaks, short training and silent fall-backs are found here by structure; no level of a metric can show them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from trainband.results.metrics import MetricSpec, in_range
from trainband.results.records import Measurement, Record


def run_breaches(record: Record) -> tuple[str, ...]:
    """What is wrong with how a completed run was trained and evaluated; empty where nothing is."""
    measurement = record.measurement
    if measurement is None:
        return ()
    return (*_data_breaches(measurement), *_work_breaches(measurement), *_device_breaches(record, measurement))


def _data_breaches(measurement: Measurement) -> list[str]:
    data, evaluation = measurement.data, measurement.quality.evaluation
    found = []
    if evaluation.digest != data.test_digest:
        found.append(
            f"evaluation.digest {evaluation.digest[:12]} is not the test split's {data.test_digest[:12]}: "
            "the metrics are of other rows"
        )
    if evaluation.examples != data.n_test:
        found.append(f"evaluation.examples = {evaluation.examples}, the test split has {data.n_test}")
    if data.shared_rows != data.shared_rows_expected:
        found.append(
            f"data.shared_rows = {data.shared_rows}: test rows found in the training split, "
            f"{data.shared_rows_expected} are known of this data set"
        )
    return found


def _work_breaches(measurement: Measurement) -> list[str]:
    if measurement.trained_examples == measurement.planned_examples:
        return []
    if measurement.quality.diverged_at_step is not None and measurement.trained_examples < measurement.planned_examples:
        return []  # training stops at NaN or inf: that is the verdict, and not a short training
    return [f"trained_examples = {measurement.trained_examples}, the recipe plans {measurement.planned_examples}"]


def _device_breaches(record: Record, measurement: Measurement) -> list[str]:
    wanted = record.profile_spec.get("device")
    if not isinstance(wanted, str) or not wanted:
        return [f"profile_spec.device = {wanted!r}: the record does not say where it should have trained"]
    if measurement.device.lower().startswith(wanted.lower()):
        return []
    return [f"device = {measurement.device!r}, profile {record.profile!r} asks for {wanted!r}"]


def metric_breaches(record: Record, metrics: Sequence[MetricSpec]) -> tuple[str, ...]:
    """Metrics of a completed run that are missing, of another kind than `metrics` says, or impossible."""
    if record.measurement is None:
        return ()
    measured = record.measurement.quality.metrics
    found = []
    for metric in metrics:
        value = measured.get(metric.name)
        if value is None:
            found.append(f"metric {metric.name} is missing; the record has {', '.join(sorted(measured)) or 'none'}")
            continue
        if value.unit != metric.unit:
            found.append(f"metric {metric.name} has unit {value.unit!r}, expected {metric.unit!r}")
        if value.direction != metric.direction:
            found.append(f"metric {metric.name} has direction {value.direction!r}, expected {metric.direction!r}")
        if math.isfinite(value.value) and not in_range(metric, value.value):
            found.append(f"metric {metric.name} = {value.value}: outside [{metric.minimum}, {metric.maximum}]")
    return tuple(found)


def nonfinite(record: Record, metrics: Sequence[MetricSpec]) -> str | None:
    """Where a completed run met NaN or inf; None where it did not."""
    if record.measurement is None:
        return None
    quality = record.measurement.quality
    if quality.diverged_at_step is not None:
        return f"training met NaN or inf at step {quality.diverged_at_step}"
    for metric in metrics:
        value = quality.metrics.get(metric.name)
        if value is not None and not math.isfinite(value.value):
            return f"{metric.name} = {value.value}"
    return None
