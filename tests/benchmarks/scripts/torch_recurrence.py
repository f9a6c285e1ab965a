"""LSTM layers on PyTorch, by Keras's loop and by PyTorch's kernel."""

from __future__ import annotations

import importlib
from typing import Any
from unittest.mock import patch

import keras
import numpy as np
import torch

from trainband.benchmarks.backends.torch_recurrence import set_loops

LAYERS = {
    "sequences": (True, {"return_sequences": True}),
    "last": (True, {}),
    "backwards": (True, {"return_sequences": True, "go_backwards": True}),
    "own states": (True, {"return_sequences": True, "return_state": True}),
    "another activation": (False, {"activation": "relu"}),
    "another gate": (False, {"recurrent_activation": "hard_sigmoid"}),
    "no bias": (False, {"use_bias": False}),
}


def layers(dtype: str) -> dict[str, dict[str, Any]]:
    """Layer -> whether the kernel was to compute it and did, and the largest difference over the largest value."""
    return {name: _layer(expected, options, dtype) for name, (expected, options) in LAYERS.items()}


def _layer(expected: bool, options: dict[str, Any], dtype: str) -> dict[str, Any]:
    layer = keras.layers.LSTM(8, dtype=dtype, **options)
    inputs = torch.tensor(np.random.default_rng(1).standard_normal((4, 13, 6)), dtype=getattr(torch, dtype))
    inputs.requires_grad_(True)
    layer(inputs)
    set_loops(True)
    looped, by_kernel = _outputs_and_gradients(layer, inputs)
    assert not by_kernel
    set_loops(False)
    found, by_kernel = _outputs_and_gradients(layer, inputs)
    set_loops(True)
    differences = [float((a - b).abs().max() / a.abs().max()) for a, b in zip(looped, found, strict=True)]
    return {"expected": expected, "by_kernel": by_kernel, "difference": max(differences)}


def _outputs_and_gradients(layer: Any, inputs: Any) -> tuple[list[Any], bool]:
    with patch.object(torch._VF, "lstm", wraps=torch._VF.lstm) as kernel:
        outputs = [output for output in keras.tree.flatten(layer(inputs)) if output.requires_grad]
    sources = [inputs, *(variable.value for variable in layer.trainable_variables)]
    total = sum((torch.linspace(-1.0, 1.0, o.numel(), dtype=o.dtype).reshape(o.shape) * o).sum() for o in outputs)
    return [*(o.detach() for o in outputs), *torch.autograd.grad(total, sources)], kernel.called


def whose_loop() -> list[bool]:
    """Whether Keras's own function stands there: as it is, without loops, with loops again."""
    rnn = importlib.import_module("keras.src.backend.torch.rnn")
    own = rnn._fallback_lstm
    found = [True]
    for wanted in (False, True):
        set_loops(wanted)
        found.append(rnn._fallback_lstm is own)
    return found
