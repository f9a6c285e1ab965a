"""The report: what its pages say, and that they open, link, escape and explain themselves."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, get_args
from urllib.parse import unquote, urlsplit

import pytest

from trainband.results.bands import Band
from trainband.results.codec import encode
from trainband.results.history.canaries import Canary, Mark
from trainband.results.history.environment_marks import EnvironmentMark
from trainband.results.history.looking import look_at
from trainband.results.history.nights import Night, Waiting
from trainband.results.history.regressions import EnvironmentChange, Event, Regression
from trainband.results.history.series import Baseline, Era, Point, Quantity, Series
from trainband.results.index_rows import Problem, RunRow
from trainband.results.judgements import Judgement, MetricJudgement, Verdict, WaivedVerdict, skipped_judgement
from trainband.results.metrics import MetricForm
from trainband.results.pages import formats
from trainband.results.pages.collect import store_content
from trainband.results.pages.content import ModelInfo, ProfileInfo, ReportContent, current_judgements
from trainband.results.pages.figures import distribution, windows
from trainband.results.pages.gauges import gauge
from trainband.results.pages.history_content import CellHistory, HistoryContent
from trainband.results.pages.learning_curves import learning_curve
from trainband.results.pages.report import write_report
from trainband.results.pages.run_extras import RunExtras, TraceFacts
from trainband.results.pages.store_report import write_store_report
from trainband.results.pages.words import THROUGHPUT, VERDICTS, WORST_FIRST
from trainband.results.records import CurvePoint, Failure, Record, Window
from trainband.results.store import Store
from trainband.results.throughput import Word as ThroughputWord
from trainband.results.throughput import throughput_word
from trainband.results.waivers import Waiver

NOW = "2026-03-03T05:06:07+02:00"
SWEEP = "20260303T030000-quick-abcdef"
HOSTILE = "</script><script>alert('x')</script>\x00\x1b[31m\udcff\u202e\"'&<b>"
VOID = frozenset({"meta", "link", "br", "hr", "img", "input"})
NO_GPU = "no GPU found: /dev/nvidia0 does not exist"

MakeRun = Callable[..., Record]
MakeBand = Callable[..., Band]


@dataclass(frozen=True)
class Answer:
    """A probe's."""

    available: bool
    reason: str


class Page(HTMLParser):
    """A page, checked while it is read: every tag is closed in order, ids are unique."""

    def __init__(self, path: Path) -> None:
        super().__init__(convert_charrefs=True)
        self.path = path
        self.source = path.read_text(encoding="utf-8")
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.words: list[str] = []
        self.figures: list[Any] = []
        self._open: list[tuple[str, dict[str, str | None]]] = []
        self.feed(self.source)
        self.close()
        assert self._open == [], path
        assert len(self.ids) == len(set(self.ids)), path

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.tags.append((tag, named))
        self.links += [value for name in ("href", "src") if (value := named.get(name))]
        self.ids += [value for value in [named.get("id")] if value]
        if tag not in VOID:
            self._open.append((tag, named))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"{self.path}: </{tag}> closes nothing"
        opened, _ = self._open.pop()
        assert opened == tag, f"{self.path}: </{tag}> closes <{opened}>"

    def handle_data(self, data: str) -> None:
        tag, attrs = self._open[-1] if self._open else ("", {})
        if tag == "script" and attrs.get("type") == "application/json":
            self.figures.append(json.loads(data, parse_constant=lambda name: pytest.fail(f"{name} in a figure")))
        else:
            self.words.append(data)


def _pages(out: Path) -> Iterator[Page]:
    paths = sorted(out.rglob("*.html"))
    assert paths
    return map(Page, paths)


def _judgement(verdict: Verdict, run: Record | None, *, cell: str = "mlp_digits:smoke@cpu", **fields: Any) -> Judgement:
    values = {
        "judgement_id": f"{cell}-{run.run_id if run else verdict}".replace(":", "_"),
        "created": "2026-03-02T04:00:00+00:00",
        "sweep_id": SWEEP,
        "records": (run.run_id,) if run else (),
        "reason": f"because of {verdict}",
        **fields,
    }
    return Judgement(cell=cell, verdict=verdict, **values)


