"""Records with any field changed, and calibrations made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from statistics import NormalDist
from typing import Any

import pytest

from trainband.results.bands import Band, band_from_evidence
from trainband.results.evidence import Evidence, add_sample, start_evidence
from trainband.results.metrics import MetricForm
from trainband.results.records import (
    DataIdentity,
    Evaluation,
    Failure,
    Measurement,
    MetricValue,
    Quality,
    Record,
    Throughput,
    Weights,
)


def _measurement(*, accuracy: float, recipe_hash: str, contended: tuple[str, ...]) -> Measurement:
    return Measurement(
        quality=Quality(
            metrics={
                "accuracy": MetricValue(value=accuracy, unit="fraction", direction="higher", aggregation="mean"),
                "log_loss": MetricValue(value=0.25, unit="nats per example", direction="lower", aggregation="mean"),
            },
            untrained={"accuracy": 0.1, "log_loss": 2.4},
            evaluation=Evaluation(digest="e" * 64, examples=360),
        ),
        throughput=Throughput(
            examples_per_sec=2000.0,
            examples_per_cpu_sec=1500.0,
            windows=(),
            warmup_windows=1,
            extra_steps=0,
            step_ms_p50=4.0,
            step_ms_p95=5.0,
            input_wait_share=0.01,
            train_wall_sec=3.0,
            train_cpu_sec=4.0,
            compile_sec=1.0,
            startup_sec=2.0,
            eval_sec=0.5,
            flops_per_example=1e5,
            matmul_flops_per_sec_before=1e10,
            matmul_flops_per_sec_after=1e10,
            share_of_peak=0.02,
            peak_host_bytes=10**9,
            peak_device_bytes=None,
            contended=contended,
        ),
        weights=Weights(initial_digest="a" * 64, final_digest="b" * 64, parameters=1000),
        planned_examples=1408,
        trained_examples=1408,
        steps=22,
        batches_digest="c" * 64,
        first_loss=2.4,
        data=DataIdentity(
            name="digits",
            digest="d" * 64,
            train_digest="1" * 64,
            test_digest="2" * 64,
            n_train=1437,
            n_test=360,
            shared_rows=0,
            shared_rows_expected=0,
        ),
        recipe_hash=recipe_hash,
        device="cpu",
    )


def _record(
    run_id: str,
    *,
    accuracy: float = 0.97,
    recipe_hash: str = "f" * 64,
    contended: tuple[str, ...] = (),
    **fields: Any,
) -> Record:
    values: dict[str, Any] = {
        "model": "mlp_digits",
        "tier": "smoke",
        "profile": "cpu",
        "seed": 7,
        "seed_role": "sweep",
        "created": "2026-03-01T04:00:00+00:00",
        "outcome": "completed",
        "wall_sec": 9.5,
        "host_class": "host",
        "command": "trainband run mlp_digits:smoke@cpu",
        "trainband_version": "0.1.0",
        "recipe": {"epochs": 1},
        "profile_spec": {"device": "cpu"},
        "fingerprint": {"python": "3.11"},
        **fields,
    }
    if values["outcome"] == "completed":
        values["measurement"] = _measurement(accuracy=accuracy, recipe_hash=recipe_hash, contended=contended)
    else:
        values["failure"] = Failure(kind="crash", message="the child died", signal="SIGSEGV")
    return Record(run_id=run_id, **values)


@pytest.fixture(scope="session")
def make_record() -> Callable[..., Record]:
    """`make_record(run_id, **fields)`: a completed run of mlp_digits:smoke@cpu unless `outcome` says otherwise."""
    return _record


ACCURACY = MetricForm(
    name="accuracy", unit="fraction", direction="higher", scale="linear", minimum=0.0, maximum=1.0, proportion=True
)
LOG_LOSS = MetricForm(
    name="log_loss",
    unit="nats per example",
    direction="lower",
    scale="log",
    minimum=0.0,
    maximum=float("inf"),
    proportion=False,
)
SMALLEST_DROP = {"accuracy": 0.03, "log_loss": 0.3}
FIRST_SEED = 1_000_000
NOW = "2026-03-02T04:00:00+00:00"


@pytest.fixture(scope="session")
def metrics() -> tuple[MetricForm, MetricForm]:
    """Accuracy, the headline, and its companion log_loss."""
    return ACCURACY, LOG_LOSS


@pytest.fixture(scope="session")
def make_run(make_record: Callable[..., Record]) -> Callable[..., Record]:
    """`make_run(run_id, accuracy=, log_loss=, untrained=, data=, quality=, measurement=, **fields)`: a sound run."""

    def make(
        run_id: str = "run",
        *,
        accuracy: float = 0.95,
        log_loss: float = 0.25,
        untrained: Mapping[str, float] | None = None,
        data: Mapping[str, Any] | None = None,
        quality: Mapping[str, Any] | None = None,
        measurement: Mapping[str, Any] | None = None,
        **fields: Any,
    ) -> Record:
        record = make_record(run_id, accuracy=accuracy, **fields)
        if record.measurement is None:
            return record
        old = record.measurement
        values = {
            name: replace(old.quality.metrics[name], value=value)
            for name, value in (("accuracy", accuracy), ("log_loss", log_loss))
        }
        new_quality = replace(
            old.quality,
            metrics=values,
            untrained=dict(untrained or {"accuracy": 0.1, "log_loss": 2.4}),
            evaluation=Evaluation(digest=old.data.test_digest, examples=old.data.n_test),
        )
        changed = {
            "quality": replace(new_quality, **(quality or {})),
            "data": replace(old.data, **(data or {})),
            **(measurement or {}),
        }
        return replace(record, measurement=replace(old, **changed))

    return make


@pytest.fixture(scope="session")
def make_evidence(make_run: Callable[..., Record]) -> Callable[..., Evidence]:
    """`make_evidence(n, sd_accuracy=, sd_log=, changes={index: {...}}, **fields)`: n seeds at the normal's quantiles.

    Accuracy lies about 0.95, log_loss about 0.25 with the quantiles running backwards; `changes` alters single runs.
    """

    def make(
        n: int = 20,
        *,
        sd_accuracy: float = 0.009,
        sd_log: float = 0.08,
        changes: Mapping[int, Mapping[str, Any]] | None = None,
        **fields: Any,
    ) -> Evidence:
        evidence = None
        for index in range(n):
            score = NormalDist().inv_cdf((index + 0.5) / n)
            values = {
                "accuracy": 0.95 + sd_accuracy * score,
                "log_loss": 0.25 * 2.718281828459045 ** (-sd_log * score),
                "seed": FIRST_SEED + index,
                "seed_role": "calibration",
                "created": f"2026-03-01T04:{index:02d}:00+00:00",
                **fields,
                **(changes or {}).get(index, {}),
            }
            record = make_run(f"calibration-{index:02d}", **values)
            evidence = evidence or start_evidence(record, notes=("two runs at once",))
            evidence = add_sample(
                evidence, record, versions={"keras": "3.15.1", "numpy": "2.4.6"}, host={"cores": 2}, jobs=2
            )
        if evidence is None:
            raise ValueError("n = 0")
        return evidence

    return make


@pytest.fixture(scope="session")
def make_band(make_evidence: Callable[..., Evidence], metrics: tuple[MetricForm, MetricForm]) -> Callable[..., Band]:
    """`make_band(n, ...)`: the band of `make_evidence(n, ...)`."""

    def make(n: int = 20, *, smallest_drop: Mapping[str, float] | None = None, **changes: Any) -> Band:
        return band_from_evidence(make_evidence(n, **changes), metrics, smallest_drop or SMALLEST_DROP, NOW)

    return make
