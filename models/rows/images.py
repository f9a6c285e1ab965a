"""Small models of images, trained to their target on two cores."""

from __future__ import annotations

from dataclasses import replace

from trainband.models.metrics import MEAN_ABSOLUTE_ERROR, MEAN_SQUARED_ERROR
from trainband.models.rows.shared import ADAM, ARCHITECTURES, HE_SGD, SGD
from trainband.models.specs import Optimizer, PublishedFigure, Recipe, ReferenceModel, Schedule

_DIGITS_SMOKE = Recipe(
    tier="smoke",
    epochs=10,
    batch_size=32,
    optimizer=SGD,
    schedule=Schedule(kind="cosine", peak=0.05, warmup_epochs=0.5),
    label_smoothing=0.1,
    smallest_drop={"accuracy": 0.02, "log_loss": 0.15},
    time_limit_sec=120.0,
)

MLP_DIGITS = ReferenceModel(
    name="mlp_digits",
    title="Perceptron with one hidden layer on 8 x 8 digits",
    kind="vision",
    dataset="digits",
    architecture=f"{ARCHITECTURES}.mlp_digits:build",
    parameters=4_810,
    source="none published; a smoke test",
    recipes=(_DIGITS_SMOKE,),
)

CNN_DIGITS = ReferenceModel(
    name="cnn_digits",
    title="Two convolutions with batch normalisation on 8 x 8 digits",
    kind="vision",
    dataset="digits",
    architecture=f"{ARCHITECTURES}.cnn_digits:build",
    parameters=9_978,
    source="none published; a smoke test",
    recipes=(_DIGITS_SMOKE,),
)

RESNET_DIGITS = ReferenceModel(
    name="resnet_digits",
    title="Two residual blocks on 8 x 8 digits",
    kind="vision",
    dataset="digits",
    architecture=f"{ARCHITECTURES}.resnet_digits:build",
    parameters=19_706,
    source="none published; a smoke test, and a cell of the audit",
    recipes=(
        Recipe(
            tier="smoke",
            epochs=10,
            batch_size=32,
            optimizer=Optimizer(name="adamw", epsilon=1e-8, weight_decay=0.05),
            schedule=Schedule(
                kind="piecewise", peak=0.01, warmup_epochs=1.0, boundaries=(6.0, 8.0), factors=(0.1, 0.01)
            ),
            label_smoothing=0.1,
            smallest_drop={"accuracy": 0.02, "log_loss": 0.15},
            time_limit_sec=120.0,
        ),
    ),
)

LENET5_MNIST = ReferenceModel(
    name="lenet5_mnist",
    title="LeNet-5 on MNIST",
    kind="vision",
    dataset="mnist",
    architecture=f"{ARCHITECTURES}.lenet5_mnist:build",
    parameters=61_706,
    source="LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document recognition, 1998",
    recipes=(
        Recipe(
            tier="short",
            epochs=3,
            batch_size=64,
            optimizer=SGD,
            schedule=Schedule(kind="cosine", peak=0.05, warmup_epochs=0.5),
            smallest_drop={"accuracy": 0.005, "log_loss": 0.3},
            time_limit_sec=300.0,
        ),
        Recipe(
            tier="full",
            epochs=20,
            batch_size=64,
            optimizer=SGD,
            schedule=Schedule(kind="cosine", peak=0.05, warmup_epochs=0.5),
            smallest_drop={"accuracy": 0.005, "log_loss": 0.3},
            time_limit_sec=1800.0,
            published=(
                PublishedFigure(
                    metric="accuracy",
                    value=0.9905,
                    source="LeCun et al. 1998, figure 9: 0.95% test error without distortions",
                ),
            ),
        ),
    ),
)

CNN_FASHION_MNIST = ReferenceModel(
    name="cnn_fashion_mnist",
    title="Two convolutions with batch normalisation on Fashion-MNIST",
    kind="vision",
    dataset="fashion_mnist",
    architecture=f"{ARCHITECTURES}.cnn_fashion_mnist:build",
    parameters=105_914,
    source="none published",
    recipes=(
        Recipe(
            tier="short",
            epochs=4,
            batch_size=64,
            optimizer=SGD,
            schedule=Schedule(kind="cosine", peak=0.05, warmup_epochs=0.5),
            smallest_drop={"accuracy": 0.01, "log_loss": 0.15},
            time_limit_sec=300.0,
        ),
        Recipe(
            tier="full",
            epochs=20,
            batch_size=64,
            optimizer=SGD,
            schedule=Schedule(kind="cosine", peak=0.05, warmup_epochs=0.5),
            smallest_drop={"accuracy": 0.01, "log_loss": 0.15},
            time_limit_sec=1800.0,
        ),
    ),
)

