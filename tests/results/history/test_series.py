"""Series and their eras: what the baseline is made of, and which known changes begin a new one."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from statistics import NormalDist, fmean, stdev
from typing import Any

import pytest

from trainband.results.history.looking import drift, look_at
from trainband.results.history.quality import quality_series
from trainband.results.history.speed import speed_series
from trainband.results.index_rows import RunRow
from trainband.results.run_columns import run_columns

Rows = Callable[..., list[RunRow]]
CELL = "mlp_digits:smoke@cpu"
QUIET = [1500.0 * math.exp(0.01 * NormalDist().inv_cdf((i * 7 % 30 + 0.5) / 30)) for i in range(30)]


def test_the_first_thirty_quiet_runs_are_the_baseline_of_speed(make_rows: Rows) -> None:
    rows = make_rows([*QUIET, 1500.0, 1350.0])
    busy = make_rows([10.0], first=2, contended=("two at once",), run_id="busy")
    [series] = speed_series(CELL, "cpu", run_columns(sorted(rows + busy, key=lambda row: row.created)))
    logs = [math.log(value) for value in QUIET]
    baseline = series.era.baseline
    assert baseline is not None
    assert (baseline.mean, baseline.sd, baseline.n) == (pytest.approx(fmean(logs)), pytest.approx(stdev(logs)), 30)
    assert (baseline.newest_run, series.era.judged_from) == ("run-029", 30)
    # 10% below the geometric mean, in sds of the logarithm.
    assert series.scores(series.era)[1] == pytest.approx((math.log(1350.0) - fmean(logs)) / stdev(logs))


@pytest.mark.parametrize(
    ("speeds", "fields", "why"),
    [
        (QUIET[:29], {}, "29 of 30 runs, 29 of 5 days"),
        (QUIET, {"created": "2026-01-01T03:00:00.000000+00:00"}, "30 of 30 runs, 1 of 5 days"),
        ([1500.0] * 30, {}, "the baseline's runs are all equally fast"),
        ([*QUIET[:29], 1400.0], {"faults": ("busy_thread",)}, "0 of 30 runs, 0 of 5 days"),
    ],
)
def test_no_baseline_says_why(make_rows: Rows, speeds: list[float], fields: dict[str, Any], why: str) -> None:
    [series] = speed_series(CELL, "cpu", run_columns(make_rows(speeds, **fields)))
    assert (series.era.baseline, series.era.why_not, series.scores(series.era)) == (None, why, [])


def test_a_noisy_host_has_a_baseline_of_cpu_seconds_and_none_of_wall_seconds(make_rows: Rows) -> None:
    noisy = [1500.0 * (value / 1500.0) ** 8 for value in QUIET]
    rows = make_rows([*noisy, *[800.0] * 4])
    as_fast = [row._replace(examples_per_sec=row.examples_per_cpu_sec) for row in rows]
    [cpu], [wall] = speed_series(CELL, "cpu", run_columns(rows)), speed_series(CELL, "wall", run_columns(as_fast))
    assert (wall.era.baseline, wall.era.why_not) == (None, "noisy host: cv 8%")
    assert cpu.era.baseline is not None
    assert cpu.era.baseline.sd == pytest.approx(0.08, abs=0.005)
    change = look_at(cpu).changes[0]
    assert (change.side, change.alarm) == ("lower", 31)
    assert look_at(speed_series(CELL, "cpu", run_columns(make_rows([*noisy, *[1350.0] * 4])))[0]).changes == ()


def test_a_new_host_keeps_the_noise_of_the_one_before(make_rows: Rows) -> None:
    old = make_rows([*QUIET, 1500.0])
    new = make_rows([3000.0] * 9 + [3100.0, 2700.0], first=31, host_class="faster")
    first, second = speed_series(CELL, "cpu", run_columns(old + new))
    known, era = first.era.baseline, second.era
    assert known is not None
    assert era.baseline is not None
    assert (era.because, era.baseline.n, era.judged_from) == ("a new host", 10, 10)
    assert era.baseline.sd == known.sd
    assert math.exp(era.baseline.mean) == pytest.approx((3000.0**9 * 3100.0) ** 0.1)
    assert era.baseline.of == "the first 10 runs, with the noise of the era before"
    assert second.scores(era)[0] < -4.0


def test_a_changed_recipe_and_an_accepted_change_begin_an_era(make_rows: Rows) -> None:
    rows = make_rows([*QUIET, 1500.0, 1350.0, 1350.0]) + make_rows([900.0] * 12, first=33, recipe_hash="e" * 64)
    [series] = speed_series(CELL, "cpu", run_columns(rows), {"run-031": "accepted by kim"})
    assert [(era.first, era.because) for era in series.eras] == [
        (0, "the first run"),
        (31, "accepted by kim"),
        (33, "the recipe changed"),
    ]
    assert series.eras[1].why_not == "2 of 10 runs, 2 of 5 days"
    assert series.eras[2].baseline is not None
    assert look_at(series).changes == ()


def test_quality_is_held_against_todays_band_from_the_first_run_that_it_judged(
    make_nights: Rows, make_band: Any
) -> None:
    band = make_band().metrics[0]
    rows = make_nights([0.90, 0.91, 0.95, 0.93, 0.94])
    judged = {"run-000": "old", "run-001": None, "run-002": "new", "run-003": "old", "run-004": "new"}
    [series] = quality_series(CELL, band, "new", run_columns(rows), judged)
    assert [point.run_id for point in series.points] == ["run-000", "run-001", "run-002", "run-004"]
    assert [(era.first, era.because, era.baseline is None) for era in series.eras] == [
        (0, "the first run", True),
        (2, "the band was calibrated anew", False),
    ]
    assert series.scores(series.era) == pytest.approx([(v - band.mean) / band.sd for v in (0.95, 0.94)])
    assert quality_series(CELL, band, "new", run_columns(make_nights([math.nan])), {}) == []
    assert quality_series(CELL, band, "new", run_columns(rows[:1]), judged)[0].era.baseline is None


def test_a_slow_drift_is_seen_against_the_baseline_and_not_from_run_to_run(make_rows: Rows) -> None:
    # 0.15% a night for 40 nights: no step is near the 4% that two runs differ by, and their sum is 6%.
    rows = make_rows([*QUIET, *(1500.0 * 0.9985**n for n in range(1, 41))])
    [series] = speed_series(CELL, "cpu", run_columns(rows))
    state, slope = look_at(series), drift(series)
    newest = state.newest
    assert newest is not None
    assert newest.from_run_before is not None
    assert slope is not None
    assert abs(newest.from_run_before) < 0.1 * newest.usual_difference
    assert newest.from_baseline < -5.0
    assert slope.lower <= slope.sd_a_month == pytest.approx(30 * math.log(0.9985) / 0.0100, rel=0.1)
    assert slope.upper < 0.0
    assert drift(speed_series(CELL, "cpu", run_columns(rows[:39]))[0]) is None
    assert [change.trend for change in state.changes][:1] == ["worse"]


def test_a_step_is_one_change_with_its_size_in_the_unit(make_rows: Rows) -> None:
    [series] = speed_series(CELL, "cpu", run_columns(make_rows([*QUIET, *[1500.0] * 20, *[1425.0] * 3])))
    [change] = look_at(series).changes
    assert series.points[change.onset].run_id == "run-050"
    assert (change.side, change.trend, change.after) == ("lower", "worse", pytest.approx(1425.0))
    assert change.before == pytest.approx(1500.0, rel=1e-3)
    # As long as nobody mends it alarms go on, and tell of the same level.
    longer = look_at(speed_series(CELL, "cpu", run_columns(make_rows([*QUIET, *[1500.0] * 20, *[1425.0] * 30])))[0])
    assert len(longer.changes) > 5
    assert [each.onset for each in longer.levels] == [change.onset]
    faster = replace(series, quantity=replace(series.quantity, direction="lower"))
    assert look_at(faster).changes[0].trend == "better"
