"""The reference models as a plain Keras user trains them: stock layers, `compile`, `fit`."""

from __future__ import annotations

import queue
import threading
import time
from typing import Any

import keras
import numpy as np
from measuring import Block

from trainband.benchmarks.backends.base import load_architecture
from trainband.benchmarks.backends.common import keras_optimizer
from trainband.models.specs import Recipe, ReferenceModel


class StockKit:
    """`models.layers.kit.LayerKit` of nothing but Keras's own layers."""

    def batch_norm(self, *, name: str, momentum: float = 0.99, epsilon: float = 1e-3) -> Any:
        return keras.layers.BatchNormalization(name=name, momentum=momentum, epsilon=epsilon)

    def dropout(self, rate: float, *, name: str) -> Any:
        return keras.layers.Dropout(rate, name=name)

    def rescale(self, *, name: str, scale: float, offset: float = 0.0) -> Any:
        return keras.layers.Rescaling(scale, offset, name=name)


def stock_model(model: ReferenceModel, recipe: Recipe) -> Any:
    """The architecture of stock layers, compiled with the recipe's update rule, loss and kernel decay."""
    net = load_architecture(model.architecture)(StockKit())
    if recipe.optimizer.l2:
        for layer in net.layers:
            if hasattr(layer, "kernel"):
                layer.kernel.regularizer = keras.regularizers.L2(recipe.optimizer.l2 / 2)
    if recipe.label_smoothing:
        loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=recipe.label_smoothing)
    else:
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    net.compile(optimizer=keras_optimizer(recipe), loss=loss)
    return net


class Fit:
    """One call of `fit` on a thread of its own, held between its epochs: an epoch is a block.

    A call a block would charge `fit` with its own start.
    """

    def __init__(self, model: ReferenceModel, recipe: Recipe, inputs: np.ndarray, labels: np.ndarray) -> None:
        self._model, self._recipe = model, recipe
        self._inputs, self._labels = inputs, labels
        self._go: queue.Queue[bool] = queue.Queue()
        self._done: queue.Queue[Block | BaseException] = queue.Queue()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def block(self) -> Block:
        """Train one epoch."""
        self._go.put(True)
        found = self._done.get()
        if isinstance(found, BaseException):
            raise found
        return found

    def close(self) -> None:
        self._go.put(False)
        self._thread.join()

    def _work(self) -> None:
        try:
            net, targets = stock_model(self._model, self._recipe), self._labels
            if self._recipe.label_smoothing:
                targets = np.eye(net.output_shape[-1], dtype=np.float32)[targets]
            hold = _Hold(self._go, self._done, examples=len(self._inputs))
            recipe = self._recipe
            net.fit(
                self._inputs, targets, batch_size=recipe.batch_size, epochs=recipe.epochs, verbose=0, callbacks=[hold]
            )
        except BaseException as error:  # noqa: BLE001 - handed over to the thread that asks for blocks
            self._done.put(error)


class _Hold(keras.callbacks.Callback):  # type: ignore[misc]
    """Times each epoch; waits for a word before the next."""

    def __init__(self, go: queue.Queue[bool], done: queue.Queue[Any], *, examples: int) -> None:
        super().__init__()
        self._go, self._done, self._examples = go, done, examples
        self._since = (0.0, 0.0)

    def _wait(self) -> None:
        if not self._go.get():
            self.model.stop_training = True

    def on_train_begin(self, logs: Any = None) -> None:
        self._wait()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._since = (time.perf_counter(), time.process_time())

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        wall, cpu = time.perf_counter() - self._since[0], time.process_time() - self._since[1]
        self._done.put(Block(examples=self._examples, wall_sec=wall, cpu_sec=cpu))
        self._wait()
