"""The numbers that judge a trained model."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Direction = Literal["higher", "lower"]
Scale = Literal["linear", "log"]


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A number that judges a trained model.

    Attributes:
      scale: the axis on which seeds scatter evenly, and so where the band is drawn.
      proportion: a share of test rows, whose counting noise the band must allow for.
    """

    name: str
    unit: str
    direction: Direction
    aggregation: str
    minimum: float = -math.inf
    maximum: float = math.inf
    scale: Scale = "linear"
    proportion: bool = False

    def __post_init__(self) -> None:
        if self.direction not in ("higher", "lower"):
            raise ValueError(f"metric {self.name}: direction {self.direction!r}")
        if not self.minimum < self.maximum:
            raise ValueError(f"metric {self.name}: minimum {self.minimum} >= maximum {self.maximum}")


ACCURACY = Metric(
    name="accuracy",
    unit="fraction",
    direction="higher",
    aggregation="mean over test examples",
    minimum=0.0,
    maximum=1.0,
    proportion=True,
)
LOG_LOSS = Metric(
    name="log_loss",
    unit="nats per example",
    direction="lower",
    aggregation="mean over test examples",
    minimum=0.0,
    scale="log",
)
CHARACTER_LOG_LOSS = Metric(
    name="log_loss",
    unit="nats per character",
    direction="lower",
    aggregation="mean over test characters",
    minimum=0.0,
    scale="log",
)
CHARACTER_ACCURACY = Metric(
    name="accuracy",
    unit="fraction",
    direction="higher",
    aggregation="mean over test characters",
    minimum=0.0,
    maximum=1.0,
)
MACRO_F1 = Metric(
    name="macro_f1",
    unit="fraction",
    direction="higher",
    aggregation="mean over labels of the F1 score at probability 1/2; 0 for a label that is never predicted",
    minimum=0.0,
    maximum=1.0,
)
BINARY_LOG_LOSS = Metric(
    name="binary_log_loss",
    unit="nats per label",
    direction="lower",
    aggregation="mean over test examples and labels",
    minimum=0.0,
    scale="log",
)
HIT_RATE_AT_10 = Metric(
    name="hit_rate_at_10",
    unit="fraction",
    direction="higher",
    aggregation="mean over test users: the held-out item is among the 10 best of 100 candidates",
    minimum=0.0,
    maximum=1.0,
)
MEAN_SQUARED_ERROR = Metric(
    name="mean_squared_error",
    unit="squared fraction of full intensity",
    direction="lower",
    aggregation="mean over test pixels",
    minimum=0.0,
    scale="log",
)
MEAN_ABSOLUTE_ERROR = Metric(
    name="mean_absolute_error",
    unit="fraction of full intensity",
    direction="lower",
    aggregation="mean over test pixels",
    minimum=0.0,
    scale="log",
)
