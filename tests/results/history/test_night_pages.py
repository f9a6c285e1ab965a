"""What the pages say of the nights: series and their changes, regressions, what waits, and two sides beside one another."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest

from trainband.results.environments import OTHER_PACKAGES, changes_between, environment_of
from trainband.results.history.environment_marks import environment_marks
from trainband.results.history.nights import Night, Waiting
from trainband.results.history.regressions import EnvironmentChange, Event, Regression
from trainband.results.history.series import Baseline, Quantity
from trainband.results.index_rows import RunRow, run_row
from trainband.results.pages.compare_view import build_compare
from trainband.results.pages.content import ReportContent
from trainband.results.pages.fan import LEAST_CURVES, fan_of
from trainband.results.pages.history_content import HistoryContent, cell_history
from trainband.results.pages.regressions_view import build_regressions
from trainband.results.pages.series_view import series_views
from trainband.results.pages.shown_runs import ShownRun, shown_run
from trainband.results.pages.sparkline import sparkline
from trainband.results.pages.status_view import build_status
from trainband.results.records import CurvePoint, Record
from trainband.results.run_columns import run_columns

CELL = "mlp_digits:smoke@cpu"
Nights = Callable[..., list[RunRow]]


def content_of(**fields: Any) -> ReportContent:
    values = {"title": "t", "created": "2026-03-03T05:06:07+00:00", "store_label": "s", "trainband_version": "1"}
    return ReportContent(**values, **fields)


# The environment


def test_an_environment_is_told_by_its_versions_and_a_change_by_what_differs(make_run: Callable[..., Record]) -> None:
    mark = {
        "python": {"version": "3.11.7"},
        "framework": {"versions": {"tensorflow": "2.21.0", "keras": "3.15.1"}},
        "distributions": {"keras": "3.15.1", "scipy": "1.12"},
        "accelerators": {"nvidia_driver": None},
    }
    run = make_run("a", fingerprint=mark)
    before = environment_of(run)
    assert set(before) == {"python", "tensorflow", "keras", "trainband", OTHER_PACKAGES}
    assert run_row(run).environment == before
    for imported, packaged, told in (
        ("3.15.2", "3.15.2", "3.15.2"),
        ("3.15.1", "3.15.1+ours", "3.15.1+ours"),
        ("3.15.1+cpu", "3.15.1", "3.15.1+cpu"),
        ("3.15.2", "3.15.1", "3.15.2 (package 3.15.1)"),
    ):
        versions = {"tensorflow": "2.21.0", "keras": imported}
        packages = {"keras": packaged, "scipy": "1.12"}
        newer = make_run("b", fingerprint={**mark, "framework": {"versions": versions}, "distributions": packages})
        assert changes_between(before, environment_of(newer)) == [f"keras 3.15.1 to {told}"]
    others = {**mark, "distributions": {"keras": "3.15.1", "scipy": "1.13"}}
    assert changes_between(before, environment_of(make_run("c", fingerprint=others))) == [OTHER_PACKAGES]
    assert environment_of(make_run("d", fingerprint={})) == {"trainband": "0.1.0"}


def test_marks_are_set_within_a_class_of_hosts_alone(make_nights: Nights) -> None:
    old, new = {"keras": "3.15.0"}, {"keras": "3.15.1"}
    rows = [
        *make_nights([0.95, 0.95], environment=old),
        *make_nights([0.95], first=2, environment=new, host_class="another"),
        *make_nights([0.95, 0.95], first=3, environment=new),
    ]
    marks = environment_marks(run_columns(rows))
    assert [(mark.run_id, mark.host_class, mark.changes) for mark in marks] == [
        ("run-003", "host", ("keras 3.15.0 to 3.15.1",))
    ]


# A cell's page


@pytest.fixture
def dropped(make_nights: Nights, make_band: Any) -> ReportContent:
    """12 nights at the band's centre, and 5 nights 4 sds below, from the night on which Keras changed."""
    band = make_band(20)
    metric = band.metrics[0]
    low = metric.mean - 4 * metric.sd
    recipe = band.evidence.recipe_hash
    rows = [
        *make_nights([metric.mean] * 12, recipe_hash=recipe, environment={"keras": "3.15.0"}),
        *make_nights([low] * 5, first=12, recipe_hash=recipe, environment={"keras": "3.15.1"}),
    ]
    history = cell_history(
        CELL,
        run_columns(rows),
        dict.fromkeys((row.run_id for row in rows), band.digest),
        band=band,
        device="cpu",
        filed=[],
    )
    return content_of(
        bands={"mlp_digits:smoke": band}, history=HistoryContent(cells={CELL: history}), rows=tuple(rows[::-1])
    )


