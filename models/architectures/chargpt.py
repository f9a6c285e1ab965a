"""Character language models of nanoGPT's two recipes for Shakespeare: 0.8 M and 10.7 M parameters.

Costs: 804,096 and 10,745,088 parameters; 153 s of training at tier short, the small one (two cores of an Intel Xeon,
TensorFlow 2.21).
Reaches: log-loss 1.88, sd 0.4%; accuracy 0.4419, sd 0.0023 (n = 20, tier short, TensorFlow 2.21, the small one); published:
validation loss 1.88 (small, 2,000 steps) and 1.4697 (full, 5,000 steps).
Source: Karpathy 2022, github.com/karpathy/nanoGPT, config/train_shakespeare_char.py and README; GPT-2's form from
Radford, Wu, Child, Luan, Amodei and Sutskever 2019, "Language models are unsupervised multitask learners".
"""

from __future__ import annotations

from typing import Any

from trainband.models.architectures.gpt import GptSize, language_model
from trainband.models.layers.kit import LayerKit

VOCABULARY = 65


def build_small(kit: LayerKit) -> Any:
    """Logits float32 [batch, 64, 65] from characters uint8 [batch, 64]: 4 layers of width 128."""
    return _build(kit, context=64, layers=4, heads=4, width=128, dropout=0.0, name="chargpt_small")


def build_full(kit: LayerKit) -> Any:
    """Logits float32 [batch, 256, 65] from characters uint8 [batch, 256]: 6 layers of width 384."""
    return _build(kit, context=256, layers=6, heads=6, width=384, dropout=0.2, name="chargpt_full")


def _build(kit: LayerKit, *, context: int, name: str, **widths: Any) -> Any:
    size = GptSize(vocabulary=VOCABULARY, context=context, bias=False, activation="gelu", **widths)
    return language_model(kit, size, time=context, token_dtype="uint8", name=name)
