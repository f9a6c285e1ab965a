"""ResNet-56 on CIFAR-10 with option A shortcuts, 0.85 M parameters.

Costs: 853,018 parameters; not measured yet; about three times what ResNet-20 does.
Reaches: not trained here; published for tier full: accuracy 0.9303.
Source: He, Zhang, Ren and Sun 2016, "Deep residual learning for image recognition", section 4.2.
"""

from __future__ import annotations

from typing import Any

from trainband.models.architectures.resnet20_cifar10 import residual_network
from trainband.models.layers.kit import LayerKit


def build(kit: LayerKit) -> Any:
    """Logits float32 [batch, 10] from images uint8 [batch, 32, 32, 3]."""
    return residual_network(kit, blocks=9, name="resnet56_cifar10")