def test_a_cells_page_dates_a_change_sizes_it_and_says_what_changed_then(dropped: ReportContent) -> None:
    views = series_views(CELL, dropped, dropped.bands["mlp_digits:smoke"])
    assert [view.name for view in views] == ["accuracy", "log_loss", "examples_per_cpu_sec", "examples_per_sec"]
    (change,) = views[0].changes
    assert (change.word.text, change.since, change.shift) == ("worse", "2026-01-13", "\N{MINUS SIGN}4.0 sd")
    assert change.environment == "keras 3.15.0 to 3.15.1"
    assert views[1].changes == views[2].changes == ()
    facts = dict(views[0].facts)
    assert facts["Baseline"].endswith("band of 20 seeds")
    assert facts["Newest run, from the baseline"] == "\N{MINUS SIGN}4.0 sd"
    assert dict(views[2].facts)["Baseline"] == "none: 17 of 30 runs, 17 of 5 days"


def test_a_series_chart_has_its_points_band_change_and_mark(dropped: ReportContent) -> None:
    band = dropped.bands["mlp_digits:smoke"]
    figure = series_views(CELL, dropped, band)[0].chart.figure
    names = {trace["name"]: trace for trace in figure["data"]}
    assert set(names) == {"run", "level found", "environment changed"}
    assert len(names["run"]["x"]) == 17
    assert names["environment changed"]["x"] == ["2026-01-13T03:00:00.000000+00:00"]
    (word,) = [each["text"] for each in figure["layout"]["annotations"]]
    assert word == "▼ worse, \N{MINUS SIGN}4.0 sd"
    shades = [shape for shape in figure["layout"]["shapes"] if shape["type"] == "rect"]
    assert [(shade["y0"], shade["y1"]) for shade in shades] == [
        (pytest.approx(100 * band.metrics[0].lower), figure["layout"]["yaxis"]["range"][1])
        if band.metrics[0].upper_cannot_fail
        else (pytest.approx(100 * band.metrics[0].lower), pytest.approx(100 * band.metrics[0].upper))
    ]


def test_a_squares_line_ends_at_the_newest_run_and_says_what_it_shows(dropped: ReportContent) -> None:
    line = sparkline(dropped.history.cells[CELL].states[0])
    assert line is not None
    assert line.says == "accuracy of the newest 17 runs, 1 change of level"
    places = [tuple(map(float, place.split(","))) for place in line.points.split()]
    assert len(places) == 17
    assert places[0] == (2.0, 2.0)
    assert places[-1] == (98.0, 18.0) == (line.x, line.y)


# The fan


def curve_run(make_run: Callable[..., Record], number: int, losses: list[float], **fields: Any) -> ShownRun:
    run = make_run(f"run-{number}", seed=number, **fields)
    assert run.measurement is not None
    curve = tuple(
        CurvePoint(epoch=n + 1, step=10 * (n + 1), train_loss=None, metrics={"log_loss": loss})
        for n, loss in enumerate(losses)
    )
    quality = replace(run.measurement.quality, curve=curve)
    return shown_run(replace(run, measurement=replace(run.measurement, quality=quality)), content_of())


def test_a_run_like_the_others_leaves_the_fan_in_at_most_5_of_100_cases(make_run: Callable[..., Record]) -> None:
    rng = np.random.default_rng(5)
    left = 0
    for _ in range(300):
        walks = [list(1.0 + 0.1 * np.cumsum(rng.standard_normal(8))) for _ in range(9)]
        runs = [curve_run(make_run, number, walk) for number, walk in enumerate(walks)]
        fan = fan_of("log_loss", runs[0], runs, None)
        assert fan is not None
        assert fan.curves == 8
        left += fan.left is not None
    assert 0 < left <= 300 * 0.05 + 3 * math.sqrt(300 * 0.05 * 0.95)


def test_the_fan_names_the_step_where_a_run_leaves_it_and_counts_healthy_seeds_alone(
    make_run: Callable[..., Record],
) -> None:
    others = [curve_run(make_run, n, [2.0 + 0.01 * n, 1.0 + 0.01 * n, 0.5 + 0.01 * n]) for n in range(1, 7)]
    run = curve_run(make_run, 0, [2.02, 1.6, 0.52])
    fan = fan_of("log_loss", run, [run, *others], None)
    assert fan is not None
    assert fan.left is not None
    assert (fan.left.step, fan.curves) == (20, 6)
    planted = [replace(other, faults=("wrong_lr",)) for other in others]
    elsewhere = [curve_run(make_run, n, [2.0, 1.0]) for n in range(1, 7)]
    same_seed = [replace(other, seed=run.seed) for other in others]
    for useless in (planted, elsewhere, same_seed, others[: LEAST_CURVES - 1]):
        assert fan_of("log_loss", run, [run, *useless], None) is None


# Regressions, nights, two sides


REGRESSION = Regression(
    regression_id="20260113-x",
    cell=CELL,
    quantity=Quantity(name="examples_per_cpu_sec", kind="speed", unit="examples", direction="higher", scale="log"),
    host_class="host",
    side="lower",
    alarm_run="run-014",
    raised="2026-01-15T03:00:00+00:00",
    onset_run="run-012",
    onset="2026-01-13T03:00:00+00:00",
    before=1000.0,
    after=850.0,
    shift_sd=-5.0,
    baseline=Baseline(mean=6.9, sd=0.03, n=30, of="the first 30 runs"),
    events=(
        Event(state="candidate", at="2026-01-15T04:00:00+00:00"),
        Event(state="detected", at="2026-01-15T05:00:00+00:00"),
    ),
    environment=(EnvironmentChange(group="packages", name="keras", before="3.15.0", after="3.15.1"),),
)


