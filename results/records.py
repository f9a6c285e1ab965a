"""The record: what one training of a cell left behind, as an immutable, versioned document.

The standard library alone is imported here: the child process writes these values under any environment.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from trainband.results.codec import decode_document, encode

RECORD_VERSION = 1

Outcome = Literal["completed", "error", "timeout"]
SeedRole = Literal["sweep", "confirmation", "pinned", "calibration", "gate"]


@dataclass(frozen=True, kw_only=True)
class MetricValue:
    """A measured metric with its type beside it."""

    value: float
    unit: str
    direction: Literal["higher", "lower"]
    aggregation: str


@dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """One evaluation during training; `train_loss` is the mean over the steps since the point before."""

    epoch: int
    step: int
    train_loss: float | None
    metrics: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What the final evaluation was fed: sha256 of the split as fed, and the number of rows."""

    digest: str
    examples: int


@dataclass(frozen=True, kw_only=True)
class DataIdentity:
    """The data set that was trained on. `digest` covers both splits; `shared_rows` counts test inputs found in train."""

    name: str
    digest: str
    train_digest: str
    test_digest: str
    n_train: int
    n_test: int
    shared_rows: int
    shared_rows_expected: int


@dataclass(frozen=True, kw_only=True)
class Quality:
    """Metrics of the trained model on the test split, of the untrained one, and the curve between them."""

    metrics: Mapping[str, MetricValue]
    untrained: Mapping[str, float]
    evaluation: Evaluation
    curve: tuple[CurvePoint, ...] = ()
    diverged_at_step: int | None = None


@dataclass(frozen=True, kw_only=True)
class Window:
    """Consecutive training steps between two device synchronisations."""

    steps: int
    wall_sec: float
    cpu_sec: float
    input_wait_sec: float


@dataclass(frozen=True, kw_only=True)
class Throughput:
    """Speed of the training steps alone; compilation, evaluation and start-up are beside it, not in it.

    `examples_per_sec` is the median over the steady windows (`windows[warmup_windows:]`); None where no window closed.
    `device_utilization` is the fraction of the training in which a GPU ran a kernel, None elsewhere.
    """

    examples_per_sec: float | None
    examples_per_cpu_sec: float | None
    windows: tuple[Window, ...]
    warmup_windows: int
    extra_steps: int
    step_ms_p50: float | None
    step_ms_p95: float | None
    input_wait_share: float | None
    train_wall_sec: float
    train_cpu_sec: float
    compile_sec: float
    startup_sec: float
    eval_sec: float
    flops_per_example: float | None
    matmul_flops_per_sec_before: float
    matmul_flops_per_sec_after: float
    share_of_peak: float | None
    peak_host_bytes: int
    peak_device_bytes: int | None
    device_utilization: float | None = None
    contended: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Digests over all variables in model order; initial ones before the first step, final ones after the last."""

    initial_digest: str
    final_digest: str
    parameters: int


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """Everything that the child measured; `resumed_at_steps` says where later processes of a killed run went on."""

    quality: Quality
    throughput: Throughput
    weights: Weights
    planned_examples: int
    trained_examples: int
    steps: int
    batches_digest: str
    first_loss: float
    data: DataIdentity
    recipe_hash: str
    device: str
    resumed_at_steps: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why there is no measurement."""

    kind: str
    message: str
    exit_status: int | None = None
    signal: str | None = None


@dataclass(frozen=True, kw_only=True)
class Seeds:
    """The seed of every factor.

    Attributes:
      initial_weights: of the weights before the first step.
      batches: of the order of the examples and of their augmentation.
      draws: of the random layers.
    """

    initial_weights: int
    batches: int
    draws: int


@dataclass(frozen=True, kw_only=True)
class FactorSeeds:
    """Seeds of single factors, see `Seeds`; None where the run's own seed rules."""

    initial_weights: int | None = None
    batches: int | None = None
    draws: int | None = None

    def resolved(self, seed: int) -> Seeds:
        """With `seed` for each factor that has none of its own."""
        return Seeds(**{name: seed if value is None else value for name, value in asdict(self).items()})


@dataclass(frozen=True, kw_only=True)
class Record:
    """The immutable document of a run. It holds no verdict: judgements are documents of their own.

    Attributes:
      initial_weights_from: id of the run whose initial weights, kept in a file, this one began with; None where its own
        were drawn.
    """

    run_id: str
    model: str
    tier: str
    profile: str
    seed: int
    seed_role: SeedRole
    created: str
    outcome: Outcome
    wall_sec: float
    host_class: str
    command: str
    trainband_version: str
    recipe: Mapping[str, Any]
    profile_spec: Mapping[str, Any]
    fingerprint: Mapping[str, Any]
    measurement: Measurement | None = None
    failure: Failure | None = None
    faults: tuple[str, ...] = ()
    factor_seeds: FactorSeeds = field(default_factory=FactorSeeds)
    sweep_id: str | None = None
    sweep_index: int | None = None
    log_tail: str = ""
    initial_weights_from: str | None = None
    version: int = field(default=RECORD_VERSION)

    def __post_init__(self) -> None:
        if (self.outcome == "completed") != (self.measurement is not None):
            raise ValueError(
                f"record {self.run_id}: outcome {self.outcome!r} with measurement {self.measurement is not None}"
            )
        if (self.outcome == "completed") == (self.failure is not None):
            raise ValueError(f"record {self.run_id}: outcome {self.outcome!r} with failure {self.failure is not None}")

    @property
    def cell(self) -> str:
        return f"{self.model}:{self.tier}@{self.profile}"

    @property
    def seeds(self) -> Seeds:
        """The seed of every factor."""
        return self.factor_seeds.resolved(self.seed)


def record_to_json(record: Record) -> str:
    """The record as its file's text."""
    return json.dumps(encode(record), indent=1, allow_nan=False) + "\n"


def record_from_json(text: str) -> Record:
    """The record in `text`.

    Raises:
      CodecError: not JSON, a version that this release does not know, or a key that its version does not have.
    """
    return decode_document(Record, text, name="record", version=RECORD_VERSION)


def mapping_of(value: object) -> Mapping[str, Any]:
    """`value` where it is a mapping, else an empty one: any part of a fingerprint may be missing."""
    return value if isinstance(value, Mapping) else {}
