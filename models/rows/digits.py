"""Models of the embedded digits that train in seconds: with those of `images`, every kind of layer and every optimizer."""

from __future__ import annotations

from trainband.models.rows.shared import ADAM, ARCHITECTURES
from trainband.models.specs import Optimizer, Recipe, ReferenceModel, Schedule, StockOptimizer

LSTM_DIGITS = ReferenceModel(
    name="lstm_digits",
    title="One LSTM layer over the rows of 8 x 8 digits",
    kind="vision",
    dataset="digits",
    architecture=f"{ARCHITECTURES}.lstm_digits:build",
    parameters=19_338,
    source="none published; a smoke test",
    recipes=(
        Recipe(
            tier="smoke",
            epochs=10,
            batch_size=32,
            optimizer=Optimizer(name="adam", epsilon=1e-8, clip_norm=1.0),
            schedule=Schedule(kind="cosine", peak=0.01, warmup_epochs=0.5),
            label_smoothing=0.1,
            smallest_drop={"accuracy": 0.02, "log_loss": 0.15},
            time_limit_sec=120.0,
        ),
    ),
)

VIT_DIGITS = ReferenceModel(
    name="vit_digits",
    title="Vision transformer of one layer on 8 x 8 digits",
    kind="vision",
    dataset="digits",
    architecture=f"{ARCHITECTURES}.vit_digits:build",
    parameters=9_610,
    source="none published; a smoke test",
    recipes=(
        Recipe(
            tier="smoke",
            epochs=12,
            batch_size=32,
            optimizer=Optimizer(name="adamw", epsilon=1e-8, weight_decay=0.05),
            schedule=Schedule(kind="cosine", peak=0.005, warmup_epochs=1.0),
            label_smoothing=0.1,
            smallest_drop={"accuracy": 0.03, "log_loss": 0.2},
            time_limit_sec=120.0,
        ),
    ),
)

TOKENS_DIGITS = ReferenceModel(
    name="tokens_digits",
    title="Word vectors and a convolution over 8 x 8 digits as 64 tokens",
    kind="vision",
    dataset="digits",
    architecture=f"{ARCHITECTURES}.tokens_digits:build",
    parameters=5_298,
    source="none published; a smoke test",
    recipes=(
        Recipe(
            tier="smoke",
            epochs=10,
            batch_size=32,
            optimizer=ADAM,
            schedule=Schedule(kind="linear", peak=0.01, warmup_epochs=0.5),
            label_smoothing=0.1,
            smallest_drop={"accuracy": 0.02, "log_loss": 0.15},
            time_limit_sec=120.0,
        ),
    ),
)

STOCK_DIGITS = ReferenceModel(
    name="stock_digits",
    title="Stock layers and a stock optimizer on 8 x 8 digits, every default the framework's own",
    kind="vision",
    dataset="digits",
    architecture=f"{ARCHITECTURES}.stock_digits:build",
    parameters=18_242,
    source="none published; made to see defaults that change",
    recipes=(
        Recipe(
            tier="smoke",
            epochs=15,
            batch_size=32,
            optimizer=StockOptimizer(stock="adam"),
            schedule=None,
            smallest_drop={"accuracy": 0.03, "log_loss": 0.5},
            time_limit_sec=120.0,
        ),
    ),
)
