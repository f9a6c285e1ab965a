"""Small models of sound, ratings and tables."""

from __future__ import annotations

from trainband.models.metrics import BINARY_LOG_LOSS, HIT_RATE_AT_10
from trainband.models.rows.shared import ADAM, ARCHITECTURES, SGD
from trainband.models.specs import Recipe, ReferenceModel, Schedule

MLP_PENGUINS = ReferenceModel(
    name="mlp_penguins",
    title="Perceptron on measures of penguins",
    kind="tabular",
    dataset="penguins",
    architecture=f"{ARCHITECTURES}.mlp_penguins:build",
    parameters=163,
    source="none published",
    recipes=(
        Recipe(
            tier="short",
            epochs=20,
            batch_size=16,
            optimizer=ADAM,
            schedule=Schedule(kind="cosine", peak=0.01),
            smallest_drop={"accuracy": 0.03, "log_loss": 0.5},
            eval_every_epochs=5,
            time_limit_sec=120.0,
        ),
    ),
)

CNN_SPOKEN_DIGIT = ReferenceModel(
    name="cnn_spoken_digit",
    title="Convolutions over log-mel pictures of spoken digits",
    kind="audio",
    dataset="spoken_digit",
    architecture=f"{ARCHITECTURES}.cnn_spoken_digit:build",
    parameters=24_058,
    source="none published",
    recipes=(
        Recipe(
            tier="short",
            epochs=12,
            batch_size=32,
            optimizer=SGD,
            schedule=Schedule(kind="cosine", peak=0.05, warmup_epochs=0.5),
            label_smoothing=0.1,
            smallest_drop={"accuracy": 0.03, "log_loss": 0.2},
            time_limit_sec=300.0,
        ),
    ),
)

NEUMF_MOVIELENS = ReferenceModel(
    name="neumf_movielens",
    title="Neural matrix factorisation on MovieLens ratings",
    kind="recommendation",
    dataset="movielens_small",
    architecture=f"{ARCHITECTURES}.neumf_movielens:build",
    parameters=416_121,
    source="He, Liao, Zhang, Nie, Hu, Chua: Neural collaborative filtering, 2017",
    metrics=(HIT_RATE_AT_10, BINARY_LOG_LOSS),
    loss="sigmoid_cross_entropy",
    keras3_only=True,
    recipes=(
        Recipe(
            tier="short",
            epochs=5,
            batch_size=256,
            optimizer=ADAM,
            schedule=Schedule(kind="linear", peak=0.002, warmup_epochs=0.2),
            smallest_drop={"hit_rate_at_10": 0.04, "binary_log_loss": 0.1},
            time_limit_sec=300.0,
        ),
    ),
)
