"""Figures and texts: what a chart shades, that none holds a NaN, and values with their units."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from trainband.results.bands import Band
from trainband.results.pages import formats
from trainband.results.pages.content import ReportContent
from trainband.results.pages.figures import distribution, windows
from trainband.results.pages.gauges import gauge
from trainband.results.pages.learning_curves import learning_curve
from trainband.results.pages.shown_runs import shown_run
from trainband.results.records import Record, Window

MakeRun = Callable[..., Record]
MakeBand = Callable[..., Band]
WithCurve = Callable[[Record], Record]
NOTHING = ReportContent(title="t", created="2026-03-03T05:06:07+00:00", store_label="s", trainband_version="1")


# Figures


def test_learning_curve_shades_the_band_at_the_end_and_leaves_the_untrained_model_off_the_axis(
    make_run: MakeRun, make_band: MakeBand, with_curve: WithCurve
) -> None:
    band = make_band(20).metrics[0]
    runs = [shown_run(with_curve(make_run(name)), NOTHING) for name in ("a", "b")]
    figure = learning_curve("accuracy", "fraction", runs, band)
    assert figure is not None
    assert [trace["name"] for trace in figure["data"]] == ["1 other run", "this run"]
    bottom, top = figure["layout"]["yaxis"]["range"]
    assert 10 < bottom < 80
    assert top > 100 * band.center
    end = next(shape for shape in figure["layout"]["shapes"] if shape["fillcolor"] == "--band" and shape["xref"] == "x")
    assert (end["x0"], end["y0"]) == (pytest.approx(1.94), pytest.approx(100 * band.lower))


def test_figures_of_a_diverged_run_hold_no_nan(make_run: MakeRun, make_band: MakeBand, with_curve: WithCurve) -> None:
    run = with_curve(make_run("a"))
    measured = run.measurement
    assert measured is not None
    points = tuple(replace(p, metrics={"accuracy": math.nan, "log_loss": math.inf}) for p in measured.quality.curve)
    quality = replace(measured.quality, curve=points)
    run = replace(run, measurement=replace(measured, quality=quality))
    bands = make_band(20).metrics
    for band in bands:
        json.dumps(learning_curve(band.name, band.unit, [shown_run(run, NOTHING)], band), allow_nan=False)
        json.dumps(distribution(band, [math.nan, band.center], [math.inf], [band.center]), allow_nan=False)
    empty = replace(measured.throughput, windows=(Window(steps=1, wall_sec=0.0, cpu_sec=0.0, input_wait_sec=0.0),))
    json.dumps(windows(empty, 32), allow_nan=False)


def test_a_side_that_cannot_fail_is_open_in_chart_and_strip(make_band: MakeBand) -> None:
    band = make_band(20, sd_accuracy=0.03).metrics[0]
    assert band.upper_cannot_fail
    lines = [shape for shape in distribution(band, [], [], [])["layout"]["shapes"] if shape["type"] == "line"]
    assert len(lines) == 2  # the lower bound and the center
    strip = gauge(band, band.center)
    assert strip is not None
    assert (strip.stop, strip.inside) == (100.0, True)
    assert strip.start == 20.0
    low = gauge(band, band.lower - 0.01)
    assert low is not None
    assert low.place < low.start
    assert not low.inside


# Texts


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (formats.percent(0.98765), "98.77%"),
        (formats.number(0.039628), "0.03963"),
        (formats.number(179904.2), "179,904"),
        (formats.number(None), "\N{EN DASH}"),
        (formats.number(math.nan), "NaN"),
        (formats.speed(8129.3), "8.13k"),
        (formats.duration(245.4), "4 min 5 s"),
        (formats.size(2**30 * 1.5), "1.50 GiB"),
        (formats.utc("2026-03-01T04:00:00+02:00"), "2026-03-01 02:00:00 UTC"),
        (formats.cell_page("mlp_digits:smoke@cpu"), "cells/mlp_digits-smoke-cpu.html"),
        (formats.run_page("20260301T040000-a-1"), "runs/20260301T040000-a-1.html"),
    ],
)
def test_values_are_shown_with_their_units(shown: str, expected: str) -> None:
    assert shown == expected


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", ".hidden", "", "x" * 300, "\udcff", "a b?c#d%"])
def test_file_names_are_safe_stable_and_distinct(name: str) -> None:
    made = formats.file_name(name)
    assert made == formats.file_name(name) != formats.file_name(name + "x")
    assert made[0] not in ".-"
    assert len(made) < 200
    assert all(c.isascii() and (c.isalnum() or c in "_.-") for c in made)
