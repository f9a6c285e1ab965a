"""The reference models as a plain Keras user trains them: stock layers, `compile`, `fit`."""

from __future__ import annotations

import queue
import threading
import time
from typing import Any

import keras
import numpy as np
from measuring import Block
from stock_kit import StockKit

from trainband.benchmarks.backends.base import load_architecture
from trainband.benchmarks.backends.common import keras_optimizer
from trainband.models.specs import PIXEL_SCALE, Recipe, ReferenceModel

_ENDLESS = 1_000_000  # epochs: the blocks asked for end the training, not the recipe


def stock_model(model: ReferenceModel, recipe: Recipe) -> Any:
    """The architecture of stock layers, compiled with the recipe's update rule, loss and kernel decay."""
    net = load_architecture(model.architecture)(StockKit())
    if recipe.optimizer.l2:
        for layer in net.layers:
            if hasattr(layer, "kernel"):
                layer.kernel.regularizer = keras.regularizers.L2(recipe.optimizer.l2 / 2)
    net.compile(optimizer=stock_optimizer(recipe), loss=stock_loss(model, recipe))
    return net


def stock_optimizer(recipe: Recipe) -> Any:
    """The update rule, with the gradient's norm clipped by the optimizer itself."""
    optimizer = keras_optimizer(recipe)
    if recipe.optimizer.clip_norm:
        optimizer.global_clipnorm = recipe.optimizer.clip_norm
    return optimizer


def stock_loss(model: ReferenceModel, recipe: Recipe) -> Any:
    """Keras's loss of the same name."""
    if model.loss == "reconstruction_error":
        return keras.losses.MeanSquaredError()
    if model.loss == "sigmoid_cross_entropy":
        return keras.losses.BinaryCrossentropy(from_logits=True)
    if recipe.label_smoothing:
        return keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=recipe.label_smoothing)
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def stock_targets(model: ReferenceModel, recipe: Recipe, inputs: np.ndarray, labels: np.ndarray, classes: int) -> Any:
    """The labels as that loss wants them."""
    if model.loss == "reconstruction_error":
        return inputs.astype(np.float32) * np.float32(PIXEL_SCALE)
    return np.eye(classes, dtype=np.float32)[labels] if recipe.label_smoothing else labels


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
            net = stock_model(self._model, self._recipe)
            targets = stock_targets(self._model, self._recipe, self._inputs, self._labels, net.output_shape[-1])
            hold = _Hold(self._go, self._done, examples=len(self._inputs))
            size = self._recipe.batch_size
            net.fit(self._inputs, targets, batch_size=size, epochs=_ENDLESS, verbose=0, callbacks=[hold])
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
