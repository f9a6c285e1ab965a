"""What every training step says of itself, for the price of a few small tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Signals:
    """Of some consecutive steps.

    Attributes:
      losses: float32 [steps].
      gradient_norms: float32 [steps], of all gradients of the loss, before regularisation and clipping; NaN under a
        distribution strategy, whose replicas hold parts of it.
      learning_rates: float32 [steps], as the optimizer holds it.
      logits: uint32 [steps, 2], of every `row_stride`-th row of a step's logits, see `backends.logits_digest`.
    """

    losses: np.ndarray
    gradient_norms: np.ndarray
    learning_rates: np.ndarray
    logits: np.ndarray

    def __len__(self) -> int:
        return len(self.losses)


def from_figures(figures: np.ndarray, logits: np.ndarray) -> Signals:
    """Signals of float32 [steps, 3]: loss, gradient norm and learning rate."""
    figures = np.asarray(figures, np.float32).reshape(-1, 3)
    return Signals(losses=figures[:, 0], gradient_norms=figures[:, 1], learning_rates=figures[:, 2], logits=logits)


def joined(parts: Sequence[Signals]) -> Signals:
    """The parts, one at least, one after the other."""
    return Signals(
        losses=np.concatenate([part.losses for part in parts]),
        gradient_norms=np.concatenate([part.gradient_norms for part in parts]),
        learning_rates=np.concatenate([part.learning_rates for part in parts]),
        logits=np.concatenate([part.logits for part in parts]),
    )