RESNET20_CIFAR10 = ReferenceModel(
    name="resnet20_cifar10",
    title="ResNet-20 on CIFAR-10",
    kind="vision",
    dataset="cifar10",
    architecture=f"{ARCHITECTURES}.resnet20_cifar10:build",
    parameters=269_722,
    source="He, Zhang, Ren, Sun: Deep residual learning for image recognition, 2016, section 4.2",
    recipes=(
        Recipe(
            tier="short",
            epochs=1,
            batch_size=128,
            optimizer=HE_SGD,
            schedule=Schedule(kind="linear", peak=0.1, warmup_epochs=0.2),
            smallest_drop={"accuracy": 0.05, "log_loss": 0.2},
            augmentation="pad4_crop_flip",
            time_limit_sec=900.0,
        ),
        Recipe(
            tier="full",
            epochs=182,
            batch_size=128,
            optimizer=HE_SGD,
            schedule=Schedule(kind="piecewise", peak=0.1, boundaries=(91.0, 136.5), factors=(0.1, 0.01)),
            smallest_drop={"accuracy": 0.01, "log_loss": 0.15},
            augmentation="pad4_crop_flip",
            eval_every_epochs=10,
            time_limit_sec=86_400.0,
            published=(
                PublishedFigure(
                    metric="accuracy",
                    value=0.9125,
                    source="He et al. 2016, table 6: 8.75% test error after 64,000 steps",
                ),
            ),
        ),
    ),
)

RESNET56_CIFAR10 = ReferenceModel(
    name="resnet56_cifar10",
    title="ResNet-56 on CIFAR-10",
    kind="vision",
    dataset="cifar10",
    architecture=f"{ARCHITECTURES}.resnet56_cifar10:build",
    parameters=853_018,
    source=RESNET20_CIFAR10.source,
    recipes=(
        replace(
            RESNET20_CIFAR10.recipe("full"),
            published=(
                PublishedFigure(
                    metric="accuracy",
                    value=0.9303,
                    source="He et al. 2016, table 6: 6.97% test error after 64,000 steps",
                ),
            ),
        ),
    ),
)

RESNET9_CIFAR10 = ReferenceModel(
    name="resnet9_cifar10",
    title="ResNet-9 on CIFAR-10, for a short time to 94%",
    kind="vision",
    dataset="cifar10",
    architecture=f"{ARCHITECTURES}.resnet9_cifar10:build",
    parameters=6_573_120,
    source="Page: How to train your ResNet, part 4, myrtle.ai, 2018",
    recipes=(
        Recipe(
            tier="full",
            epochs=24,
            batch_size=512,
            optimizer=Optimizer(name="sgd", momentum=0.9, nesterov=True, l2=5e-4),
            schedule=Schedule(kind="linear", peak=0.4, warmup_epochs=5.0),
            smallest_drop={"accuracy": 0.01, "log_loss": 0.15},
            augmentation="pad4_crop_flip_cutout8",
            eval_every_epochs=4,
            time_limit_sec=86_400.0,
            published=(
                PublishedFigure(
                    metric="accuracy",
                    value=0.94,
                    source="Page 2018, part 4: the threshold of DAWNBench, in 24 epochs and 79 s on a V100",
                ),
            ),
        ),
    ),
)

MLP_MNIST = ReferenceModel(
    name="mlp_mnist",
    title="Perceptron with one hidden layer on MNIST",
    kind="vision",
    dataset="mnist",
    architecture=f"{ARCHITECTURES}.mlp_mnist:build",
    parameters=407_050,
    source="Simard, Steinkraus, Platt: Best practices for convolutional neural networks, 2003",
    recipes=(
        Recipe(
            tier="short",
            epochs=5,
            batch_size=128,
            optimizer=ADAM,
            schedule=Schedule(kind="linear", peak=0.002, warmup_epochs=0.5),
            smallest_drop={"accuracy": 0.004, "log_loss": 0.2},
            time_limit_sec=300.0,
            published=(
                PublishedFigure(
                    metric="accuracy",
                    value=0.984,
                    source="Simard et al. 2003, table 1: 1.6% test error, 800 hidden units, cross-entropy, no distortions",
                ),
            ),
        ),
    ),
)

VIT_FASHION_MNIST = ReferenceModel(
    name="vit_fashion_mnist",
    title="Vision transformer of 4 layers on Fashion-MNIST",
    kind="vision",
    dataset="fashion_mnist",
    architecture=f"{ARCHITECTURES}.vit_small_images:build_fashion_mnist",
    parameters=205_066,
    source="Dosovitskiy et al.: An image is worth 16x16 words, 2021",
    keras3_only=True,
    recipes=(
        Recipe(
            tier="short",
            epochs=3,
            batch_size=64,
            optimizer=Optimizer(name="adamw", epsilon=1e-8, weight_decay=0.05, clip_norm=1.0),
            schedule=Schedule(kind="cosine", peak=0.002, warmup_epochs=0.3),
            smallest_drop={"accuracy": 0.015, "log_loss": 0.15},
            time_limit_sec=900.0,
        ),
    ),
)

AUTOENCODER_FASHION_MNIST = ReferenceModel(
    name="autoencoder_fashion_mnist",
    title="Convolutional autoencoder on Fashion-MNIST",
    kind="vision",
    dataset="fashion_mnist",
    architecture=f"{ARCHITECTURES}.autoencoder_fashion_mnist:build",
    parameters=212_993,
    source="Hinton, Salakhutdinov: Reducing the dimensionality of data with neural networks, 2006",
    metrics=(MEAN_SQUARED_ERROR, MEAN_ABSOLUTE_ERROR),
    loss="reconstruction_error",
    recipes=(
        Recipe(
            tier="short",
            epochs=2,
            batch_size=64,
            optimizer=ADAM,
            schedule=Schedule(kind="cosine", peak=0.002, warmup_epochs=0.1),
            smallest_drop={"mean_squared_error": 0.15, "mean_absolute_error": 0.15},
            time_limit_sec=300.0,
        ),
    ),
)
