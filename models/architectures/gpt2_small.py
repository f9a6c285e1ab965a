"""GPT-2 small: 12 layers of width 768 and 12 heads, 124,439,808 parameters.

Costs: not measured yet.
Reaches: not trained here; published: perplexity 29.41 on WikiText-2, without training on it.
Source: Radford, Wu, Child, Luan, Amodei and Sutskever 2019, "Language models are unsupervised multitask learners",
tables 2 and 3; dropout and activation from the authors' code and Radford et al. 2018.
"""

from __future__ import annotations

from typing import Any

from trainband.models.architectures.gpt import GptSize, language_model
from trainband.models.layers.kit import LayerKit

_SIZE = GptSize(
    vocabulary=50_257, context=1024, layers=12, heads=12, width=768, dropout=0.1, bias=True, activation="gelu_tanh"
)


def build(kit: LayerKit, *, time: int = 1024) -> Any:
    """Logits float32 [batch, time, 50257] from tokens int32 [batch, time]; 1,024 places at most."""
    return language_model(kit, _SIZE, time=time, token_dtype="int32", name="gpt2_small")
