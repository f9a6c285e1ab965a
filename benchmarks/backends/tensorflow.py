"""TensorFlow: one `tf.function` a step, MirroredStrategy or TPUStrategy where the profile names one."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from trainband.benchmarks.backends import tensorflow_layers as layers
from trainband.benchmarks.backends.base import Adapter, BackendError, entries_of
from trainband.benchmarks.backends.common import (
    KerasKit,
    assign_seeds,
    build_optimizer,
    optimizer_variables,
    seed_states,
    slots_of,
)
from trainband.benchmarks.backends.logits_digest import row_stride
from trainband.benchmarks.backends.signals import Signals
from trainband.benchmarks.backends.tensorflow_devices import configure, strategy_of
from trainband.benchmarks.backends.tensorflow_fused import Pointwise
from trainband.benchmarks.backends.tensorflow_gradients import dense, losses, norm_of, tensors_of
from trainband.benchmarks.batches import Batch
from trainband.benchmarks.feeder import BURST
from trainband.models.layers.draws import Draws, drawing
from trainband.models.specs import Recipe
from trainband.platforms.profiles import Profile

# Parameters from which on an update that XLA compiles to one pass over each variable wins over its launch: measured on
# fifteen models, 1.00 to 1.44 times as many examples a second from 105,914 on, 0.89 to 0.98 times up to 61,706.
COMPILED_UPDATE = 100_000


def create(profile: Profile, recipe: Recipe, *, loss: str) -> Adapter:
    """The adapter; threads, determinism, precision and devices are set before anything executes."""
    return TensorFlowAdapter(profile, recipe, loss=loss)


class TensorFlowKit(KerasKit):
    """Fused layers on one device; Keras's batch normalisation under XLA, and its synchronised one under a strategy.

    XLA's form of the fused kernel takes the variance as a difference of two mean squares: with inputs far from 0
    nothing is left of it, where Keras's own layer loses no digits.
    """

    def __init__(self, profile: Profile) -> None:
        self.compiles_parts = profile.device == "cpu" and profile.strategy == "none" and not profile.jit_compile
        super().__init__(layers, pointwise=Pointwise(compiled=self.compiles_parts))
        self._synchronized = profile.synchronized_batch_norm
        self._jit_compile = profile.jit_compile

    def batch_norm(self, *, name: str, momentum: float = 0.99, epsilon: float = 1e-3) -> Any:
        if self._synchronized:
            return keras.layers.BatchNormalization(name=name, momentum=momentum, epsilon=epsilon, synchronized=True)
        if self._jit_compile:
            return super().batch_norm(name=name, momentum=momentum, epsilon=epsilon)
        return layers.FusedBatchNormalization(name=name, momentum=momentum, epsilon=epsilon)


class TensorFlowAdapter(Adapter):
    """See `Adapter`."""

    def __init__(self, profile: Profile, recipe: Recipe, *, loss: str) -> None:
        super().__init__(profile, recipe, loss=loss)
        configure(profile)
        self._strategy = strategy_of(profile)
        self._replicas = self._strategy.num_replicas_in_sync if self._strategy else 1
        self._reads_logits = self._reads_logits or self._strategy is not None
        if recipe.batch_size % self._replicas:
            raise BackendError(f"recipe.batch_size = {recipe.batch_size}: not a multiple of {self._replicas} replicas")

    def _build(self, architecture: Callable[[Any], Any]) -> None:
        kit = TensorFlowKit(self.profile)
        with self._scope():
            self.model = architecture(kit)
            self.optimizer = build_optimizer(self.recipe, self.model.trainable_variables)
        self.random_layers = kit.random_layers
        self.variables = entries_of(self.model, drawn=not self.recipe.stock)
        self._trainable = [entry for entry in self.variables if entry.trainable]
        self.slots = slots_of(self.optimizer, self.variables)
        parameters = sum(math.prod(entry.variable.shape) for entry in self._trainable)
        compiled = kit.compiles_parts and parameters >= COMPILED_UPDATE and not self.recipe.stock
        self._update = tf.function(self._apply, jit_compile=True, autograph=False) if compiled else self._apply
        step = self._step_of_burst if self._strategy is None else self._distributed_step
        self._train = tf.function(step, jit_compile=self.profile.jit_compile or None, autograph=False)
        self._traced: Any = None
        self._indices = [tf.constant(index) for index in range(BURST)]
        self._eval = tf.function(lambda inputs: layers.widened(self.model(inputs, training=False)), autograph=False)

    def _scope(self) -> Any:
        return self._strategy.scope() if self._strategy else tf.init_scope()

    def _keep(self, inputs: np.ndarray) -> bool:
        if self._strategy is not None:
            return False
        self._resident = tf.constant(inputs)
        return True

    def put(self, batches: Sequence[Batch]) -> list[Any]:
        if self._strategy is not None:
            return [self._put_split(batch) for batch in batches]
        return [step for start in range(0, len(batches), BURST) for step in self._put_burst(batches[start:][:BURST])]

    def _put_burst(self, batches: Sequence[Batch]) -> list[Any]:
        """One table of each small array for a burst: a small tensor of each a step would cost several times more."""
        labels = _table([batch.labels for batch in batches])
        keys = _table([batch.keys for batch in batches])
        rates = self._rates(batches)
        if self._resident is None:
            inputs = [tf.constant(batch.inputs) for batch in batches]
        else:
            inputs = [_table([batch.inputs for batch in batches])] * len(batches)
        return [(own, labels, keys, rates, index) for own, index in zip(inputs, self._indices, strict=False)]

    def _rates(self, batches: Sequence[Batch]) -> Any:
        rates = [np.float32(batch.learning_rate) for batch in batches if batch.learning_rate is not None]
        return _table(rates) if rates else None

    def _put_split(self, batch: Batch) -> Any:
        """A batch with its rows dealt out to the replicas, in order."""
        size = len(batch.inputs) // self._replicas
        split = self._strategy.experimental_distribute_values_from_function

        def part(array: np.ndarray) -> Any:
            return split(lambda c: tf.constant(array[c.replica_id_in_sync_group * size :][:size]))

        rate = None if batch.learning_rate is None else tf.constant(batch.learning_rate, tf.float32)
        return part(batch.inputs), part(batch.labels), tf.constant(batch.keys), rate

    def train_step(self, arguments: Any) -> Any:
        if self._traced is None:
            # Every batch has the same shapes: one trace, whose call costs half of a look-up among traces.
            single = self._strategy is None
            self._traced = self._train.get_concrete_function(*arguments) if single else self._train
        self._gradients = ()  # of the step before: this one may take its memory
        figures, logits, self._gradients = self._traced(*arguments)
        return figures, logits

    def _step_of_burst(self, inputs: Any, labels: Any, keys: Any, rates: Any, index: Any) -> Any:
        # Not `labels[index]`: XLA compiles a slice anew for each place that it begins at.
        if self._resident is not None:
            inputs = tf.gather(self._resident, tf.gather(inputs, index))
        rate = None if rates is None else tf.gather(rates, index)
        return self._step(inputs, tf.gather(labels, index), tf.gather(keys, index), rate)

    def _step(self, inputs: Any, labels: Any, keys: Any, rate: Any) -> Any:
        replica = tf.distribute.get_replica_context()
        row_offset = replica.replica_id_in_sync_group * (self.recipe.batch_size // self._replicas) if replica else 0
        with drawing(Draws(keys, row_offset)), tf.GradientTape() as tape:
            outputs = layers.widened(self.model(inputs, training=True))
            targets = inputs if self.targets_are_inputs else labels
            loss = self.batch_loss(targets, outputs)
        variables = [entry.variable for entry in self._trainable]
        found = tape.gradient(loss, tensors_of(variables))
        gradients = [dense(gradient) for gradient in found]
        self.descend(found if self.recipe.stock else gradients, rate)
        norm = norm_of(gradients) if self._replicas == 1 else tf.constant(np.nan, tf.float32)
        figures = tf.stack([tf.cast(each, tf.float32) for each in (loss, norm, self.optimizer.learning_rate)])
        return figures, self._observed(outputs), gradients

    def _observed(self, logits: Any) -> Any:
        """The rows to be digested, where the host can read them in place, else their digest."""
        stride = row_stride(logits.shape)
        if stride > 1:
            logits = tf.reshape(logits, [-1, logits.shape[-1]])[::stride]
        logits = tf.cast(logits, tf.float32)
        return logits if self._reads_logits else layers.logits_digest(logits)

    def descend(self, gradients: list[Any], rate: Any) -> None:
        """One update by the loss's `gradients`, at the learning rate `rate` or the optimizer's own; both are tensors."""
        # Clipping stays outside the compiled update: XLA would add up the global norm in another order.
        clips = bool(self.recipe.optimizer.clip_norm)
        self._update(self._clipped(self._regularized(gradients)) if clips else gradients, rate)

    def _apply(self, gradients: list[Any], rate: Any) -> None:
        if not self.recipe.optimizer.clip_norm:
            gradients = self._regularized(gradients)
        if rate is not None:
            self.optimizer.learning_rate.assign(rate)
        self.optimizer.apply(gradients, [entry.variable for entry in self._trainable])

    def batch_loss(self, targets: Any, outputs: Any) -> Any:
        """The scalar that a step differentiates."""
        each = losses(self.loss, targets, outputs, self.recipe.label_smoothing)
        return tf.reduce_sum(each) / self.recipe.batch_size

    def _regularized(self, gradients: list[Any]) -> list[Any]:
        l2 = self.recipe.optimizer.l2
        if not l2:
            return gradients
        share = l2 / self._replicas
        return [
            g + share * tf.convert_to_tensor(e.variable) if e.role == "kernel" else g
            for g, e in zip(gradients, self._trainable, strict=True)
        ]

    def _clipped(self, gradients: list[Any]) -> list[Any]:
        clip = self.recipe.optimizer.clip_norm
        if self._replicas == 1:
            return list(tf.clip_by_global_norm(gradients, clip)[0])
        # The norm is the global gradient's: a replica's part has another one. The optimizer adds the replicas up again.
        whole = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, gradients)
        return [gradient / self._replicas for gradient in tf.clip_by_global_norm(whole, clip)[0]]

    def _distributed_step(self, inputs: Any, labels: Any, keys: Any, rate: Any) -> Any:
        figures, logits, gradients = self._strategy.run(self._step, args=(inputs, labels, keys, rate))
        loss, norm, rate = tf.unstack(self._strategy.reduce(tf.distribute.ReduceOp.SUM, figures, axis=None))
        parts = self._strategy.experimental_local_results
        gradients = [tf.add_n(parts(gradient)) for gradient in gradients]
        return tf.stack([loss, norm, rate / self._replicas]), tf.concat(parts(logits), 0), gradients

    def eval_step(self, inputs: np.ndarray) -> np.ndarray:
        return np.asarray(self._eval(tf.constant(inputs)))

    def sync(self, step: Any) -> None:
        step[0].numpy()

    def fetch(self, steps: Sequence[Any]) -> Signals:
        figures = np.array([figures.numpy() for figures, _ in steps], np.float32)
        return self._signals(figures, [logits.numpy() for _, logits in steps])

    def gradients(self) -> list[np.ndarray]:
        return [np.asarray(gradient.numpy()) for gradient in self._gradients]

    def optimizer_state(self) -> list[np.ndarray]:
        return [np.asarray(variable.numpy()) for variable in optimizer_variables(self.optimizer)]

    def assign(self, weights: Sequence[np.ndarray], optimizer_state: Sequence[np.ndarray] | None = None) -> None:
        with self._scope():
            for entry, value in zip(self.variables, weights, strict=True):
                entry.variable.assign(value)
            for variable, value in zip(optimizer_variables(self.optimizer), optimizer_state or (), strict=False):
                variable.assign(value)

    def weights(self) -> list[np.ndarray]:
        return [np.asarray(entry.variable.numpy()) for entry in self.variables]

    def generator_states(self) -> dict[str, np.ndarray]:
        return seed_states(self.model, self.variables)

    def restore_generators(self, states: Mapping[str, np.ndarray]) -> None:
        with self._scope():
            assign_seeds(self.model, self.variables, states)

    def device(self) -> str:
        kinds = set()
        for entry in self.variables:
            value = getattr(entry.variable, "value", entry.variable)
            value = value() if callable(value) else value
            for part in getattr(value, "values", (value,)):
                kinds.add(part.device.rpartition("/device:")[2].partition(":")[0].lower())
        if len(kinds) != 1:
            raise BackendError(f"variables lie on several kinds of device: {', '.join(sorted(kinds))}")
        return f"{kinds.pop()} x{self._replicas}"

    def device_matmul(self, matrix: np.ndarray) -> Callable[[], object]:
        operand = tf.constant(matrix)
        multiply = tf.function(lambda: tf.linalg.matmul(operand, operand)[0, 0], autograph=False)
        return lambda: multiply().numpy()

    def peak_device_bytes(self) -> int | None:
        if self.profile.device != "gpu":
            return None
        return int(
            sum(
                tf.config.experimental.get_memory_info(d.name.partition("physical_device:")[2])["peak"]
                for d in tf.config.list_physical_devices("GPU")[: self._replicas]
            )
        )

    def versions(self) -> dict[str, str]:
        return {"tensorflow": tf.__version__, "keras": keras.__version__, "numpy": np.__version__}


def _table(rows: Sequence[Any]) -> Any:
    """`rows` [n, ...] as a tensor [BURST, ...]: one shape, so one trace, however full the burst is."""
    column = np.stack(rows)
    return tf.constant(np.concatenate([column, np.zeros((BURST - len(column), *column.shape[1:]), column.dtype)]))
