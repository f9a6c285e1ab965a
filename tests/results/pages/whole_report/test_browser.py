"""The pages in a real browser: it draws the charts, has nothing to complain of, and compares, sorts and filters."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from trainband.results.history.looking import look_at
from trainband.results.history.series import Era, Points, Quantity, Series
from trainband.results.index_rows import RunRow
from trainband.results.pages.content import ReportContent
from trainband.results.pages.history_content import CellHistory, HistoryContent
from trainband.results.records import Record


@pytest.fixture
def browse(tmp_path: Path) -> Callable[[str], tuple[str, list[str]]]:
    """`browse(url)`: the page as a real browser makes it, and what it writes to its console."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        pytest.skip("NOT TESTED in a browser: no chromium, chromium-browser or google-chrome on PATH")
    flags = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
        "--disable-component-update --disable-sync --enable-logging=stderr --virtual-time-budget=5000 --dump-dom"
    )

    def visit(url: str) -> tuple[str, list[str]]:
        command = [browser, *flags.split(), f"--user-data-dir={tmp_path / 'browser'}", url]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]

    return visit


@pytest.mark.slow
def test_a_browser_draws_the_charts_and_has_nothing_to_complain_of(
    everything: ReportContent,
    write: Callable[[ReportContent], Path],
    browse: Callable[[str], tuple[str, list[str]]],
) -> None:
    out = write(everything)
    charts = {"cells/mlp_digits-smoke-cpu.html": 5, "runs/night-1.html": 2, "index.html": 0, "status.html": 0}
    for name, count in {**charts, "regressions.html": 0}.items():
        page, complaints = browse((out / name).as_uri())
        assert complaints == [], name
        assert page.count('class="plot js-plotly-plot"') == count, name
        assert "plot-wait" not in page


def _long_history(run: Record) -> HistoryContent:
    """Accuracy and log-loss of 60 runs, the same ones."""
    points = [(f"run-{n}", f"2026-{1 + n // 28:02d}-{1 + n % 28:02d}T04:00:00+00:00") for n in range(60)]
    era = Era(first=0, judged_from=60, because="the first run", baseline=None, why_not="no band")
    states = []
    for name in ("accuracy", "log_loss"):
        quantity = Quantity(name=name, kind="quality", unit="fraction", direction="higher", scale="linear")
        values = [0.9 + 0.001 * (n % 7) for n in range(60)]
        told = Points([r for r, _ in points], [at for _, at in points], values, [()] * 60)
        states.append(look_at(Series(cell=run.cell, quantity=quantity, host_class="host", points=told, eras=(era,))))
    return HistoryContent(cells={run.cell: CellHistory(states=tuple(states))})


@pytest.mark.slow
def test_times_and_names_that_charts_share_are_written_once_and_drawn_in_each(
    make_content: Callable[..., ReportContent],
    write: Callable[[ReportContent], Path],
    browse: Callable[[str], tuple[str, list[str]]],
) -> None:
    content = make_content()
    out = write(replace(content, history=_long_history(content.records[0])))
    page = out / "cells" / "mlp_digits-smoke-cpu.html"
    assert page.read_text(encoding="utf-8").count("2026-02-23T04:00:00") == 1
    drawn, complaints = browse(page.as_uri())
    assert complaints == []
    _, *charts = drawn.split('id="series-')
    assert len(charts) == 2
    assert [chart.split('id="curve-')[0].count('class="point"') for chart in charts] == [60, 60]


@pytest.mark.slow
def test_a_browser_compares_sorts_and_filters(
    make_content: Callable[..., ReportContent],
    make_row: Callable[[str, str, str], RunRow],
    write: Callable[[ReportContent], Path],
    browse: Callable[[str], tuple[str, list[str]]],
) -> None:
    rows = [
        row._replace(sweep_id=f"night-{number % 2}", metrics={"accuracy": value, "log_loss": 0.25})
        for number, (value, cell) in enumerate(
            [
                (0.95, "mlp_digits:smoke@cpu"),
                (0.80, "mlp_digits:smoke@cpu"),
                (0.95, "mlp_digits:smoke@cpu_xla"),
                (0.95, "mlp_digits:smoke@cpu_xla"),
            ]
        )
        for row in [make_row(cell, f"run-{number}", f"2026-02-0{number % 2 + 1}T04:00:00.000000+00:00")]
    ]
    page = write(make_content(rows=tuple(rows))) / "compare.html"
    whole, complaints = browse(page.as_uri())
    assert complaints == []
    assert (
        "2 of 2 shared cells shown. Of all 4 differences of quality 1 lie outside the noise; without any change 0.2"
        in whole
    )
    assert whole.count('class="word tone-bad"') == 1
    body = whole.split("<tbody>")[1].split("</tbody>")[0]
    assert body.index("mlp_digits:smoke@cpu<") < body.index("mlp_digits:smoke@cpu_xla<"), "the largest difference first"
    moved, _ = browse(page.as_uri() + "#side-a=1&side-b=0&filter-sd=3")
    assert "1 of 2 shared cells shown, 1 filtered out." in moved
    named, _ = browse(page.as_uri() + "#filter-cell=xla")
    assert "1 of 2 shared cells shown, 1 filtered out." in named
    back, _ = browse(page.as_uri() + "#side-a=0&side-b=1")
    assert back.count('class="word tone-odd"') == 1
