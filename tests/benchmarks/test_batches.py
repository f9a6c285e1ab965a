from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainband.benchmarks import batches
from trainband.benchmarks.augmentation import pad4_crop_flip, pad4_crop_flip_cutout8
from trainband.benchmarks.batches import BatchSource, epoch_order
from trainband.benchmarks.digests import array_digest
from trainband.models.layers.draws import step_keys
from trainband.models.specs import Optimizer, Recipe, Schedule

GOLDEN = json.loads((Path(__file__).parent.parent / "golden" / "streams.json").read_text())
RECIPE = Recipe(
    tier="smoke",
    epochs=2,
    batch_size=4,
    optimizer=Optimizer(name="sgd"),
    schedule=Schedule(kind="linear", peak=0.5, warmup_epochs=0.5),
    smallest_drop={},
)
IMAGES = np.arange(11 * 6 * 5 * 2, dtype=np.uint32).astype(np.uint8).reshape(11, 6, 5, 2)
LABELS = np.arange(11, dtype=np.int64)


def source(*, seed: int = 7, layers: int = 2, **changes: Any) -> BatchSource:
    return BatchSource(IMAGES, LABELS, recipe=replace(RECIPE, **changes), seed=seed, random_layers=layers)


@pytest.mark.parametrize("row", GOLDEN["epoch_order"], ids=lambda row: f"seed{row['seed']}-epoch{row['epoch']}")
def test_the_order_never_changes_between_versions(row: dict[str, Any]) -> None:
    order = epoch_order(row["seed"], row["epoch"], row["examples"])
    assert order[:8].tolist() == row["first"]
    assert array_digest(order) == row["digest"]


@pytest.mark.parametrize("row", GOLDEN["batches"], ids=lambda row: str(row["augmentation"]))
def test_a_runs_batches_never_change_between_versions(row: dict[str, Any]) -> None:
    run = source(seed=row["seed"], augmentation=row["augmentation"])
    seen = hashlib.sha256()
    for epoch in range(RECIPE.epochs):
        for batch in run.epoch(epoch):
            for part in (batch.inputs, batch.labels, batch.keys):
                seen.update(part.tobytes())
    assert seen.hexdigest() == row["digest"]
    assert run.checksums == row["checksums"]


def test_resident_inputs_are_named_by_row_and_make_the_same_checksums() -> None:
    fed, named = source(), BatchSource(IMAGES, LABELS, recipe=RECIPE, seed=7, random_layers=2, resident=True)
    for whole, rows in zip(fed.epoch(0), named.epoch(0), strict=True):
        assert rows.inputs.dtype == np.int32
        np.testing.assert_array_equal(IMAGES[rows.inputs], whole.inputs)
        np.testing.assert_array_equal(rows.labels, whole.labels)
    assert named.checksums == fed.checksums
    with pytest.raises(ValueError, match="resident inputs cannot be augmented by 'pad4_crop_flip'"):
        BatchSource(
            IMAGES,
            LABELS,
            recipe=replace(RECIPE, augmentation="pad4_crop_flip"),
            seed=7,
            random_layers=2,
            resident=True,
        )


def test_an_epoch_is_a_permutation_without_its_last_partial_batch() -> None:
    run = source()
    labels = [label for batch in run.epoch(0) for label in batch.labels]
    assert (run.steps_per_epoch, run.total_steps) == (2, 4)
    assert labels == epoch_order(7, 0, 11)[:8].tolist()
    assert run.examples_handed_out == 8


def test_inputs_and_labels_stay_together() -> None:
    for batch in source().epoch(1):
        np.testing.assert_array_equal(batch.inputs, IMAGES[batch.labels])
        assert (batch.inputs.dtype, batch.labels.dtype, batch.keys.dtype) == (np.uint8, np.int32, np.int64)


def test_an_epoch_depends_on_seed_and_epoch_and_on_nothing_before_it() -> None:
    def inputs(run: BatchSource, epoch: int, first: int = 0) -> list[bytes]:
        return [batch.inputs.tobytes() for batch in run.epoch(epoch, first)]

    after_another = source(augmentation="pad4_crop_flip")
    inputs(after_another, 0)
    fresh = inputs(source(augmentation="pad4_crop_flip"), 1)
    assert inputs(after_another, 1) == fresh
    assert inputs(source(augmentation="pad4_crop_flip"), 1, first=1) == fresh[1:]
    others = (source(augmentation="pad4_crop_flip"), 0), (source(seed=8, augmentation="pad4_crop_flip"), 1)
    assert all(set(inputs(*other)).isdisjoint(fresh) for other in others)


def test_steps_keys_and_rates_count_on_over_epochs() -> None:
    run = source()
    seen = [batch for epoch in range(2) for batch in run.epoch(epoch)]
    assert [batch.step for batch in seen] == [0, 1, 2, 3]
    # Warm-up of 1 step to 0.5, then down in a straight line over the 3 steps that are left.
    assert [batch.learning_rate for batch in seen] == pytest.approx([0.25, 0.5, 0.5 * 2 / 3, 0.5 / 3])
    for batch in seen:
        np.testing.assert_array_equal(batch.keys, step_keys(7, batch.step, 2))


