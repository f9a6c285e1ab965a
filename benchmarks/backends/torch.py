"""PyTorch: an eager step over Keras's layers and optimizers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import torch

from trainband.benchmarks.backends import torch_layers
from trainband.benchmarks.backends.base import Adapter, BackendError, entries_of
from trainband.benchmarks.backends.common import (
    KerasKit,
    assign_seeds,
    build_optimizer,
    seed_states,
    set_precision,
    slots_of,
)
from trainband.benchmarks.backends.logits_digest import row_stride
from trainband.benchmarks.backends.signals import Signals
from trainband.benchmarks.backends.torch_forward import forward_of
from trainband.benchmarks.backends.torch_memory import set_copies
from trainband.benchmarks.backends.torch_recurrence import set_loops
from trainband.benchmarks.batches import Batch
from trainband.models.layers.draws import Draws, drawing
from trainband.models.specs import PIXEL_SCALE, Recipe
from trainband.platforms.cgroup import usable_cores
from trainband.platforms.profiles import Profile


def create(profile: Profile, recipe: Recipe, *, loss: str) -> Adapter:
    """The adapter; threads, determinism and precision are set before anything executes."""
    return TorchAdapter(profile, recipe, loss=loss)


class TorchKit(KerasKit):
    """Fused batch normalisation."""

    def __init__(self) -> None:
        super().__init__(torch_layers)

    def batch_norm(self, *, name: str, momentum: float = 0.99, epsilon: float = 1e-3) -> Any:
        return torch_layers.FusedBatchNormalization(name=name, momentum=momentum, epsilon=epsilon)


class TorchAdapter(Adapter):
    """See `Adapter`."""

    def __init__(self, profile: Profile, recipe: Recipe, *, loss: str) -> None:
        super().__init__(profile, recipe, loss=loss)
        torch.set_num_threads(profile.threads or usable_cores())
        if profile.deterministic:
            torch.use_deterministic_algorithms(True)
        set_precision(profile.precision)
        self.torch_device = torch.device("cuda" if profile.device == "gpu" else "cpu")

    def _build(self, architecture: Callable[[Any], Any]) -> None:
        kit = TorchKit()
        set_copies(self.recipe.stock)
        set_loops(self.recipe.stock)
        self.model = architecture(kit)
        self._forward = forward_of(self.model)
        self.optimizer = build_optimizer(self.recipe, self.model.trainable_variables)
        self.random_layers = kit.random_layers
        self.variables = entries_of(self.model, drawn=not self.recipe.stock)
        self._trainable = [entry for entry in self.variables if entry.trainable]
        self._tensors = [entry.variable.value for entry in self._trainable]
        self.slots = slots_of(self.optimizer, self.variables)

    def _keep(self, inputs: np.ndarray) -> bool:
        self._resident = torch.tensor(inputs).to(self.torch_device)
        return True

    def put(self, batches: Sequence[Batch]) -> list[Any]:
        return [self._put(batch) for batch in batches]

    def _put(self, batch: Batch) -> Any:
        inputs = torch.from_numpy(batch.inputs).to(self.torch_device, non_blocking=True)
        labels = torch.from_numpy(batch.labels).to(self.torch_device, torch.int64, non_blocking=True)
        return inputs, labels, batch.keys.tolist(), batch.learning_rate

    def train_step(self, arguments: Any) -> Any:
        inputs, labels, keys, rate = arguments
        with drawing(Draws(keys, 0)):
            examples = inputs if self._resident is None else self._resident[inputs]
            outputs = torch_layers.widened(self._forward(examples, training=True))
        loss = self.batch_loss(examples if self.targets_are_inputs else labels, outputs)
        self._gradients = ()  # of the step before: this one may take its memory
        self._gradients = torch.autograd.grad(loss, self._tensors)
        with torch.no_grad():
            norm = torch.nn.utils.get_total_norm(self._gradients)
            self.descend(self._gradients, rate)
            figures = torch.stack([loss, norm, self.optimizer.learning_rate.value.to(loss.device)]).to(torch.float32)
        return figures, self._observed(outputs.detach())

    def descend(self, gradients: Sequence[Any], rate: float | None) -> None:
        """One update by the loss's `gradients`, at the learning rate `rate` or the optimizer's own."""
        if rate is not None:
            self.optimizer.learning_rate.assign(rate)
        self.optimizer.apply(self._regularized(gradients), [entry.variable for entry in self._trainable])

    def _observed(self, logits: Any) -> Any:
        """The rows to be digested, where the host can read them in place, else their digest."""
        stride = row_stride(logits.shape)
        if stride > 1:
            logits = logits.reshape(-1, logits.shape[-1])[::stride].contiguous()
        logits = logits.to(torch.float32)
        return logits if self._reads_logits else torch_layers.logits_digest(logits)

    def batch_loss(self, targets: Any, outputs: Any) -> Any:
        """The scalar that a step differentiates."""
        if self.loss == "reconstruction_error":
            return torch.nn.functional.mse_loss(outputs, targets.to(outputs.dtype) * PIXEL_SCALE)
        if self.loss == "sigmoid_cross_entropy":
            return torch.nn.functional.binary_cross_entropy_with_logits(outputs, targets.to(outputs.dtype))
        return (
            torch.nn.functional.cross_entropy(
                outputs.reshape(-1, outputs.shape[-1]),
                targets.reshape(-1),
                reduction="sum",
                label_smoothing=self.recipe.label_smoothing,
            )
            / targets.numel()
        )

    def _regularized(self, gradients: Sequence[Any]) -> list[Any]:
        l2, clip = self.recipe.optimizer.l2, self.recipe.optimizer.clip_norm
        if l2:
            rows = zip(gradients, self._tensors, self._trainable, strict=True)
            gradients = [g + l2 * v if e.role == "kernel" else g for g, v, e in rows]
        if clip:
            norm = torch.sqrt(sum(torch.sum(g * g) for g in gradients))
            gradients = [g * torch.clamp(clip / norm, max=1.0) for g in gradients]
        return list(gradients)

    def eval_step(self, inputs: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            logits = self._forward(torch.tensor(inputs).to(self.torch_device), training=False)
        return np.asarray(torch_layers.widened(logits).cpu().numpy())

    def sync(self, step: Any) -> None:
        if self.torch_device.type == "cuda":
            torch.cuda.synchronize()

    def fetch(self, steps: Sequence[Any]) -> Signals:
        figures = torch.stack([figures for figures, _ in steps]).cpu().numpy()
        return self._signals(figures, [logits.cpu().numpy() for _, logits in steps])

    def gradients(self) -> list[np.ndarray]:
        return [gradient.cpu().numpy() for gradient in self._gradients]

    def optimizer_state(self) -> list[np.ndarray]:
        return [variable.value.detach().cpu().numpy().copy() for variable in self.optimizer.variables]

    def assign(self, weights: Sequence[np.ndarray], optimizer_state: Sequence[np.ndarray] | None = None) -> None:
        with torch.no_grad():
            for entry, value in zip(self.variables, weights, strict=True):
                entry.variable.assign(value)
            for variable, value in zip(self.optimizer.variables, optimizer_state or (), strict=False):
                variable.assign(value)

    def weights(self) -> list[np.ndarray]:
        return [entry.variable.value.detach().cpu().numpy().copy() for entry in self.variables]

    def device(self) -> str:
        kinds = {entry.variable.value.device.type for entry in self.variables}
        if len(kinds) != 1:
            raise BackendError(f"variables lie on several kinds of device: {', '.join(sorted(kinds))}")
        return f"{'gpu' if kinds == {'cuda'} else kinds.pop()} x1"

    def device_matmul(self, matrix: np.ndarray) -> Callable[[], object]:
        operand = torch.from_numpy(matrix).to(self.torch_device)

        def multiply() -> None:
            torch.matmul(operand, operand)
            if self.torch_device.type == "cuda":
                torch.cuda.synchronize()

        return multiply

    def peak_device_bytes(self) -> int | None:
        return int(torch.cuda.max_memory_allocated()) if self.torch_device.type == "cuda" else None

    def generator_states(self) -> dict[str, np.ndarray]:
        states = {**seed_states(self.model, self.variables), "torch_cpu": torch.get_rng_state().numpy()}
        if self.torch_device.type == "cuda":
            states["torch_cuda"] = torch.cuda.get_rng_state().numpy()
        return states

    def restore_generators(self, states: Mapping[str, np.ndarray]) -> None:
        assign_seeds(self.model, self.variables, states)
        torch.set_rng_state(torch.from_numpy(states["torch_cpu"]))
        if self.torch_device.type == "cuda":
            torch.cuda.set_rng_state(torch.from_numpy(states["torch_cuda"]))

    def versions(self) -> dict[str, str]:
        return {"torch": torch.__version__, "keras": keras.__version__, "numpy": np.__version__}
