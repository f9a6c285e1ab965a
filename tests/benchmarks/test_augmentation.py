"""Where images are cut, from NumPy's draws alone."""

from __future__ import annotations

import numpy as np

from trainband.benchmarks.augmentation import (
    AUGMENTATIONS,
    CROP_AREA,
    CROP_ASPECT,
    central_boxes,
    flips,
    random_resized_boxes,
)

CROPS = AUGMENTATIONS["random_resized_crop_flip"]


def draws_of(examples: int) -> np.ndarray:
    return CROPS.draw(np.random.Generator(np.random.PCG64(7)), examples)


def test_a_crop_of_half_the_area_worked_by_hand() -> None:
    """Area 0.08 + 0.92 x 0.4565 = 0.5 of 400 x 300, aspect exp(0) = 1: a square of side 244.9, in the middle."""
    draws = np.full((1, 41), 0.5, np.float32)
    draws[0, 0] = (0.5 - 0.08) / 0.92
    box = random_resized_boxes(np.array([[300, 400]]), draws)
    assert box.tolist() == [[(300 - 245 + 1) // 2, (400 - 245 + 1) // 2, 245, 245]]
    assert box.dtype == np.int32


def test_an_attempt_that_does_not_fit_gives_way_to_the_next() -> None:
    draws = np.full((1, 41), 0.5, np.float32)
    draws[0, 0] = 1.0  # the whole area as a square does not fit into 300 x 400
    draws[0, 4] = (0.5 - 0.08) / 0.92
    assert random_resized_boxes(np.array([[300, 400]]), draws)[0, 2:].tolist() == [245, 245]


def test_where_none_fits_the_largest_central_crop_of_a_legal_aspect_is_cut() -> None:
    draws = np.full((2, 41), 0.999, np.float32)
    boxes = random_resized_boxes(np.array([[30, 1000], [1000, 30]]), draws)
    assert boxes.tolist() == [[0, 480, 30, 40], [480, 0, 40, 30]]


def test_every_crop_lies_in_its_image_with_a_legal_area_and_aspect() -> None:
    rng = np.random.default_rng(0)
    sizes = rng.integers(60, 900, (20_000, 2))
    boxes = random_resized_boxes(sizes, draws_of(len(sizes))).astype(float)
    assert (boxes[:, :2] >= 0).all()
    assert (boxes[:, :2] + boxes[:, 2:] <= sizes).all()
    ordinary = sizes.max(axis=1) < 2 * sizes.min(axis=1)
    share = boxes[:, 2:].prod(axis=1) / sizes.prod(axis=1)
    aspect = boxes[:, 3] / boxes[:, 2]
    assert CROP_AREA[0] * 0.93 < share[ordinary].min()
    assert CROP_ASPECT[0] * 0.93 < aspect[ordinary].min()
    assert aspect[ordinary].max() < CROP_ASPECT[1] * 1.07
    # Areas are uniform before the ones that do not fit fall out, aspects symmetric on a log scale.
    assert 0.40 < share[ordinary].mean() < 0.54
    assert abs(np.log(aspect[ordinary]).mean()) < 0.02
    assert abs(flips(draws_of(20_000)).mean() - 0.5) < 0.02


def test_the_central_crop_is_seven_eighths_of_the_shorter_side() -> None:
    assert central_boxes(np.array([[500, 400], [256, 256], [1, 9]])).tolist() == [
        [75, 25, 350, 350],
        [16, 16, 224, 224],
        [0, 4, 1, 1],
    ]
