"""Small models of sound, ratings and tables."""

from __future__ import annotations

from trainband.models.specs import Optimizer, Recipe, ReferenceModel, Schedule

_ARCHITECTURES = "trainband.models.architectures"
_ADAM = Optimizer(name="adam", epsilon=1e-8)

MLP_PENGUINS = ReferenceModel(
    name="mlp_penguins",
    title="Perceptron on measures of penguins",
    kind="tabular",
    dataset="penguins",
    architecture=f"{_ARCHITECTURES}.mlp_penguins:build",
    source="none published",
    recipes=(
        Recipe(
            tier="short",
            epochs=20,
            batch_size=16,
            optimizer=_ADAM,
            schedule=Schedule(kind="cosine", peak=0.01),
            smallest_drop={"accuracy": 0.03, "log_loss": 0.5},
            eval_every_epochs=5,
            time_limit_sec=120.0,
        ),
    ),
)
