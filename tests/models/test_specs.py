from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from trainband.models.metrics import ACCURACY, LOG_LOSS, Metric
from trainband.models.specs import Optimizer, Recipe, ReferenceModel, Schedule, StockOptimizer
from trainband.results.codec import decode, encode

RECIPE = Recipe(
    tier="smoke",
    epochs=10,
    batch_size=32,
    optimizer=Optimizer(name="sgd"),
    schedule=Schedule(kind="constant", peak=0.1),
    smallest_drop={"accuracy": 0.02, "log_loss": 0.1},
)
STOCK = StockOptimizer(stock="adam")
MODEL = ReferenceModel(
    name="some_model",
    title="Some model",
    kind="vision",
    dataset="digits",
    architecture="package.module:build",
    source="none",
    recipes=(RECIPE,),
)


def rates(*, steps_per_epoch: int = 4, total_steps: int = 12, **changes: Any) -> list[float]:
    schedule = Schedule(**{"peak": 1.0, **changes})
    return [
        schedule.learning_rate(step, steps_per_epoch=steps_per_epoch, total_steps=total_steps)
        for step in range(total_steps)
    ]


def test_a_constant_rate_is_the_peak() -> None:
    assert rates(kind="constant", peak=0.3, total_steps=3) == [0.3, 0.3, 0.3]


def test_a_linear_rate_falls_to_zero_after_the_last_step() -> None:
    assert rates(kind="linear", total_steps=4) == [1.0, 0.75, 0.5, 0.25]


def test_a_cosine_rate_is_half_of_the_way_at_half_time() -> None:
    assert rates(kind="cosine", total_steps=4) == pytest.approx([1.0, 0.5 + 0.5**1.5, 0.5, 0.5 - 0.5**1.5])


def test_a_final_factor_is_where_the_rate_goes_instead_of_zero() -> None:
    assert rates(kind="linear", total_steps=2, final_factor=0.2) == pytest.approx([1.0, 0.6])
    assert rates(kind="cosine", total_steps=2, final_factor=0.2) == pytest.approx([1.0, 0.6])


def test_warm_up_climbs_in_equal_steps_to_the_peak() -> None:
    expected = [0.2, 0.4, 0.6, 0.8, 1.0, 7 / 8, 6 / 8, 5 / 8, 4 / 8, 3 / 8, 2 / 8, 1 / 8]
    assert rates(kind="linear", warmup_epochs=1.0) == pytest.approx(expected)


def test_a_piecewise_rate_changes_at_its_boundaries_in_epochs() -> None:
    found = rates(kind="piecewise", boundaries=(1.0, 2.5), factors=(0.1, 0.01))
    assert found == pytest.approx([1.0] * 4 + [0.1] * 6 + [0.01] * 2)


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        (Schedule, {"kind": "exponential", "peak": 1.0}, "'exponential': not constant, linear, cosine or piecewise"),
        (Schedule, {"kind": "constant", "peak": -0.1}, "peak = -0.1: negative or not finite"),
        (Schedule, {"kind": "constant", "peak": float("inf")}, "peak = inf: negative or not finite"),
        (Schedule, {"kind": "piecewise", "peak": 1.0, "boundaries": (1.0,)}, "1 boundaries and 0 factors"),
        (Schedule, {"kind": "linear", "peak": 1.0, "boundaries": (1.0,), "factors": (0.1,)}, "with kind 'linear'"),
        (StockOptimizer, {"stock": "lion"}, "optimizer.stock = 'lion': not sgd, adam or adamw"),
        (Optimizer, {"name": "lion"}, "optimizer 'lion': not sgd, adam or adamw"),
        (Optimizer, {"name": "sgd", "momentum": 1.0}, r"optimizer.momentum = 1.0: outside \[0, 1\)"),
        (Optimizer, {"name": "adam", "beta_2": -0.1}, r"optimizer.beta_2 = -0.1: outside \[0, 1\)"),
        (Optimizer, {"name": "sgd", "l2": -1e-4}, "optimizer.l2 = -0.0001: negative"),
    ],
)
def test_a_value_out_of_range_is_refused_with_its_name(kind: Any, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kind(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tier": "huge"}, "recipe.tier = 'huge': not one of smoke, short, full"),
        ({"epochs": 0}, "recipe.epochs = 0: must be at least 1"),
        ({"batch_size": -1}, "recipe.batch_size = -1: must be at least 1"),
        ({"eval_every_epochs": 0}, "recipe.eval_every_epochs = 0"),
        ({"label_smoothing": 1.0}, r"recipe.label_smoothing = 1.0: outside \[0, 1\)"),
        ({"time_limit_sec": 0.0}, "recipe.time_limit_sec = 0.0: must be positive"),
        ({"schedule": None}, "recipe.schedule = None: only a stock optimizer has a rate of its own"),
        ({"optimizer": STOCK}, "recipe.schedule: a stock optimizer has a rate of its own; set it to None"),
        (
            {"optimizer": STOCK, "schedule": None, "label_smoothing": 0.1},
            "recipe.label_smoothing = 0.1: with a stock optimizer",
        ),
        (
            {"optimizer": STOCK, "schedule": None, "augmentation": "pad4_crop_flip"},
            "recipe.augmentation = 'pad4_crop_flip': with a stock optimizer",
        ),
    ],
)
def test_a_recipe_out_of_range_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(RECIPE, **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "ResNet"}, "'ResNet': not a lower-case identifier"),
        ({"name": "res-net"}, "'res-net': not a lower-case identifier"),
        ({"architecture": "package.module"}, "'package.module' is not module:function"),
        ({"parameters": 0}, "some_model: parameters = 0: not a positive number"),
        ({"recipes": ()}, "some_model has no recipe"),
        ({"recipes": (RECIPE, RECIPE)}, "two recipes for one tier: smoke, smoke"),
        (
            {"metrics": (ACCURACY, ACCURACY)},
            r"smallest_drop names \['accuracy', 'log_loss'\], metrics are \['accuracy'\]",
        ),
    ],
)
def test_a_model_that_does_not_hold_together_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(MODEL, **changes)


def test_a_metric_needs_a_direction_and_a_range() -> None:
    with pytest.raises(ValueError, match="direction 'up'"):
        replace(ACCURACY, direction="up")
    with pytest.raises(ValueError, match=r"minimum 0\.0 >= maximum 0\.0"):
        Metric(name="m", unit="u", direction="lower", aggregation="mean", minimum=0.0, maximum=0.0)


def test_a_stock_recipe_has_no_rate_of_its_own_and_survives_json() -> None:
    recipe = replace(RECIPE, optimizer=STOCK, schedule=None)
    assert (RECIPE.stock, recipe.stock) == (False, True)
    assert recipe.learning_rate(3, steps_per_epoch=4) is None
    assert decode(Recipe, encode(recipe)) == recipe
    assert encode(recipe)["optimizer"] == {"stock": "adam"}


def test_a_rate_past_the_last_step_is_the_last_one() -> None:
    recipe = replace(RECIPE, epochs=2, schedule=Schedule(kind="linear", peak=1.0))
    assert [recipe.learning_rate(step, steps_per_epoch=2) for step in range(5)] == [1.0, 0.75, 0.5, 0.25, 0.25]


def test_a_tier_that_is_not_there_is_answered_with_those_that_are() -> None:
    assert MODEL.recipe("smoke") is RECIPE
    with pytest.raises(KeyError, match="no tier 'full'; it has smoke"):
        MODEL.recipe("full")


def test_headline_and_companion_disagree_on_what_is_better() -> None:
    assert (ACCURACY.direction, LOG_LOSS.direction) == ("higher", "lower")
