"""JAX: one jitted function a step over Keras's stateless call; the adapter holds the state between steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from trainband.benchmarks.backends import jax_layers
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
from trainband.benchmarks.batches import Batch
from trainband.models.layers.draws import Draws, drawing
from trainband.models.specs import PIXEL_SCALE, Recipe
from trainband.platforms.profiles import Profile


def create(profile: Profile, recipe: Recipe, *, loss: str) -> Adapter:
    """The adapter; the environment (JAX_PLATFORMS, XLA_FLAGS) was set before this import."""
    return JaxAdapter(profile, recipe, loss=loss)


class JaxAdapter(Adapter):
    """See `Adapter`."""

    def __init__(self, profile: Profile, recipe: Recipe, *, loss: str) -> None:
        super().__init__(profile, recipe, loss=loss)
        set_precision(profile.precision)
        self._state: tuple[list[Any], list[Any], list[Any]] = ([], [], [])

    def _build(self, architecture: Callable[[Any], Any]) -> None:
        kit = KerasKit(jax_layers)
        self.model = architecture(kit)
        self.optimizer = build_optimizer(self.recipe, self.model.trainable_variables)
        self.random_layers = kit.random_layers
        self.variables = entries_of(self.model, drawn=not self.recipe.stock)
        self._rate_index = next(
            i for i, variable in enumerate(self.optimizer.variables) if variable is self.optimizer.learning_rate
        )
        self.slots = slots_of(self.optimizer, self.variables)
        paths = {id(entry.variable): entry for entry in self.variables}
        self._roles = [paths[id(variable)].role for variable in self.model.trainable_variables]
        self._train = jax.jit(self._step, donate_argnums=(0,))
        self._eval = jax.jit(self._logits)
        self._pull()

    def _pull(self) -> None:
        """Take the state out of Keras's variables; copies, since a step donates its state."""
        groups = (self.model.trainable_variables, self.model.non_trainable_variables, self.optimizer.variables)
        trainable, rest, slots = ([jnp.array(v.value, copy=True) for v in group] for group in groups)
        self._state = (trainable, rest, slots)

    def _push(self) -> None:
        groups = (self.model.trainable_variables, self.model.non_trainable_variables, self.optimizer.variables)
        for group, values in zip(groups, self._state, strict=True):
            for variable, value in zip(group, values, strict=True):
                variable.assign(value)

    def _keep(self, inputs: np.ndarray) -> bool:
        self._resident = jax.device_put(inputs)
        return True

    def put(self, batches: Sequence[Batch]) -> list[Any]:
        arguments = [self._arguments(batch) for batch in batches]
        # On a CPU the compiled step takes NumPy's arrays itself, for less than it costs to put them anywhere.
        return arguments if self.profile.device == "cpu" else list(jax.device_put(arguments))

    @staticmethod
    def _arguments(batch: Batch) -> Any:
        rate = None if batch.learning_rate is None else np.float32(batch.learning_rate)
        return batch.inputs, batch.labels, batch.keys.astype(np.uint32), rate

    def train_step(self, arguments: Any) -> Any:
        self._gradients = ()  # of the step before: this one may take its memory
        self._state, figures, logits, self._gradients = self._train(self._state, self._resident, *arguments)
        return figures, logits

    def _step(self, state: Any, resident: Any, inputs: Any, labels: Any, keys: Any, rate: Any) -> Any:
        trainable, rest, slots = state
        examples = inputs if resident is None else jnp.take(resident, inputs, axis=0, mode="clip")

        def loss_of(values: Any) -> Any:
            with drawing(Draws(keys, 0)):
                outputs, updated = self.model.stateless_call(values, rest, examples, training=True)
            outputs = jax_layers.widened(outputs)
            targets = examples if self.targets_are_inputs else labels
            return self.batch_loss(targets, outputs), (updated, outputs)

        (loss, (rest, outputs)), gradients = jax.value_and_grad(loss_of, has_aux=True)(trainable)
        trainable, slots = self._updated(trainable, slots, gradients, rate)
        figures = jnp.stack([loss, _norm(gradients), slots[self._rate_index]]).astype(jnp.float32)
        return (trainable, rest, slots), figures, self._observed(outputs), gradients

    def _updated(self, trainable: Any, slots: Any, gradients: Any, rate: Any) -> tuple[Any, Any]:
        """Variables and slots after one update by the loss's `gradients`, at the learning rate `rate` or the slots' own."""
        if rate is not None:
            slots = [*slots[: self._rate_index], rate, *slots[self._rate_index + 1 :]]
        found: tuple[Any, Any] = self.optimizer.stateless_apply(
            slots, self._regularized(gradients, trainable), trainable
        )
        return found

    def _observed(self, logits: Any) -> Any:
        """The rows to be digested, where the host can read them in place, else their digest."""
        stride = row_stride(logits.shape)
        if stride > 1:
            logits = logits.reshape(-1, logits.shape[-1])[::stride]
        logits = logits.astype(jnp.float32)
        return logits if self._reads_logits else jax_layers.logits_digest(logits)

    def batch_loss(self, targets: Any, outputs: Any) -> Any:
        """The scalar that a step differentiates."""
        return self._losses(targets, outputs).sum() / self.recipe.batch_size

    def _losses(self, targets: Any, outputs: Any) -> Any:
        """Of each example, [batch] in the dtype of `outputs`: the mean over its positions."""
        if self.loss == "reconstruction_error":
            each = jnp.square(outputs - targets.astype(outputs.dtype) * PIXEL_SCALE)
        elif self.loss == "sigmoid_cross_entropy":
            each = jax.nn.softplus(outputs) - outputs * targets.astype(outputs.dtype)
        else:
            each = self._softmax_losses(targets, outputs)
        return each.mean(axis=tuple(range(1, each.ndim)))

    def _softmax_losses(self, labels: Any, logits: Any) -> Any:
        smoothing = self.recipe.label_smoothing
        log_probabilities = jax.nn.log_softmax(logits)
        chosen = -jnp.take_along_axis(log_probabilities, labels[..., None], axis=-1)[..., 0]
        if not smoothing:
            return chosen
        return (1.0 - smoothing) * chosen - smoothing * log_probabilities.mean(axis=-1)

    def _regularized(self, gradients: list[Any], values: list[Any]) -> list[Any]:
        l2, clip = self.recipe.optimizer.l2, self.recipe.optimizer.clip_norm
        if l2:
            rows = zip(gradients, values, self._roles, strict=True)
            gradients = [g + l2 * v if role == "kernel" else g for g, v, role in rows]
        if clip:
            factor = jnp.minimum(1.0, clip / _norm(gradients))
            gradients = [g * factor for g in gradients]
        return gradients

    def _logits(self, trainable: Any, rest: Any, inputs: Any) -> Any:
        logits, _ = self.model.stateless_call(trainable, rest, inputs, training=False)
        return jax_layers.widened(logits)

    def eval_step(self, inputs: np.ndarray) -> np.ndarray:
        return np.asarray(self._eval(self._state[0], self._state[1], inputs))

    def sync(self, step: Any) -> None:
        jax.block_until_ready((step, self._state))

    def fetch(self, steps: Sequence[Any]) -> Signals:
        figures, seen = zip(*jax.device_get(list(steps)), strict=True)
        return self._signals(np.array(figures), seen)

    def descend(self, gradients: Sequence[Any], rate: Any) -> None:
        """One update of the state by the loss's `gradients`, in the order of `gradients()`."""
        ours = [id(entry.variable) for entry in self.variables if entry.trainable]
        ordered = [gradients[ours.index(id(variable))] for variable in self.model.trainable_variables]
        trainable, rest, slots = self._state
        trainable, slots = jax.jit(self._updated)(trainable, slots, ordered, rate)
        self._state = (trainable, rest, slots)

    def gradients(self) -> list[np.ndarray]:
        places = {id(variable): place for place, variable in enumerate(self.model.trainable_variables)}
        return [np.asarray(self._gradients[places[id(e.variable)]]) for e in self.variables if e.trainable]

    def optimizer_state(self) -> list[np.ndarray]:
        return [np.asarray(value) for value in self._state[2]]

    def assign(self, weights: Sequence[np.ndarray], optimizer_state: Sequence[np.ndarray] | None = None) -> None:
        self._push()
        for entry, value in zip(self.variables, weights, strict=True):
            entry.variable.assign(value)
        for variable, value in zip(self.optimizer.variables, optimizer_state or (), strict=False):
            variable.assign(value)
        self._pull()

    def weights(self) -> list[np.ndarray]:
        self._push()
        return [np.array(entry.variable.value) for entry in self.variables]

    def generator_states(self) -> dict[str, np.ndarray]:
        self._push()
        return seed_states(self.model, self.variables)

    def restore_generators(self, states: Mapping[str, np.ndarray]) -> None:
        self._push()
        assign_seeds(self.model, self.variables, states)
        self._pull()

    def device(self) -> str:
        kinds = {device.platform for part in self._state for value in part for device in value.devices()}
        if len(kinds) != 1:
            raise BackendError(f"variables lie on several kinds of device: {', '.join(sorted(kinds))}")
        return f"{kinds.pop()} x1"

    def device_matmul(self, matrix: np.ndarray) -> Callable[[], object]:
        operand = jnp.asarray(matrix)
        multiply = jax.jit(jnp.matmul)
        return lambda: multiply(operand, operand).block_until_ready()

    def peak_device_bytes(self) -> int | None:
        stats = jax.local_devices()[0].memory_stats()
        return int(stats["peak_bytes_in_use"]) if stats else None

    def versions(self) -> dict[str, str]:
        import jaxlib

        return {
            "jax": jax.__version__,
            "jaxlib": jaxlib.__version__,
            "keras": keras.__version__,
            "numpy": np.__version__,
        }


def _norm(gradients: Sequence[Any]) -> Any:
    return jnp.sqrt(sum(jnp.vdot(gradient, gradient) for gradient in gradients))
