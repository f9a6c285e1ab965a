"""A report of one cell with any field changed, and its pages, read and checked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from trainband.results.bands import Band
from trainband.results.judgements import Judgement, Verdict, skipped_judgement
from trainband.results.metrics import MetricForm
from trainband.results.pages.content import ModelInfo, ProfileInfo, ReportContent
from trainband.results.pages.report import write_report
from trainband.results.records import CurvePoint, Record, Window
from trainband.results.throughput import throughput_word

NOW = "2026-03-03T05:06:07+02:00"
SWEEP = "20260303T030000-quick-abcdef"
VOID = frozenset({"meta", "link", "br", "hr", "img", "input"})
NO_GPU = "no GPU found: /dev/nvidia0 does not exist"

MakeRun = Callable[..., Record]
MakeBand = Callable[..., Band]


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


@pytest.fixture
def read_page() -> Callable[[Path], Page]:
    """`read_page(path)`: the page, checked while it is read."""
    return Page


def _pages(out: Path) -> Iterator[Page]:
    paths = sorted(out.rglob("*.html"))
    assert paths
    return map(Page, paths)


@pytest.fixture
def read_pages() -> Callable[[Path], Iterator[Page]]:
    """`read_pages(folder)`: every page of a report; there is one at least."""
    return _pages


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


@pytest.fixture
def make_judgement() -> Callable[..., Judgement]:
    """`make_judgement(verdict, run, cell=, **fields)`: the verdict on that run, or on none."""
    return _judgement


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
def with_curve() -> Callable[[Record], Record]:
    """`with_curve(run)`: the run with two epochs of a curve, four windows and a batch size."""
    return _with_curve


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
