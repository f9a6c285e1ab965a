"""Images stay where they lie in memory: PyTorch's kernels take channels-last memory as it is."""

from __future__ import annotations

from typing import Any

from keras.src.backend.torch import nn

_TRANSPOSE = "_transpose_spatial_inputs"
_KERAS_OWN = getattr(nn, _TRANSPOSE, None)


def channels_first(inputs: Any) -> Any:
    """[batch, channels, ...] of [batch, ..., channels], without a copy of images; PyTorch would copy sequences itself."""
    return inputs.movedim(-1, 1) if inputs.ndim > 3 or _KERAS_OWN is None else _KERAS_OWN(inputs)


def set_copies(wanted: bool) -> None:
    """Whether Keras copies images to channels-first memory before each convolution and pooling, as it does by itself.

    Keras 3.15 copies there, and once more back for a convolution. There is no setting; a Keras that has no function of that
    name is left as it is.
    """
    if _KERAS_OWN is not None:
        setattr(nn, _TRANSPOSE, _KERAS_OWN if wanted else channels_first)
