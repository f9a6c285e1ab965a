"""An LSTM's steps by PyTorch's own kernel, where Keras loops over them."""

from __future__ import annotations

import importlib
from typing import Any

import keras

_RNN = importlib.import_module("keras.src.backend.torch.rnn")  # its package has a function of that name
_LOOP, _KERNEL = "_fallback_lstm", "_cudnn_lstm"
_KERAS_LOOP, _KERAS_KERNEL = getattr(_RNN, _LOOP, None), getattr(_RNN, _KERNEL, None)


def kernel_lstm(*arguments: Any) -> Any:
    """What Keras's loop gives for its arguments, which come in its order; what the kernel cannot compute is left to it."""
    *given, bias, activation, recurrent_activation, return_sequences, batch_first = arguments
    known = activation is keras.activations.tanh and recurrent_activation is keras.activations.sigmoid
    if not known or bias is None or not batch_first:
        return _KERAS_LOOP(*arguments)  # type: ignore[misc]
    return _KERAS_KERNEL(*given, bias, return_sequences=return_sequences, device=given[0].device)  # type: ignore[misc]


def set_loops(wanted: bool) -> None:
    """Whether Keras loops over an LSTM's steps wherever cuDNN does not run, as it does by itself.

    PyTorch's kernel takes the same gates in the same order. There is no setting; a Keras that has no functions of those names is
    left as it is.
    """
    if _KERAS_LOOP is not None and _KERAS_KERNEL is not None:
        setattr(_RNN, _LOOP, _KERAS_LOOP if wanted else kernel_lstm)
