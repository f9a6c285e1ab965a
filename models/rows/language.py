"""Small models of text: characters, intents, emotions."""

from __future__ import annotations

from trainband.models.metrics import BINARY_LOG_LOSS, CHARACTER_ACCURACY, CHARACTER_LOG_LOSS, MACRO_F1
from trainband.models.rows.shared import ADAM, ARCHITECTURES
from trainband.models.specs import Optimizer, PublishedFigure, Recipe, ReferenceModel, Schedule

_NANOGPT_ADAMW = Optimizer(name="adamw", beta_2=0.99, epsilon=1e-8, weight_decay=0.1, clip_norm=1.0)

CHARGPT_TINY_SHAKESPEARE = ReferenceModel(
    name="chargpt_tiny_shakespeare",
    title="Character GPT of 4 layers on Tiny Shakespeare",
    kind="language",
    dataset="tiny_shakespeare",
    architecture=f"{ARCHITECTURES}.chargpt:build_small",
    parameters=804_096,
    source="Karpathy: nanoGPT, github.com/karpathy/nanoGPT, 2022, the README's recipe for a CPU",
    metrics=(CHARACTER_LOG_LOSS, CHARACTER_ACCURACY),
    keras3_only=True,
    recipes=(
        Recipe(
            tier="short",
            epochs=2,
            batch_size=16,
            optimizer=_NANOGPT_ADAMW,
            schedule=Schedule(kind="cosine", peak=0.001, warmup_epochs=0.1, final_factor=0.1),
            smallest_drop={"log_loss": 0.03, "accuracy": 0.02},
            time_limit_sec=900.0,
            published=(
                PublishedFigure(
                    metric="log_loss",
                    value=1.88,
                    source="nanoGPT's README: 2,000 steps of 12 windows on a CPU, in about 3 minutes",
                ),
            ),
        ),
    ),
)

CHARGPT_LARGE_TINY_SHAKESPEARE = ReferenceModel(
    name="chargpt_large_tiny_shakespeare",
    title="Character GPT of 6 layers on Tiny Shakespeare",
    kind="language",
    dataset="tiny_shakespeare_256",
    architecture=f"{ARCHITECTURES}.chargpt:build_full",
    parameters=10_745_088,
    source="Karpathy: nanoGPT, github.com/karpathy/nanoGPT, 2022, config/train_shakespeare_char.py",
    metrics=(CHARACTER_LOG_LOSS, CHARACTER_ACCURACY),
    keras3_only=True,
    recipes=(
        Recipe(
            tier="full",
            epochs=82,
            batch_size=64,
            optimizer=_NANOGPT_ADAMW,
            schedule=Schedule(kind="cosine", peak=0.001, warmup_epochs=1.6, final_factor=0.1),
            smallest_drop={"log_loss": 0.03, "accuracy": 0.02},
            eval_every_epochs=4,
            time_limit_sec=86_400.0,
            published=(
                PublishedFigure(
                    metric="log_loss",
                    value=1.4697,
                    source="nanoGPT's README: the best validation loss within 5,000 steps",
                ),
            ),
        ),
    ),
)

CHARLSTM_TINY_SHAKESPEARE = ReferenceModel(
    name="charlstm_tiny_shakespeare",
    title="Character LSTM on Tiny Shakespeare",
    kind="language",
    dataset="tiny_shakespeare",
    architecture=f"{ARCHITECTURES}.charlstm_tiny_shakespeare:build",
    parameters=349_569,
    source="Karpathy: The unreasonable effectiveness of recurrent neural networks, 2015",
    metrics=(CHARACTER_LOG_LOSS, CHARACTER_ACCURACY),
    recipes=(
        Recipe(
            tier="short",
            epochs=4,
            batch_size=64,
            optimizer=Optimizer(name="adam", epsilon=1e-8, clip_norm=1.0),
            schedule=Schedule(kind="cosine", peak=0.006, warmup_epochs=0.2, final_factor=0.05),
            smallest_drop={"log_loss": 0.03, "accuracy": 0.02},
            time_limit_sec=900.0,
        ),
    ),
)

TEXTCNN_CLINC_OOS = ReferenceModel(
    name="textcnn_clinc_oos",
    title="Convolutions over words, 150 intents",
    kind="language",
    dataset="clinc_oos",
    architecture=f"{ARCHITECTURES}.textcnn_clinc_oos:build",
    parameters=564_118,
    source="Kim: Convolutional neural networks for sentence classification, 2014",
    recipes=(
        Recipe(
            tier="short",
            epochs=10,
            batch_size=64,
            optimizer=ADAM,
            schedule=Schedule(kind="linear", peak=0.002, warmup_epochs=0.5),
            smallest_drop={"accuracy": 0.02, "log_loss": 0.15},
            time_limit_sec=300.0,
            published=(
                PublishedFigure(
                    metric="accuracy",
                    value=0.912,
                    source="Larson et al. 2019, table 2: CNN, full data set, in-scope accuracy, trained with out-of-scope rows",
                ),
            ),
        ),
    ),
)

BOW_GOEMOTIONS = ReferenceModel(
    name="bow_goemotions",
    title="Bag of words, 28 emotions at once",
    kind="language",
    dataset="goemotions",
    architecture=f"{ARCHITECTURES}.bow_goemotions:build",
    parameters=1_300_124,
    source="Joulin, Grave, Bojanowski, Mikolov: Bag of tricks for efficient text classification, 2017",
    metrics=(MACRO_F1, BINARY_LOG_LOSS),
    loss="sigmoid_cross_entropy",
    recipes=(
        Recipe(
            tier="short",
            epochs=6,
            batch_size=128,
            optimizer=ADAM,
            schedule=Schedule(kind="linear", peak=0.003, warmup_epochs=0.5),
            smallest_drop={"macro_f1": 0.04, "binary_log_loss": 0.05},
            time_limit_sec=300.0,
            published=(
                PublishedFigure(
                    metric="macro_f1",
                    value=0.46,
                    source="Demszky et al. 2020, table 4: BERT, a far larger model, threshold chosen on validation data",
                ),
            ),
        ),
    ),
)
