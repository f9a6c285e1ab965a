"""What the rows of several kinds have in common."""

from __future__ import annotations

from trainband.models.specs import Optimizer

ARCHITECTURES = "trainband.models.architectures"
SGD = Optimizer(name="sgd", momentum=0.9, nesterov=True)
HE_SGD = Optimizer(name="sgd", momentum=0.9, l2=1e-4)
ADAM = Optimizer(name="adam", epsilon=1e-8)
