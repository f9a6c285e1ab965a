"""What every page keeps to: it is whole, links to files beside it, names its tables, and obeys no text."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from trainband.results.index_rows import Problem, RunRow
from trainband.results.judgements import Judgement
from trainband.results.pages import formats
from trainband.results.pages.content import ProfileInfo, ReportContent
from trainband.results.pages.history_content import HistoryContent
from trainband.results.pages.run_extras import RunExtras
from trainband.results.records import Failure, Record

ReadPages = Callable[[Path], Iterator[Any]]


def test_pages_are_whole_and_their_links_lead_to_files_beside_them(
    everything: ReportContent, write: Callable[[ReportContent], Path], read_pages: ReadPages
) -> None:
    out = write(everything)
    for page in read_pages(out):
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
    everything: ReportContent, write: Callable[[ReportContent], Path], read_pages: ReadPages
) -> None:
    for page in read_pages(write(everything)):
        tags = [tag for tag, _ in page.tags]
        assert tags.count("table") == tags.count("caption")
        assert all(attrs.get("scope") in ("row", "col") for tag, attrs in page.tags if tag == "th")
        assert tags.count("h1") == 1
        scrolling = [attrs for _, attrs in page.tags if "scroll" in (attrs.get("class") or "").split()]
        assert all(attrs.get("tabindex") == "0" and attrs.get("aria-label") for attrs in scrolling)


def test_hostile_text_is_shown_and_never_obeyed(
    make_content: Callable[..., ReportContent],
    make_run: Callable[..., Record],
    make_judgement: Callable[..., Judgement],
    make_history: Callable[[Record, str], HistoryContent],
    make_extras: Callable[[str], RunExtras],
    make_nights: Callable[[str, int], list[RunRow]],
    with_curve: Callable[[Record], Record],
    hostile: str,
    write: Callable[[ReportContent], Path],
    read_page: Callable[[Path], Any],
    read_pages: ReadPages,
) -> None:
    run = with_curve(make_run("night-1", command=hostile, log_tail=hostile, fingerprint={hostile: {"a": [hostile]}}))
    assert run.measurement is not None
    quality = run.measurement.quality
    metrics = {hostile: quality.metrics["accuracy"], **quality.metrics}
    curve = tuple(replace(point, metrics={hostile: 0.5, **point.metrics}) for point in quality.curve)
    run = replace(run, measurement=replace(run.measurement, quality=replace(quality, metrics=metrics, curve=curve)))
    broken = replace(
        make_run("night-2", outcome="error", model="../x", profile=hostile, log_tail=hostile),
        failure=Failure(kind=hostile, message=hostile),
    )
    content = make_content(
        title=hostile,
        store_label=hostile,
        records=(run, broken),
        judgements=(make_judgement("error", broken, cell=broken.cell, reason=hostile, notes=(hostile,)),),
        profiles=(ProfileInfo(name="cpu", title=hostile, available=False, reason=hostile),),
        problems=(Problem(path=hostile, message=hostile),),
        history=make_history(run, hostile),
        extras=lambda run_id: make_extras(hostile),
        unfinished=({"sweep_id": hostile, "created": hostile, "status": hostile, "suite": hostile, "runs": []},),
        rows=tuple(row._replace(sweep_id=hostile, environment={hostile: hostile}) for row in make_nights(run.cell, 2)),
    )
    out = write(content)
    harmless = {
        ("src", None),
        ("src", "assets/report.js"),
        ("src", "assets/compare.js"),
        ("src", "../assets/report.js"),
        ("src", "../assets/plotly.min.js"),
    }
    for page in read_pages(out):
        scripts = [attrs for tag, attrs in page.tags if tag == "script"]
        assert {("src", attrs.get("src")) for attrs in scripts} <= harmless
        assert all("alert" not in name for _, attrs in page.tags for name in attrs)
        assert not any((ord(c) < 32 and c != "\n") or c == "\u202e" for c in page.source)
        assert not any(tag == "b" and not attrs for tag, attrs in page.tags if page.path.parent.name == "runs")
    assert "alert('x')" in read_page(out / formats.run_page("night-2")).text
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
