"""Faults one by one, on hand-made arrays and recipes: each changes what it says, and says where it has no place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from trainband.benchmarks.diff.stages import STAGES
from trainband.benchmarks.faults.fault import Arrays, NoPlace
from trainband.benchmarks.faults.registry import FAULTS, audited
from trainband.models.catalog import find_model
from trainband.models.specs import Optimizer, Recipe, Schedule
from trainband.platforms.profiles import find_profile

STEPS = 10
RECIPE = Recipe(
    tier="smoke",
    epochs=4,
    batch_size=32,
    optimizer=Optimizer(name="sgd"),
    schedule=Schedule(kind="constant", peak=0.1),
    smallest_drop={"accuracy": 0.02, "log_loss": 0.15},
)


def arrays_of(inputs: np.ndarray) -> Arrays:
    rows = len(inputs)
    return {
        "train_inputs": inputs,
        "train_labels": np.arange(rows, dtype=np.int32) % 10,
        "test_inputs": inputs[:50] + 1,
        "test_labels": np.arange(50, dtype=np.int32) % 10,
    }


def images(channels: int = 1, height: int = 4, width: int = 4, rows: int = 100) -> Arrays:
    shape = (rows, height, width, channels)
    return arrays_of(np.random.default_rng(5).integers(0, 17, shape, dtype=np.uint8))


def planted(name: str, arrays: Arrays) -> Arrays:
    """The arrays with a fault of the data in them; what it leaves alone is left as it was."""
    before = {key: array.copy() for key, array in arrays.items()}
    found = FAULTS[name].data(arrays)
    assert all(np.array_equal(arrays[key], before[key]) for key in before)
    assert all(np.array_equal(found[key], before[key]) for key in ("test_inputs", "test_labels"))
    assert {key: (array.shape, array.dtype) for key, array in found.items()} == {
        key: (array.shape, array.dtype) for key, array in before.items()
    }
    return found


def rates(recipe: Recipe) -> list[float]:
    """The rate of every step of a training of STEPS steps an epoch."""
    total = recipe.epochs * STEPS
    return [recipe.schedule.learning_rate(s, steps_per_epoch=STEPS, total_steps=total) for s in range(total)]


def test_every_stage_has_a_fault() -> None:
    assert {fault.stage for fault in audited()} == set(STAGES)
    order = [STAGES.index(fault.stage) for fault in audited() if fault.stage is not None]
    assert order == sorted(order)


def test_two_labels_of_a_hundred_are_flipped_to_another_class() -> None:
    arrays = images()
    found = planted("flipped_labels", arrays)
    assert (found["train_labels"] != arrays["train_labels"]).sum() == 2
    assert set(found["train_labels"]) <= set(range(10))


def test_a_layout_is_swapped_by_channels_or_by_rows_and_columns() -> None:
    colour, grey = images(channels=3), images()
    assert np.array_equal(planted("swapped_layout", colour)["train_inputs"][..., 0], colour["train_inputs"][..., 2])
    swapped = planted("swapped_layout", grey)["train_inputs"]
    assert np.array_equal(swapped[:, 1, 3], grey["train_inputs"][:, 3, 1])


def test_another_mean_is_one_sixteenth_of_the_range_off() -> None:
    arrays = images()
    found = planted("shifted_mean", arrays)["train_inputs"]
    assert np.array_equal(found, np.minimum(arrays["train_inputs"] + 1, 16))


def test_the_last_five_rows_of_a_hundred_repeat_the_first() -> None:
    arrays = images()
    found = planted("repeated_rows", arrays)
    for name in ("train_inputs", "train_labels"):
        assert np.array_equal(found[name][95:], arrays[name][:5])
        assert np.array_equal(found[name][:95], arrays[name][:95])


def test_the_last_partial_batch_of_an_evaluation_is_dropped() -> None:
    arrays = images()
    found = FAULTS["whole_batches_only"].evaluation(arrays, 32)
    assert len(found["test_inputs"]) == len(found["test_labels"]) == 32
    assert len(found["train_inputs"]) == 100


def test_rows_are_not_shuffled() -> None:
    order = FAULTS["not_shuffled"].order(lambda seed, epoch, rows: np.arange(rows)[::-1])
    assert order(3, 1, 5).tolist() == [0, 1, 2, 3, 4]


def test_a_late_decay_holds_the_rate_for_an_epoch_where_the_warm_up_ends() -> None:
    steps = Schedule(kind="piecewise", peak=1.0, warmup_epochs=1.0, boundaries=(2.0,), factors=(0.1,))
    for schedule in (steps, Schedule(kind="cosine", peak=1.0, warmup_epochs=0.5)):
        recipe = replace(RECIPE, schedule=schedule)
        healthy, late = rates(recipe), rates(FAULTS["late_decay"].recipe(recipe))
        warmup = int(schedule.warmup_epochs * STEPS)
        assert late[: warmup + 1] == healthy[: warmup + 1]
        assert late[warmup : warmup + STEPS] == [1.0] * STEPS
        assert late[warmup + STEPS :] == healthy[warmup:-STEPS]


def test_an_epoch_fewer_leaves_the_rates_of_the_others_as_planned() -> None:
    recipe = replace(RECIPE, schedule=Schedule(kind="cosine", peak=1.0, warmup_epochs=0.5))
    assert rates(FAULTS["one_epoch_fewer"].recipe(recipe)) == rates(recipe)[: 3 * STEPS]


@pytest.mark.parametrize(
    ("plant", "why"),
    [
        (lambda: FAULTS["flipped_labels"].data({"train_labels": np.zeros((4, 2), np.int32)}), "no label that is one"),
        (lambda: FAULTS["swapped_layout"].data(images(height=3)), "3 x 4 with one channel have nothing to swap"),
        (lambda: FAULTS["shifted_mean"].data(arrays_of(np.zeros((60, 5), np.int32))), "int32 of rank 1, no images"),
        (lambda: FAULTS["no_label_smoothing"].recipe(RECIPE), "the recipe smooths no labels"),
        (lambda: FAULTS["low_momentum"].recipe(RECIPE), "sgd has no momentum here"),
        (lambda: FAULTS["large_epsilon"].recipe(RECIPE), "sgd has no epsilon"),
        (lambda: FAULTS["no_decay"].recipe(RECIPE), "the recipe has no weight decay"),
        (lambda: FAULTS["late_warm_up"].recipe(RECIPE), "the schedule has no warm-up"),
        (lambda: FAULTS["late_decay"].recipe(RECIPE), "the schedule does not decay"),
        (lambda: FAULTS["one_epoch_fewer"].recipe(replace(RECIPE, epochs=1)), "the recipe has one epoch"),
        (lambda: FAULTS["bfloat16_compute"].profile(find_profile("cpu_bf16")), "promises mixed_bfloat16"),
        (lambda: FAULTS["whole_batches_only"].evaluation(images(), 25), "50 test rows are whole batches of 25"),
    ],
    ids=lambda value: value.split(" ")[-1] if isinstance(value, str) else "",
)
def test_where_a_fault_has_no_place_it_says_why(plant: Callable[[], object], why: str) -> None:
    with pytest.raises(NoPlace, match=why):
        plant()


@pytest.mark.parametrize("model", ["cnn_digits", "resnet_digits", "resnet20_cifar10"])
def test_no_fault_takes_a_recipe_to_another_tier_or_batch(model: str) -> None:
    for recipe in find_model(model).recipes:
        for fault in FAULTS.values():
            try:
                changed = fault.recipe(recipe)
            except NoPlace:
                continue
            assert (changed.tier, changed.batch_size) == (recipe.tier, recipe.batch_size)
