"""Tensor functions of the PyTorch adapter."""

from __future__ import annotations

from typing import Any

import torch

from trainband.models.layers import draws


def rescale(inputs: Any, scale: float, offset: float, dtype: str) -> Any:
    """`inputs * scale + offset` in `dtype`."""
    outputs = inputs.to(getattr(torch, dtype)) * scale
    return outputs + offset if offset else outputs


def dropout(inputs: Any, key: Any, row_offset: int, rate: float) -> Any:
    """`inputs` with the elements of `draws.reference_keep_mask` kept and scaled; int64 arithmetic modulo 2**32."""
    size = inputs.numel()
    first = row_offset * (size // inputs.shape[0])
    word = torch.arange(first, first + size, dtype=torch.int64, device=inputs.device) * draws.STRIDE + key
    word &= draws.WORD
    for shift, multiplier in zip(draws.SHIFTS, draws.MULTIPLIERS, strict=False):
        word = ((word ^ (word >> shift)) * multiplier) & draws.WORD
    word = word ^ (word >> draws.SHIFTS[2])
    keep = (word >= draws.drop_threshold(rate)).reshape(inputs.shape)
    return inputs * keep.to(inputs.dtype) * (1.0 / (1.0 - rate))