def test_the_regressions_page_has_date_size_and_environment_and_the_next_command(dropped: ReportContent) -> None:
    content = replace(dropped, history=replace(dropped.history, today=date(2026, 1, 20), regressions=(REGRESSION,)))
    view = build_regressions(content, ())
    assert (view.answer, view.tone) == ("1 regression that nobody has acknowledged", "bad")
    (shown,) = view.shown
    assert (shown.since, shown.change, shown.shift) == ("2026-01-13", "\N{MINUS SIGN}15.0%", "\N{MINUS SIGN}5.0 sd")
    assert shown.environment == (("packages", "keras", "3.15.0", "3.15.1"),)
    commands = dict(shown.commands)
    assert commands["Own it"].startswith("trainband regressions ack 20260113-x --owner=")
    assert commands["Compare the runs on either side"] == "trainband diff run-011 run-012"


@pytest.mark.parametrize(
    ("state", "answer", "tone"),
    [
        ("acknowledged", "1 regression open, none of them without an owner or a date", "open"),
        ("fixed", "No regression is open", "good"),
    ],
)
def test_a_regression_with_an_owner_waits_and_a_fixed_one_is_closed(state: Any, answer: str, tone: str) -> None:
    event = Event(state=state, at="2026-01-16T05:00:00+00:00", owner="kim")
    closed = replace(REGRESSION, events=(*REGRESSION.events, event))
    view = build_regressions(content_of(history=HistoryContent(regressions=(closed,))), ())
    assert (view.answer, view.tone) == (answer, tone)


def test_the_status_page_says_what_ran_what_waits_and_why() -> None:
    night = Night(
        night_id="n2",
        suite="quick",
        began="2026-01-02T03:00:00+00:00",
        ended="2026-01-02T04:30:00+00:00",
        budget_sec=5400.0,
        code="c",
        waiting=(Waiting(what="vit:short@cpu", why="it would end after the budget"),),
        confirmed=("20260113-x",),
        exit_status=1,
    )
    older = replace(night, night_id="n1", began="2026-01-01T03:00:00+00:00", ended=None, exit_status=None)
    sweep = {
        "sweep_id": "s",
        "created": night.began,
        "status": "interrupted",
        "suite": "quick",
        "runs": [{"cell": CELL, "index": 0}, {"cell": "cnn_digits:smoke@cpu", "index": 1}],
    }
    content = content_of(
        history=HistoryContent(nights=(night, older)),
        verdicts={"n2": {"pass": 1}},
        judged=frozenset({"s-0000"}),
        unfinished=(sweep,),
    )
    view = build_status(content, ())
    assert view.answer.startswith("The night of 2026-01-02: a cell failed")
    assert view.waiting == (("vit:short@cpu", "it would end after the budget"),)
    assert [(line.word.text, line.took, line.verdicts) for line in view.nights] == [
        ("failed", "1 h 30 min", "1 pass"),
        ("not ended", "not ended", "none"),
    ]
    (left,) = view.unfinished
    assert left.waiting == ("cnn_digits:smoke@cpu",)
    assert left.go_on == "trainband sweep --suite=quick --resume"


def test_compare_offers_sweeps_and_environments_and_means_over_healthy_quiet_runs(
    make_nights: Nights, make_band: Any
) -> None:
    band = make_band(20)
    old, new = {"keras": "3.15.0"}, {"keras": "3.15.1"}
    rows = [
        *make_nights([0.94, 0.96], sweep_id="monday", environment=old),
        *make_nights([0.90], first=2, sweep_id="tuesday", environment=new, examples_per_cpu_sec=1200.0),
        *make_nights([0.50], first=3, sweep_id="tuesday", environment=new, faults=("wrong_lr",)),
        *make_nights(
            [0.92], first=4, sweep_id="tuesday", environment=new, contended=("a busy loop",), examples_per_cpu_sec=1.0
        ),
    ]
    view = build_compare(content_of(bands={"mlp_digits:smoke": band}, rows=tuple(rows[::-1])), {CELL})
    labels = [(side["kind"], side["label"]) for side in view.data["sides"]]
    assert labels == [
        ("sweep", "tuesday"),
        ("sweep", "monday"),
        ("environment", "keras 3.15.1 on host"),
        ("environment", "keras 3.15.0 on host"),
    ]
    sides = view.data["cells"][CELL]["at"]
    assert sides["0"]["n"] == 2
    assert sides["0"]["quality"][0] == pytest.approx(0.91)
    assert sides["0"]["cpu"] == 1200.0
    assert sides["1"]["quality"][1] == pytest.approx(math.log(0.25))
    assert sides["2"] == sides["0"]
    assert view.data["cells"][CELL]["page"] == "cells/mlp_digits-smoke-cpu.html"
