"""Single layers and their derivatives in PyTorch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch

from trainband.benchmarks.backends.torch import TorchAdapter
from trainband.benchmarks.zoom.layerwise import Layerwise, Pulled, is_float, leaves, like


def create(adapter: TorchAdapter) -> Layerwise:
    """See `Layerwise`."""
    return TorchLayerwise(adapter)


class TorchLayerwise(Layerwise):
    """See `Layerwise`."""

    adapter: TorchAdapter

    def pull_back(
        self, layer: Any, arguments: Sequence[Any], options: Mapping[str, Any], slopes: Sequence[np.ndarray] | None
    ) -> Pulled:
        given = [self.tensor(leaf) for leaf in leaves(arguments)]
        floats = [leaf.requires_grad_() for leaf in given if is_float(leaf)]
        others = [variable.value for variable in layer.non_trainable_weights]
        before = [tensor.detach().clone() for tensor in others]
        outputs = leaves(layer(*like(arguments, iter(given)), **options))
        after = [self.array(variable.value) for variable in layer.non_trainable_weights]
        for variable, value in zip(layer.non_trainable_weights, before, strict=True):
            variable.assign(value)
        by: list[Any] = []
        if slopes is not None:
            wanted = [*floats, *(variable.value for variable in layer.trainable_weights)]
            by = self._gradients(outputs, wanted, slopes)
        by_inputs = iter(by)
        return Pulled(
            outputs=[self.array(output) for output in outputs],
            input_gradients=[next(by_inputs, None) if is_float(leaf) else None for leaf in given],
            weight_gradients=by[len(floats) :],
            statistics=after,
            dtype=str(outputs[0].dtype).removeprefix("torch."),
        )

    def _gradients(self, outputs: list[Any], wanted: list[Any], slopes: Sequence[np.ndarray]) -> list[Any]:
        if not wanted or not outputs[0].requires_grad:
            return [None] * len(wanted)
        slopes_on_device = [self.tensor(slope).to(output.dtype) for slope, output in zip(slopes, outputs, strict=True)]
        try:
            found = torch.autograd.grad(outputs, wanted, slopes_on_device, allow_unused=True)
        except RuntimeError:
            if outputs[0].dtype != torch.float64:
                raise
            return [None] * len(wanted)  # PyTorch's convolution has no backward pass in float64 for some layouts
        return [None if gradient is None else self.array(gradient) for gradient in found]

    def loss(self, targets: np.ndarray, outputs: np.ndarray) -> tuple[float, np.ndarray]:
        logits = self.tensor(outputs).requires_grad_()
        share = len(outputs) / self.adapter.recipe.batch_size
        loss = self.adapter.batch_loss(self.tensor(targets), logits) * share
        (slope,) = torch.autograd.grad(loss, [logits])
        return float(loss.item()), self.array(slope)

    def descend(self, gradients: Sequence[np.ndarray], rate: float | None, *, pulled: bool) -> None:
        with torch.no_grad():
            self.adapter.descend([self.tensor(gradient) for gradient in gradients], rate)

    def keys(self, keys: np.ndarray) -> Any:
        return keys.tolist()

    def untracked(self) -> AbstractContextManager[Any]:
        off: AbstractContextManager[Any] = torch.no_grad()
        return off

    def tensor(self, array: np.ndarray) -> Any:
        wide = array.astype(np.int64) if array.dtype == np.int32 else array
        return torch.tensor(wide).to(self.adapter.torch_device)

    def array(self, tensor: Any) -> np.ndarray:
        tensor = tensor.detach()
        return np.array((tensor.to(torch.float32) if tensor.dtype == torch.bfloat16 else tensor).cpu().numpy())