def _with_curve(run: Record) -> Record:
    assert run.measurement is not None
    curve = tuple(
        CurvePoint(
            epoch=epoch, step=22 * epoch, train_loss=1.0 if epoch else None, metrics={"accuracy": a, "log_loss": b}
        )
        for epoch, a, b in ((0, 0.1, 2.4), (1, 0.8, 0.7), (2, 0.95, 0.25))
    )
    throughput = replace(
        run.measurement.throughput,
        windows=tuple(Window(steps=n, wall_sec=0.5, cpu_sec=0.6, input_wait_sec=0.0) for n in (10, 30, 32, 31)),
    )
    quality = replace(run.measurement.quality, curve=curve)
    measurement = replace(run.measurement, quality=quality, throughput=throughput)
    return replace(run, measurement=measurement, recipe={"batch_size": 32})


@pytest.fixture
def make_content(
    make_run: MakeRun, make_band: MakeBand, metrics: tuple[MetricForm, ...]
) -> Callable[..., ReportContent]:
    """`make_content(**fields)`: one passing cell with a band of 20 seeds, and a profile that this host lacks."""

    def make(**fields: Any) -> ReportContent:
        run = _with_curve(make_run("night-1", sweep_id=SWEEP))
        values: dict[str, Any] = {
            "title": "nightly",
            "created": NOW,
            "store_label": "the-store",
            "trainband_version": "0.1.0",
            "models": (ModelInfo(name="mlp_digits", title="A perceptron", tiers=("smoke",), metrics=metrics),),
            "profiles": (
                ProfileInfo(name="cpu", title="All cores", available=True),
                ProfileInfo(name="gpu", title="One GPU", available=False, reason=NO_GPU),
            ),
            "judgements": (
                _judgement("pass", run),
                skipped_judgement(
                    judgement_id="s", created=NOW, cell="mlp_digits:smoke@gpu", reason=NO_GPU, sweep_id=SWEEP
                ),
            ),
            "records": (run,),
            "bands": {"mlp_digits:smoke": make_band(20)},
            **fields,
        }
        values.setdefault("throughput", {r.run_id: throughput_word(r, ()) for r in values["records"]})
        return ReportContent(**values)

    return make


@pytest.fixture
def write(tmp_path: Path) -> Callable[[ReportContent], Path]:
    """`write(content)`: the folder of the report."""
    return lambda content: write_report(tmp_path / "site", content).parent


# What every page keeps to


