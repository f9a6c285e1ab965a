"""The sequential tests of quality against scipy on fixed data, at their edges, and by simulation."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import gate_promises
import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from trainband.results.gate.evidence import CellEvidence
from trainband.results.gate.outcomes import judge_gate
from trainband.results.gate.pairs import GateMetric, Pair, gate_metric
from trainband.results.gate.quality import LOOKS, convergence_test, look_tests, metric_test, smallest_loss_found
from trainband.results.metrics import MetricForm

MakePairs = Callable[..., tuple[Pair, ...]]
MARGIN = 0.03


@pytest.fixture(scope="module")
def simulation() -> Iterator[ModuleType]:
    gate_promises.freeze()
    yield gate_promises
    gc.unfreeze()


def noise(n: int, *, sd: float, seed: int = 1) -> list[float]:
    return [float(value) for value in sd * np.random.default_rng(seed).standard_normal(n)]


def accuracy_test(metric: GateMetric, make_pairs: MakePairs, values: list[float], **fields: Any) -> Any:
    return metric_test(metric, make_pairs(values, [0.0] * len(values), **fields), hypotheses=30)


def test_each_p_is_four_times_the_least_that_scipy_finds_at_the_looks(
    gate_metrics: tuple[GateMetric, GateMetric], make_pairs: MakePairs
) -> None:
    values = noise(20, sd=0.02)
    test = accuracy_test(gate_metrics[0], make_pairs, values)

    def by_scipy(mean: float, alternative: str) -> float:
        looks = [stats.ttest_1samp(values[:look], mean, alternative=alternative).pvalue for look in (4, 8, 16)]
        return min(1.0, 4 * min(looks))

    assert (test.look, test.n) == (16, 16)
    assert test.p_inferior == pytest.approx(by_scipy(-MARGIN, "greater"), rel=1e-9)
    assert test.p_regressed == pytest.approx(by_scipy(0.0, "less"), rel=1e-9)
    assert test.p_better == pytest.approx(by_scipy(0.0, "greater"), rel=1e-9)
    assert test.p_superior == pytest.approx(by_scipy(MARGIN, "less"), rel=1e-9)
    limits = stats.ttest_1samp(values[:16], 0.0).confidence_interval(0.95)
    assert (test.lower, test.upper) == (pytest.approx(limits.low), pytest.approx(limits.high))


def test_a_sequential_p_by_hand(gate_metrics: tuple[GateMetric, GateMetric], make_pairs: MakePairs) -> None:
    # Mean -0.02, sd 0.02: t = (-0.02 + 0.03) / (0.02 / 2) = 1 and -2 with 3 degrees of freedom.
    step = 0.02 * math.sqrt(3) / 2
    test = accuracy_test(gate_metrics[0], make_pairs, [-0.02 - step, -0.02 + step, -0.02 - step, -0.02 + step])
    assert (test.mean, test.sd) == (pytest.approx(-0.02), pytest.approx(0.02))
    assert test.p_inferior == pytest.approx(4 * 0.195501, rel=1e-5)
    assert test.p_regressed == pytest.approx(4 * 0.069663, rel=1e-5)
    assert test.p_better == 1.0


def test_five_to_seven_pairs_are_judged_at_the_look_at_four(
    gate_metrics: tuple[GateMetric, GateMetric], make_pairs: MakePairs
) -> None:
    values = noise(8, sd=0.02)
    four, seven, eight = (accuracy_test(gate_metrics[0], make_pairs, values[:n]) for n in (4, 7, 8))
    assert four == seven
    assert (seven.look, eight.look) == (4, 8)
    assert accuracy_test(gate_metrics[0], make_pairs, values[:3]).p_inferior is None


def test_no_look_lies_beyond_32_pairs(gate_metrics: tuple[GateMetric, GateMetric], make_pairs: MakePairs) -> None:
    values = noise(64, sd=0.02)
    assert accuracy_test(gate_metrics[0], make_pairs, values) == accuracy_test(gate_metrics[0], make_pairs, values[:32])


def test_a_p_that_was_reached_stays_and_the_indices_alone_give_the_order(
    gate_metrics: tuple[GateMetric, GateMetric], make_pairs: MakePairs
) -> None:
    good, bad = noise(4, sd=0.001), [-0.06, 0.02, -0.05, 0.01]
    early = accuracy_test(gate_metrics[0], make_pairs, good)
    then_bad = accuracy_test(gate_metrics[0], make_pairs, good + bad)
    bad_first = accuracy_test(gate_metrics[0], make_pairs, bad + good)
    assert then_bad.p_inferior == early.p_inferior
    assert then_bad.p_inferior < 0.001 < 0.05 < bad_first.p_inferior
    shuffled = make_pairs(good + bad, [0.0] * 8)[::-1]
    assert metric_test(gate_metrics[0], shuffled, hypotheses=30) == then_bad


def test_differences_of_no_spread_are_judged_by_half_a_test_example(
    gate_metrics: tuple[GateMetric, GateMetric], make_pairs: MakePairs
) -> None:
    test = accuracy_test(gate_metrics[0], make_pairs, [0.0] * 4)
    t = MARGIN / ((0.5 / 360) / 2)
    assert test.sd == 0.0
    assert test.p_inferior == pytest.approx(4 * stats.t.sf(t, 3), rel=1e-9)
    assert test.p_regressed == 1.0


def test_the_floor_binds_below_it_and_not_above(
    gate_metrics: tuple[GateMetric, GateMetric], make_pairs: MakePairs
) -> None:
    floor = 0.5 / 360
    below = accuracy_test(gate_metrics[0], make_pairs, [0.0, 0.0, 0.0, floor])  # sd = floor / 2
    assert below.sd == pytest.approx(floor / 2)
    assert below.upper - below.mean == pytest.approx(stats.t.isf(0.025, 3) * floor / 2)
    above = accuracy_test(gate_metrics[0], make_pairs, [0.0, 0.0, 0.0, 4 * floor])
    assert above.upper - above.mean == pytest.approx(stats.t.isf(0.025, 3) * floor)


@pytest.mark.parametrize("value", [0.0, 0.1, -0.3])
def test_a_metric_without_floor_and_spread_gives_no_p(
    gate_metrics: tuple[GateMetric, GateMetric], make_pairs: MakePairs, value: float
) -> None:
    pairs = make_pairs([0.0] * 7, [value] * 7, failed={1: "both"})
    test = metric_test(gate_metrics[1], pairs, hypotheses=30)
    assert (test.n, test.mean, test.sd) == (3, pytest.approx(value), 0.0)
    assert {test.p_inferior, test.p_regressed, test.p_better, test.p_superior, test.lower} == {None}
    assert test.smallest_loss_found is None


def test_pairs_that_did_not_converge_leave_the_differences_and_stay_in_the_looks(
    gate_metrics: tuple[GateMetric, GateMetric], make_pairs: MakePairs
) -> None:
    values = noise(8, sd=0.02)
    test = accuracy_test(gate_metrics[0], make_pairs, values, failed={0: "candidate", 5: "both"})
    four, eight = values[1:4], values[1:5] + values[6:]
    assert (test.look, test.n) == (8, 6)
    p = [stats.ttest_1samp(kept, -MARGIN, alternative="greater").pvalue for kept in (four, eight)]
    assert test.p_inferior == pytest.approx(min(1.0, 4 * min(p)), rel=1e-9)
    none = accuracy_test(gate_metrics[0], make_pairs, values, failed=dict.fromkeys(range(8), "candidate"))
    assert (none.look, none.n, none.mean, none.p_inferior) == (8, 0, None, None)
    one = accuracy_test(gate_metrics[0], make_pairs, values, failed=dict.fromkeys(range(7), "candidate"))
    assert (one.n, one.mean, one.sd, one.p_inferior) == (1, values[7], None, None)


def test_non_convergence_is_an_exact_test_of_the_pairs_that_tell_the_sides_apart(make_pairs: MakePairs) -> None:
    failed = {0: "candidate", 1: "candidate", 2: "both", 5: "candidate", 6: "baseline", 7: "candidate"}
    test = convergence_test(make_pairs([0.0] * 9, [0.0] * 9, failed=failed))
    assert (test.look, test.baseline_failed, test.candidate_failed) == (8, 2, 5)
    # At 4 pairs 2 of 2: 1/4. At 8 pairs 4 of 5: (5 + 1) / 32 = 0.1875. Times 4, the least.
    assert test.p_regressed == pytest.approx(4 * 0.1875)
    assert test.p_better == 1.0
    healthy = convergence_test(make_pairs([0.0] * 8, [0.0] * 8))
    assert (healthy.p_regressed, healthy.p_better) == (None, None)


def test_the_smallest_loss_is_found_with_80_percent_at_holms_first_step(
    gate_metrics: tuple[GateMetric, GateMetric],
) -> None:
    accuracy, log_loss = gate_metrics
    factor = math.sqrt(15 / stats.chi2.ppf(0.10, 15))
    loss = smallest_loss_found(accuracy, 0.01, 16, hypotheses=30)
    power = TTestPower().power(loss / (0.01 * factor), 16, 0.05 / 120, alternative="larger")
    assert power == pytest.approx(0.80, abs=1e-4)
    assert smallest_loss_found(log_loss, 0.01, 16, hypotheses=30) == pytest.approx(math.expm1(loss))
    at_floor = smallest_loss_found(accuracy, 0.0, 16, hypotheses=30)
    assert at_floor == pytest.approx(loss * (0.5 / 360) / (0.01 * factor))
    assert smallest_loss_found(log_loss, 0.0, 16, hypotheses=30) is None


def test_fewer_than_four_pairs_have_no_look() -> None:
    with pytest.raises(ValueError, match="3 pairs: the first look is at 4"):
        look_tests([0.0, 1.0, 2.0], margin=1.0, floor=None)


def test_a_loss_of_one_margin_is_seldom_called_equivalent(simulation: ModuleType) -> None:
    losses = simulation.one_loses(1.0, 1.0)
    calls = simulation.simulate(gates=4000, margin=1.0, losses=losses, correlation=1.0, seed=1)
    lost = simulation.share(calls.equivalent[:, 0])
    assert 0.02 < lost.value < 0.05 - 2.0 * lost.error


def test_no_loss_is_called_regressed_in_well_under_one_percent_and_found_equivalent_at_the_promised_cost(
    simulation: ModuleType,
) -> None:
    for margin, pairs in ((0.5, 24.0), (1.0, 12.0), (2.0, 6.0)):
        calls = simulation.simulate(gates=400, margin=margin, losses=np.zeros((10, 2)), correlation=1.0, seed=2)
        assert calls.regressed.any(axis=1).mean() < 0.05
        assert calls.regressed.mean() <= 0.005
        assert calls.pairs.mean() == pytest.approx(pairs, abs=1.0)


@pytest.mark.parametrize("correlation", [0.0, 1.0])
def test_a_loss_of_one_and_a_half_margins_is_found_at_one_sd(simulation: ModuleType, correlation: float) -> None:
    losses = simulation.one_loses(1.5, 1.5 * correlation)
    calls = simulation.simulate(gates=500, margin=1.0, losses=losses, correlation=correlation, seed=3)
    assert calls.regressed[:, 0].mean() > 0.98


def test_the_simulation_calls_what_the_gate_calls(
    simulation: ModuleType, metrics: tuple[MetricForm, MetricForm]
) -> None:
    """Gates cut where the simulation stopped each cell, judged whole: the same cells are regressed and equivalent."""
    linear = [
        gate_metric(MetricForm(**{**vars(metrics[1]), "name": n, "scale": "linear"}), margin=1.0, n_test=1)
        for n in "ab"
    ]
    losses = np.tile([[0.0], [0.7], [1.5], [3.0], [-2.0]], (2, 2))
    drawn = simulation.draw(np.random.default_rng(4), gates=20, losses=losses, correlation=0.0)
    calls = simulation.call(drawn, margin=1.0)
    assert 20 < calls.regressed.sum() < 180
    assert set(np.unique(calls.pairs)) == set(LOOKS)
    for gate in range(20):
        judged = judge_gate(
            [_cell(str(cell), linear, drawn[gate, cell], calls.pairs[gate, cell]) for cell in range(10)]
        )
        outcomes = [cell.outcome for cell in judged.cells]
        assert [outcome == "regressed" for outcome in outcomes] == list(calls.regressed[gate])
        assert [outcome in ("equivalent", "better") for outcome in outcomes] == list(calls.equivalent[gate])


def _cell(cell: str, metrics: list[GateMetric], differences: Any, pairs: int) -> CellEvidence:
    held = [
        Pair(
            index=i, seed=i, bit_equal=False, differences={"a": float(differences[0, i]), "b": float(differences[1, i])}
        )
        for i in range(pairs)
    ]
    return CellEvidence(cell=cell, metrics=tuple(metrics), pairs=tuple(held), natural_equal=True)
