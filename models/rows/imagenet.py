"""The published recipes of models on ImageNet that need nothing but crops, flips and stochastic gradient descent.

Torchvision's are those of its references/classification, on 8 GPUs of 32 images. The weight decay is on kernels alone; torchvision's also holds biases and normalisations back.
"""

from __future__ import annotations

from dataclasses import replace

from trainband.models.rows.shared import HE_SGD
from trainband.models.specs import PublishedFigure, Recipe, Schedule

TORCHVISION = "torchvision 0.15, IMAGENET1K_V1 weights, top-1 of one crop"


def _steps(accuracy: float, source: str = TORCHVISION, *, peak: float = 0.1) -> Recipe:
    """90 epochs, a tenth of the rate after 30 and 60 of them."""
    return Recipe(
        tier="full",
        epochs=90,
        batch_size=256,
        optimizer=HE_SGD,
        schedule=Schedule(kind="piecewise", peak=peak, boundaries=(30.0, 60.0), factors=(0.1, 0.01)),
        augmentation="random_resized_crop_flip",
        smallest_drop={"accuracy": 0.01, "log_loss": 0.04},
        eval_every_epochs=5,
        time_limit_sec=14 * 86_400.0,
        published=(PublishedFigure(metric="accuracy", value=accuracy, source=source),),
    )


RESNET50 = _steps(0.7613)
RESNET101 = _steps(0.77374)
RESNET152 = _steps(0.78312)
VGG16 = _steps(0.71592, peak=0.01)
ALEXNET = _steps(0.56522, peak=0.01)
DENSENET121 = replace(
    _steps(0.7498, "Huang et al. 2017, table 3: 25.02% top-1 error of one crop"),
    optimizer=replace(HE_SGD, nesterov=True),
)
_DECAY_EPOCHS = range(1, 300)
MOBILENET_V2 = replace(
    _steps(0.71878),
    epochs=300,
    optimizer=replace(HE_SGD, l2=4e-5),
    schedule=Schedule(
        kind="piecewise",
        peak=0.045,
        boundaries=tuple(float(epoch) for epoch in _DECAY_EPOCHS),
        factors=tuple(0.98**epoch for epoch in _DECAY_EPOCHS),
    ),
)