def _nights(cell: str, count: int) -> list[RunRow]:
    """A run a night, two environments, the newest first."""
    rows = [
        _row_of(cell, f"night-{number}", f"2026-02-{number + 1:02d}T04:00:00.000000+00:00")._replace(
            metrics={"accuracy": 0.95 + 0.001 * (number % 3), "log_loss": 0.25},
            environment={"keras": "3.15.0" if number < count // 2 else "3.15.1", "other packages": "abc"},
        )
        for number in range(count)
    ]
    return rows[::-1]


def _row_of(cell: str, run_id: str, created: str) -> RunRow:
    """A healthy row of an index."""
    model, _, rest = cell.partition(":")
    tier, _, profile = rest.partition("@")
    return RunRow(
        run_id=run_id,
        cell=cell,
        model=model,
        tier=tier,
        profile=profile,
        seed=1,
        seed_role="sweep",
        sweep_id=f"sweep-of-{run_id}",
        sweep_index=0,
        created=created,
        outcome="completed",
        host_class="host",
        recipe_hash="f" * 64,
        faults=(),
        metrics={},
        examples_per_sec=2000.0,
        examples_per_cpu_sec=1500.0,
        contended=(),
        wall_sec=9.5,
    )


def _extras(text: str) -> RunExtras:
    facts = TraceFacts(steps=(0, 1, 2), losses=(2.0, None, 1.0), gradient_norms=(1.0, 1.5, 1.0), facts=((text, text),))
    return RunExtras(trace=facts, receipt=((text, text),))


def _history(run: Record, text: str) -> HistoryContent:
    """A regression, a series with its change, a mark of each kind, a night and a waiver, all of which say `text`."""
    points = tuple(
        Point(run_id=f"old-{n}" if n else run.run_id, created=f"2026-02-{n + 1:02d}T04:00:00+00:00", value=value)
        for n, value in enumerate((0.95, 0.96, 0.95, 0.88, 0.87, 0.88))
    )
    baseline = Baseline(mean=0.95, sd=0.01, n=20, of=text)
    quantity = Quantity(name="accuracy", kind="quality", unit="fraction", direction="higher", scale="linear")
    series = Series(
        cell=run.cell,
        quantity=quantity,
        host_class="host",
        points=points,
        eras=(
            Era(first=0, judged_from=1, because="the first run", baseline=None, why_not=text),
            Era(first=1, judged_from=1, because=text, baseline=baseline),
        ),
    )
    mark = EnvironmentMark(run_id="old-3", created=points[3].created, host_class="host", changes=(text,))
    regression = Regression(
        regression_id="20260205-accuracy",
        cell=run.cell,
        quantity=quantity,
        host_class=text,
        side="lower",
        alarm_run="old-4",
        raised=points[4].created,
        onset_run="old-3",
        onset=points[3].created,
        before=0.95,
        after=0.88,
        shift_sd=-7.0,
        baseline=baseline,
        events=(Event(state="detected", at=NOW, owner=text, note=text),),
        environment=(EnvironmentChange(group="packages", name=text, before=text, after=text),),
        faults=(text,),
    )
    canary = Canary(
        cell=run.cell,
        host_class="host",
        packages="p",
        first=NOW,
        at=NOW,
        digest="d",
        code="c",
        marks=(Mark(at=points[3].created, before_at=points[2].created, before="a", after="b", says=text),),
    )
    night = Night(
        night_id=SWEEP,
        suite=text,
        began=NOW,
        ended=NOW,
        budget_sec=3600.0,
        code="c",
        waiting=(Waiting(what=text, why=text),),
        silent=(Waiting(what=text, why=text),),
        problems=(text,),
        exit_status=1,
    )
    waiver = Waiver(cells="*", verdicts=frozenset({"fail_low"}), owner=text, reason=text, until=date(2026, 1, 1))
    return HistoryContent(
        today=date(2026, 3, 3),
        cells={run.cell: CellHistory(states=(look_at(series),), environment=(mark,))},
        regressions=(regression,),
        canaries=(canary,),
        nights=(night,),
        waivers=(waiver,),
    )


def _everything(make_content: Callable[..., ReportContent], make_run: MakeRun) -> ReportContent:
    good = _with_curve(make_run("night-1", sweep_id=SWEEP))
    failed = make_run("night-2", outcome="error", profile="cpu_xla", log_tail="Killed", sweep_id=SWEEP)
    old = _with_curve(make_run("night-0", created="2026-02-01T04:00:00+00:00"))
    content = make_content(
        records=(good, failed, old),
        history=_history(good, HOSTILE),
        rows=tuple(_nights(good.cell, 12)),
        extras=lambda run_id: _extras(HOSTILE) if run_id == "night-1" else RunExtras(no_trace="it died"),
        unfinished=({"sweep_id": SWEEP, "created": NOW, "status": "interrupted", "suite": None, "runs": []},),
        sweep={
            "sweep_id": SWEEP,
            "created": NOW,
            "status": "running",
            "suite": "quick",
            "runs": [{"cell": "mlp_digits:smoke@cpu"}, {"cell": "mlp_digits:smoke@cpu_jax"}],
        },
        left_out={good.cell: 3},
        problems=(Problem(path="runs/broken", message="not JSON"),),
    )
    return replace(content, judgements=(*content.judgements, _judgement("error", failed, cell=failed.cell)))


def test_pages_are_whole_and_their_links_lead_to_files_beside_them(
    make_content: Callable[..., ReportContent], make_run: MakeRun, write: Callable[[ReportContent], Path]
) -> None:
    out = write(_everything(make_content, make_run))
    for page in _pages(out):
        for link in page.links:
            parts = urlsplit(link)
            if link.startswith("#"):
                assert link[1:] in page.ids, (page.path, link)
            elif parts.scheme == "data":
                assert link == "data:,"
            else:
                assert (parts.scheme, parts.netloc) == ("", ""), (page.path, link)
                assert (page.path.parent / unquote(parts.path)).is_file(), (page.path, link)


def test_tables_name_themselves_and_their_heads_say_what_they_head(
    make_content: Callable[..., ReportContent], make_run: MakeRun, write: Callable[[ReportContent], Path]
) -> None:
    for page in _pages(write(_everything(make_content, make_run))):
        tags = [tag for tag, _ in page.tags]
        assert tags.count("table") == tags.count("caption")
        assert all(attrs.get("scope") in ("row", "col") for tag, attrs in page.tags if tag == "th")
        assert tags.count("h1") == 1
        scrolling = [attrs for _, attrs in page.tags if "scroll" in (attrs.get("class") or "").split()]
        assert all(attrs.get("tabindex") == "0" and attrs.get("aria-label") for attrs in scrolling)


def test_hostile_text_is_shown_and_never_obeyed(
    make_content: Callable[..., ReportContent], make_run: MakeRun, write: Callable[[ReportContent], Path]
) -> None:
    run = _with_curve(make_run("night-1", command=HOSTILE, log_tail=HOSTILE, fingerprint={HOSTILE: {"a": [HOSTILE]}}))
    assert run.measurement is not None
    quality = run.measurement.quality
    metrics = {HOSTILE: quality.metrics["accuracy"], **quality.metrics}
    curve = tuple(replace(point, metrics={HOSTILE: 0.5, **point.metrics}) for point in quality.curve)
    run = replace(run, measurement=replace(run.measurement, quality=replace(quality, metrics=metrics, curve=curve)))
    broken = replace(
        make_run("night-2", outcome="error", model="../x", profile=HOSTILE, log_tail=HOSTILE),
        failure=Failure(kind=HOSTILE, message=HOSTILE),
    )
    content = make_content(
        title=HOSTILE,
        store_label=HOSTILE,
        records=(run, broken),
        judgements=(_judgement("error", broken, cell=broken.cell, reason=HOSTILE, notes=(HOSTILE,)),),
        profiles=(ProfileInfo(name="cpu", title=HOSTILE, available=False, reason=HOSTILE),),
        problems=(Problem(path=HOSTILE, message=HOSTILE),),
        history=_history(run, HOSTILE),
        extras=lambda run_id: _extras(HOSTILE),
        unfinished=({"sweep_id": HOSTILE, "created": HOSTILE, "status": HOSTILE, "suite": HOSTILE, "runs": []},),
        rows=tuple(row._replace(sweep_id=HOSTILE, environment={HOSTILE: HOSTILE}) for row in _nights(run.cell, 2)),
    )
    out = write(content)
    harmless = {
        ("src", None),
        ("src", "assets/report.js"),
        ("src", "assets/compare.js"),
        ("src", "../assets/report.js"),
        ("src", "../assets/plotly.min.js"),
    }
    for page in _pages(out):
        scripts = [attrs for tag, attrs in page.tags if tag == "script"]
        assert {("src", attrs.get("src")) for attrs in scripts} <= harmless
        assert all("alert" not in name for _, attrs in page.tags for name in attrs)
        assert not any((ord(c) < 32 and c != "\n") or c == "\u202e" for c in page.source)
        assert not any(tag == "b" and not attrs for tag, attrs in page.tags if page.path.parent.name == "runs")
    assert "alert('x')" in Page(out / formats.run_page("night-2")).text
    assert [path.name for path in out.parent.iterdir()] == [out.name]


def test_pages_need_no_network_and_no_framework_and_load_plotly_only_to_write(
    make_content: Callable[..., ReportContent], write: Callable[[ReportContent], Path]
) -> None:
    out = write(make_content())
    assert (out / "assets" / "plotly.min.js").stat().st_size > 1_000_000
    own = (out / "assets" / "report.css").read_text() + (out / "assets" / "report.js").read_text()
    assert "http" not in own
    assert "@import" not in own
    code = "import sys, trainband.results.pages.report; print([m for m in ('plotly', 'tensorflow', 'keras') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# The overview


@pytest.mark.parametrize("verdict", get_args(Verdict))
def test_every_verdict_stands_in_its_square_as_a_word_and_a_sign(
    verdict: Verdict, make_content: Callable[..., ReportContent], write: Callable[[ReportContent], Path]
) -> None:
    content = make_content()
    waived = WaivedVerdict(verdict="fail_low", owner="Ada", reason="old driver", until="2026-05-01")
    judgement = _judgement(verdict, content.records[0], waived=waived if verdict == "waived" else None)
    page = Page(write(replace(content, judgements=(judgement,))) / "index.html")
    square = page.source.split('<td class="square')[1].split("</td>")[0]
    assert f"</svg>{verdict}</span>" in square
    assert f'href="#i-{VERDICTS[verdict].icon}"' in square
    if verdict == "waived":
        assert "fail_low, waived by Ada until 2026-05-01 (old driver)" in page.text


def test_words_cover_every_verdict_and_every_throughput_word() -> None:
    assert set(VERDICTS) == set(WORST_FIRST) == set(get_args(Verdict))
    assert set(THROUGHPUT) == set(get_args(ThroughputWord))
    assert len({word.icon for word in VERDICTS.values()}) == len(VERDICTS)


def test_overview_answers_first_in_percent_and_utc(
    make_content: Callable[..., ReportContent], make_run: MakeRun, write: Callable[[ReportContent], Path]
) -> None:
    page = Page(write(_everything(make_content, make_run)) / "index.html")
    for told in (
        "1 of 2 cells broke",
        "95.00%",
        "2k",
        "no_baseline",
        "2026-03-03 03:06:07 UTC",
        "running, 1 of 2 cells have a verdict",
        "3 (infrastructure",
        "planned",
        "The newest 3 of 6 runs",
        "runs/broken",
    ):
        assert told in page.text, told


def test_a_skipped_square_gives_its_reason_without_hovering_and_below(
    make_content: Callable[..., ReportContent], write: Callable[[ReportContent], Path]
) -> None:
    page = Page(write(make_content()) / "index.html")
    assert page.text.count(NO_GPU) == 3  # in the square's details, by profile, by cell
    assert ("details", {"class": "why-box"}) in page.tags


def test_an_empty_store_says_so_and_what_to_do(write: Callable[[ReportContent], Path]) -> None:
    content = ReportContent(title="nightly", created=NOW, store_label="the-store", trainband_version="0.1.0")
    page = Page(write(content) / "index.html")
    assert "Nothing is here yet" in page.text
    assert "trainband run mlp_digits:smoke@cpu" in page.text
    assert not any(tag == "table" for tag, _ in page.tags)


def test_runs_of_one_sweep_do_not_hide_each_other_and_older_sweeps_do_not_count(make_run: MakeRun) -> None:
    first, second, third = (make_run(name) for name in ("a", "b", "c"))
    old = _judgement("diverged", third, created="2026-02-01T04:00:00+00:00", sweep_id="older")
    bad = _judgement("fail_low", first, created="2026-03-02T04:00:00+00:00")
    good = _judgement("pass", second, created="2026-03-02T05:00:00+00:00")
    current = current_judgements([old, good, bad])[first.cell]
    assert (current.judgement, current.passed, current.total) == (bad, 1, 2)
    again = _judgement("pass", first, judgement_id="again", created="2026-03-02T06:00:00+00:00")
    assert current_judgements([old, good, bad, again])[first.cell].passed == 2


# Cells and runs


def test_cell_page_has_evidence_curves_and_both_commands(
    make_content: Callable[..., ReportContent], make_run: MakeRun, write: Callable[[ReportContent], Path]
) -> None:
    out = write(_everything(make_content, make_run))
    page = Page(out / "cells" / "mlp_digits-smoke-cpu.html")
    assert len(page.figures) == 5
    for told in (
        "trainband run mlp_digits:smoke@cpu",
        "trainband calibrate mlp_digits:smoke@cpu --seeds=20",
        "with 95% confidence, at least 95% of healthy runs lie inside",
        "3 percentage points",
        "declared smallest_drop",
        "3 older runs are in the store",
    ):
        assert told in page.text, told


def test_metrics_that_moved_a_verdict_are_told_in_percent(
    make_content: Callable[..., ReportContent], write: Callable[[ReportContent], Path]
) -> None:
    moved = MetricJudgement(
        name="accuracy",
        value=0.9,
        lower=0.92,
        upper=1.0,
        lower_cannot_fail=False,
        upper_cannot_fail=True,
        inside=False,
        fresh_mean=0.901,
        confirm_bound=0.925,
        confirmed=True,
    )
    content = make_content()
    content = replace(content, judgements=(_judgement("fail_low", content.records[0], metrics=(moved,)),))
    text = Page(write(content) / "cells" / "mlp_digits-smoke-cpu.html").text
    assert "accuracy 90.00% below 92.00% to 100.00% (cannot fail)" in text
    assert "mean 90.10% against the 1% bound 92.50%: confirmed" in text


def test_run_page_of_a_failure_shows_the_log_and_of_a_success_the_measurement(
    make_content: Callable[..., ReportContent], make_run: MakeRun, write: Callable[[ReportContent], Path]
) -> None:
    out = write(_everything(make_content, make_run))
    failed, good = Page(out / "runs" / "night-2.html"), Page(out / "runs" / "night-1.html")
    assert "SIGSEGV" in failed.text
    assert "Killed" in failed.text
    assert failed.figures == []
    assert "1,408 of 1,408 planned" in good.text
    assert "d" * 64 in good.text
    assert len(good.figures) == 2


# Figures


def test_learning_curve_shades_the_band_at_the_end_and_leaves_the_untrained_model_off_the_axis(
    make_run: MakeRun, make_band: MakeBand
) -> None:
    band = make_band(20).metrics[0]
    figure = learning_curve("accuracy", "fraction", [_with_curve(make_run("a")), _with_curve(make_run("b"))], band)
    assert figure is not None
    assert [trace["name"] for trace in figure["data"]] == ["1 other run", "this run"]
    bottom, top = figure["layout"]["yaxis"]["range"]
    assert 10 < bottom < 80
    assert top > 100 * band.center
    end = next(shape for shape in figure["layout"]["shapes"] if shape["fillcolor"] == "--band" and shape["xref"] == "x")
    assert (end["x0"], end["y0"]) == (pytest.approx(1.94), pytest.approx(100 * band.lower))


def test_figures_of_a_diverged_run_hold_no_nan(make_run: MakeRun, make_band: MakeBand) -> None:
    run = _with_curve(make_run("a"))
    measured = run.measurement
    assert measured is not None
    points = tuple(replace(p, metrics={"accuracy": math.nan, "log_loss": math.inf}) for p in measured.quality.curve)
    quality = replace(measured.quality, curve=points)
    run = replace(run, measurement=replace(measured, quality=quality))
    bands = make_band(20).metrics
    for band in bands:
        json.dumps(learning_curve(band.name, band.unit, [run], band), allow_nan=False)
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


# From a store


def test_content_of_a_store_keeps_the_newest_runs_and_those_that_a_judgement_names(
    tmp_path: Path, make_run: MakeRun, make_band: MakeBand, metrics: tuple[MetricForm, ...]
) -> None:
    store = Store(tmp_path / "store")
    runs = [make_run(f"run-{day}", created=f"2026-03-{day:02d}T04:00:00+00:00") for day in range(1, 7)]
    for run in runs:
        store.begin_run(run.run_id)
        store.commit_run(run.run_id, run)
    band = make_band(20)
    inside = MetricJudgement(
        name="accuracy", value=0.95, lower=0.9, upper=1.0, lower_cannot_fail=False, upper_cannot_fail=True, inside=True
    )
    store.write_judgement(encode(_judgement("pass", runs[0], metrics=(inside,))))
    (store.run_path("run-5") / "record.json").write_text("{")
    model = ModelInfo(name="mlp_digits", title="A perceptron", tiers=("smoke",), metrics=metrics)
    whole = store_content(
        store,
        title="nightly",
        created=NOW,
        store_label="the-store",
        trainband_version="0.1.0",
        models=[model],
        profiles=[ProfileInfo(name="cpu", title="All cores")],
        available={"cpu": Answer(available=False, reason="no cores")},
        bands={"mlp_digits:smoke": band},
        runs_per_cell=2,
    )
    assert list(whole.cells) == [runs[0].cell]
    content = whole.of_cell(runs[0].cell)
    assert [record.run_id for record in content.records] == ["run-6", "run-1"]
    assert content.left_out == {runs[0].cell: 3}
    assert [problem.path for problem in content.problems] == ["runs/run-5"]
    assert content.throughput["run-6"].reason == "5 of 10 runs"
    assert content.models == (model,)
    assert content.profiles == (ProfileInfo(name="cpu", title="All cores", available=False, reason="no cores"),)
    overview = Page(write_store_report(tmp_path / "site", whole)).text
    assert "The one judged cell passes" in overview
    assert f"{formats.number(band.false_fails_a_night, 2)} each time these cells are judged" in overview


# In a browser


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
    make_content: Callable[..., ReportContent],
    make_run: MakeRun,
    write: Callable[[ReportContent], Path],
    browse: Callable[[str], tuple[str, list[str]]],
) -> None:
    out = write(_everything(make_content, make_run))
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
        values = tuple(Point(run_id=r, created=at, value=0.9 + 0.001 * (n % 7)) for n, (r, at) in enumerate(points))
        states.append(look_at(Series(cell=run.cell, quantity=quantity, host_class="host", points=values, eras=(era,))))
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
    make_run: MakeRun,
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
        for row in [_row_of(cell, f"run-{number}", f"2026-02-0{number % 2 + 1}T04:00:00.000000+00:00")]
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
