"""Twenty builds a side tell an initialiser from another one, and other draws from the same one not."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from trainband.results.gate.initialisers import compare_initialisers

Draw = Callable[[np.random.Generator], Any]
SHAPE = (64, 32)
LIMIT = math.sqrt(6 / sum(SHAPE))


def uniform(rng: np.random.Generator) -> Any:
    return rng.uniform(-LIMIT, LIMIT, SHAPE)


def normal(rng: np.random.Generator) -> Any:
    return rng.normal(0.0, LIMIT / math.sqrt(3), SHAPE)


def builds(
    kernel: Draw, *, seed: int, bias: float = 0.0, n: int = 20, **more: Draw
) -> list[dict[str, dict[str, float]]]:
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(n):
        variables = {"dense/kernel": kernel(rng), "dense/bias": np.full(32, bias)} | {
            k: v(rng) for k, v in more.items()
        }
        found.append(
            {
                name: {"mean": float(v.mean()), "sd": float(v.std()), "largest": float(abs(v).max())}
                for name, v in variables.items()
            }
        )
    return found


def test_other_draws_of_one_initialiser_are_alike_as_often_as_promised() -> None:
    different = [
        bool(compare_initialisers(builds(uniform, seed=seed), builds(uniform, seed=1000 + seed)).different)
        for seed in range(40)
    ]
    assert sum(different) <= 5  # 5% expected: more than 5 of 40 would have a probability of 1.4%


def test_a_scale_a_few_percent_off_is_found_and_the_other_variables_are_not_blamed() -> None:
    test = compare_initialisers(builds(uniform, seed=1), builds(lambda rng: 1.05 * uniform(rng), seed=2))
    assert test.different == ("dense/kernel",)
    sd = next(each for each in test.tests if (each.variable, each.statistic) == ("dense/kernel", "sd"))
    assert sd.differs
    assert sd.candidate_mean / sd.baseline_mean == pytest.approx(1.05, abs=0.01)
    # No value of one side lies among the other's: 2 / C(40, 20).
    assert sd.p == pytest.approx(2 / math.comb(40, 20))


def test_equal_sds_of_another_shape_are_told_by_the_largest_magnitude() -> None:
    test = compare_initialisers(builds(uniform, seed=1), builds(normal, seed=2))
    assert [(each.variable, each.statistic) for each in test.tests if each.differs] == [("dense/kernel", "largest")]


def test_constants_are_compared_too() -> None:
    assert compare_initialisers(builds(uniform, seed=1), builds(uniform, seed=2, bias=1.0)).different == ("dense/bias",)


def test_a_variable_of_one_side_alone_is_a_difference() -> None:
    test = compare_initialisers(builds(uniform, seed=1), builds(uniform, seed=2, **{"dense/scale": uniform}))
    assert (test.builds, test.one_side_only, test.different) == (20, ("dense/scale",), ("dense/scale",))


def test_builds_that_cannot_be_compared_are_refused() -> None:
    good = builds(uniform, seed=1)
    with pytest.raises(ValueError, match="candidate: 19 builds; at least 20 needed"):
        compare_initialisers(good, builds(uniform, seed=2, n=19))
    with pytest.raises(ValueError, match="baseline: builds 0 and 19 do not both have largest of 'dense/kernel'"):
        compare_initialisers([*good[:-1], {"dense/bias": good[0]["dense/bias"]}], good)
    with pytest.raises(ValueError, match="candidate: build 0: mean of 'dense/bias' is nan"):
        compare_initialisers(good, builds(uniform, seed=2, bias=math.nan))