def test_a_step_after_the_last_one_has_the_last_ones_rate() -> None:
    run = source()
    *_, last = run.epoch(1)
    assert {batch.learning_rate for batch in run.epoch(2)} == {last.learning_rate}


def test_the_digest_sees_inputs_labels_keys_and_order() -> None:
    def digest(run: BatchSource, *epochs: int) -> str:
        for epoch in epochs:
            list(run.epoch(epoch))
        return run.digest()

    relabelled = BatchSource(IMAGES, LABELS[::-1], recipe=RECIPE, seed=7, random_layers=2)
    images = IMAGES.copy()
    images[0, 0, 0, 0] ^= 1
    repainted = BatchSource(images, LABELS, recipe=RECIPE, seed=7, random_layers=2)
    digests = [
        digest(source(), 0, 1),
        digest(source(), 1, 0),
        digest(source(), 0),
        digest(source(layers=1), 0, 1),
        digest(source(augmentation="pad4_crop_flip"), 0, 1),
        digest(relabelled, 0, 1),
        digest(repainted, 0, 1),
    ]
    assert len(set(digests)) == len(digests)
    assert digest(source(), 0, 1) == digests[0]


def slow_pad_crop_flip(image: np.ndarray, row: int, column: int, flip: int) -> np.ndarray:
    height, width, channels = image.shape
    out = np.zeros_like(image)
    for y in range(height):
        for x in range(width):
            from_y, from_x = y + row - 4, (width - 1 - x if flip else x) + column - 4
            if 0 <= from_y < height and 0 <= from_x < width:
                out[y, x] = image[from_y, from_x]
    assert out.shape == (height, width, channels)
    return out


def test_pad4_crop_flip_agrees_with_an_image_by_image_reference_for_every_draw() -> None:
    draws = np.array([(row, column, flip) for row in range(9) for column in range(9) for flip in range(2)])
    images = np.random.default_rng(0).integers(0, 256, (len(draws), 7, 6, 3)).astype(np.uint8)
    expected = np.stack([slow_pad_crop_flip(image, *draw) for image, draw in zip(images, draws, strict=True)])
    np.testing.assert_array_equal(pad4_crop_flip(images, draws), expected)


def test_cutout_takes_one_square_of_eight_pixels_out_of_the_crop() -> None:
    images = np.random.default_rng(0).integers(1, 256, (3, 32, 32, 3)).astype(np.uint8)
    draws = np.array([[4, 4, 0, 0, 0], [4, 4, 1, 24, 24], [4, 4, 0, 5, 9]])
    cut = pad4_crop_flip_cutout8(images, draws)
    expected = pad4_crop_flip(images, draws[:, :3])
    for image, (row, column) in zip(expected, draws[:, 3:], strict=True):
        image[row : row + 8, column : column + 8] = 0
    np.testing.assert_array_equal(cut, expected)
    assert [(image == 0).all(axis=2).sum() for image in cut] == [64, 64, 64]


def test_the_middle_crop_without_a_flip_is_the_image() -> None:
    np.testing.assert_array_equal(pad4_crop_flip(IMAGES, np.tile([4, 4, 0], (11, 1))), IMAGES)


def test_augmentation_draws_every_offset_and_flips_half() -> None:
    draw = batches.AUGMENTATIONS["pad4_crop_flip"].draw(np.random.default_rng(1), 20_000)
    assert draw.dtype == np.int64
    counts = [np.bincount(draw[:, column], minlength=size) for column, size in ((0, 9), (1, 9), (2, 2))]
    for count in counts:
        np.testing.assert_allclose(count / count.sum(), 1 / len(count), atol=0.01)


def test_order_and_augmentation_draw_whole_numbers_alone() -> None:
    """Streams of floating-point draws may be rescaled between NumPy versions; whole numbers have nothing to round."""
    assert epoch_order(0, 0, 5).dtype == np.int64
    assert batches.AUGMENTATIONS["pad4_crop_flip"].draw(np.random.default_rng(0), 5).dtype.kind == "i"


def test_a_row_keeps_its_draw_whatever_the_batch_size() -> None:
    def rows(batch_size: int) -> list[bytes]:
        run = source(augmentation="pad4_crop_flip", batch_size=batch_size)
        return [row.tobytes() for batch in run.epoch(0) for row in batch.inputs]

    assert rows(4) == rows(2)[:8]


def test_an_unknown_augmentation_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="'mixup': not one of pad4_crop_flip"):
        source(augmentation="mixup")


def test_a_batch_larger_than_the_split_is_refused() -> None:
    with pytest.raises(ValueError, match="batch_size = 12: more than the 11 training examples"):
        source(batch_size=12)
