"""The stages of a training, in the order in which a difference passes through them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Stage = Literal[
    "data",
    "initial weights",
    "batch",
    "random draw",
    "hyper-parameters",
    "forward",
    "statistics",
    "loss",
    "gradient",
    "update",
    "budget",
    "evaluation",
]
STAGES: tuple[Stage, ...] = get_args(Stage)
STEP_STAGES: tuple[Stage, ...] = STAGES[STAGES.index("batch") : STAGES.index("update") + 1]
# What one step does with a state that is equal: a trace that skipped states cannot tell these apart.
COMPUTED: tuple[Stage, ...] = STAGES[STAGES.index("forward") : STAGES.index("update") + 1]


@dataclass(frozen=True, kw_only=True)
class TensorDifference:
    """A tensor that differs.

    Attributes:
      norms: its Euclidean norm in each run; NaN where a run has none.
    """

    kind: str
    name: str
    norms: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Divergence:
    """Where two trajectories first part.

    Attributes:
      stages: the stage, or all that it may be where no state in between was recorded.
      first_step, last_step: the steps it lies among, both included; None for stages outside the steps.
      says: what is seen, in a sentence.
      names: arrays or hyper-parameters that differ.
      tensors: those that differ first, where their state was recorded.
    """

    stages: tuple[Stage, ...]
    says: str
    first_step: int | None = None
    last_step: int | None = None
    names: tuple[str, ...] = ()
    tensors: tuple[TensorDifference, ...] = ()

    @property
    def exact(self) -> bool:
        """Whether it names one stage of one step."""
        return len(self.stages) == 1 and self.first_step == self.last_step
