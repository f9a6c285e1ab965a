"""Faults of what a model is fed: arrays, their order, and the draws of random layers."""

from __future__ import annotations

import numpy as np

from trainband.benchmarks.backends.base import Adapter
from trainband.benchmarks.batches import Order
from trainband.benchmarks.faults.fault import Arrays, Fault, NoPlace

_FLIPPED, _REPEATED, _SHIFT = 0.02, 0.05, 1 / 16


def _flip_labels(arrays: Arrays) -> Arrays:
    labels = arrays["train_labels"].copy()
    classes = int(labels.max()) + 1
    if labels.ndim > 1 or classes < 2:
        raise NoPlace("an example has no label that is one of several classes")
    rng = np.random.default_rng(0)
    rows = rng.choice(len(labels), round(_FLIPPED * len(labels)), replace=False)
    labels[rows] = (labels[rows] + rng.integers(1, classes, len(rows))) % classes
    return {**arrays, "train_labels": labels}


def _swap_layout(arrays: Arrays) -> Arrays:
    images = _images(arrays)
    if images.shape[-1] > 1:
        swapped = images[..., ::-1]
    elif images.shape[1] == images.shape[2]:
        swapped = images.swapaxes(1, 2)
    else:
        raise NoPlace(f"images of {images.shape[1]} x {images.shape[2]} with one channel have nothing to swap")
    return {**arrays, "train_inputs": np.ascontiguousarray(swapped)}


def _shift_mean(arrays: Arrays) -> Arrays:
    images = _images(arrays)
    largest = int(images.max())
    shifted = np.minimum(images.astype(np.int64) + max(1, round(_SHIFT * largest)), largest)
    return {**arrays, "train_inputs": shifted.astype(images.dtype)}


def _images(arrays: Arrays) -> np.ndarray:
    """The training inputs, uint8 [rows, height, width, channel]."""
    inputs = arrays["train_inputs"]
    if inputs.dtype != np.uint8 or inputs.ndim != 4:
        raise NoPlace(f"inputs are {inputs.dtype} of rank {inputs.ndim - 1}, no images")
    return inputs


def _repeat_rows(arrays: Arrays) -> Arrays:
    count = round(_REPEATED * len(arrays["train_labels"]))
    changed = {}
    for name in ("train_inputs", "train_labels"):
        rows = arrays[name].copy()
        rows[-count:] = rows[:count]
        changed[name] = rows
    return {**arrays, **changed}


def _plant_test_rows(arrays: Arrays) -> Arrays:
    inputs, labels = arrays["train_inputs"].copy(), arrays["train_labels"].copy()
    count = min(len(arrays["test_inputs"]), len(inputs) // 2)
    inputs[:count] = arrays["test_inputs"][:count]
    labels[:count] = arrays["test_labels"][:count]
    return {**arrays, "train_inputs": inputs, "train_labels": labels}


def _as_stored(_order: Order) -> Order:
    return lambda seed, epoch, examples: np.arange(examples)


def _needs_random_layers(adapter: Adapter) -> str:
    if not adapter.random_layers:
        raise NoPlace("the model has no random layer")
    return ""


ROWS = (
    Fault(name="flipped_labels", title="2% of the training labels are wrong", stage="data", data=_flip_labels),
    Fault(
        name="swapped_layout",
        title="training images have their channels reversed or, where there is one, rows and columns swapped",
        stage="data",
        data=_swap_layout,
    ),
    Fault(
        name="shifted_mean",
        title="training images are normalised with another mean, 1/16 of the range off",
        stage="data",
        data=_shift_mean,
    ),
    Fault(
        name="repeated_rows",
        title="5% of the training rows stand twice, in the place of others",
        stage="data",
        data=_repeat_rows,
    ),
    Fault(
        name="test_rows_in_train",
        title="test rows stand in the training split",
        stage="data",
        data=_plant_test_rows,
    ),
    Fault(
        name="not_shuffled",
        title="every epoch takes the rows as they are stored",
        stage="batch",
        order=_as_stored,
    ),
    Fault(
        name="other_draws",
        title="random layers are drawn from another seed",
        stage="random draw",
        draw_seed=lambda seed: seed + 1,
        built=_needs_random_layers,
    ),
)
