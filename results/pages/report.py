"""Writes the report: a folder that opens from disk in any browser, and needs nothing from outside."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
from jinja2.bccache import Bucket

from trainband.results.files import atomic_write_text
from trainband.results.pages import formats
from trainband.results.pages.cell_view import build_cell
from trainband.results.pages.compare_view import build_compare
from trainband.results.pages.content import ReportContent, current_judgements, records_by_cell
from trainband.results.pages.overview import build_overview
from trainband.results.pages.regressions_view import build_regressions
from trainband.results.pages.run_view import build_run
from trainband.results.pages.shown_runs import ShownRun, shown_runs
from trainband.results.pages.status_view import build_status
from trainband.results.pages.summary import CellSummary, summarise
from trainband.results.pages.words import Word

INDEX = "index.html"
_PLACES = (
    ("Overview", INDEX),
    ("Compare", "compare.html"),
    ("Regressions", "regressions.html"),
    ("Status", "status.html"),
)
_ASSETS = ("report.css", "report.js", "compare.js")
_PLOTLY = "plotly.min.js"


def write_report(out: Path, content: ReportContent) -> Path:
    """Writes every page of `content` below `out`, which is made; pages of an earlier report are replaced.

    Returns:
      The path of the overview, `index.html`.

    Raises:
      OSError: the disk refuses.
    """
    make_folders(out)
    pages = environment_of_pages(content)
    summaries = []
    for cell in content.known_cells:
        ours = content.of_cell(cell)
        summaries.append(write_cell(pages, out, cell, ours, shown_runs(ours)))
    return write_overview(pages, out, content, summaries)


def make_folders(out: Path) -> None:
    """The folders of a report, and its style sheet and scripts."""
    for folder in (out, out / "assets", out / "cells", out / "runs"):
        folder.mkdir(parents=True, exist_ok=True)
    _write_assets(out / "assets")


def write_cell(
    pages: jinja2.Environment,
    out: Path,
    cell: str,
    content: ReportContent,
    runs: Sequence[ShownRun],
    *,
    done: frozenset[str] = frozenset(),
) -> CellSummary:
    """The page of `cell` and those of its records but the `done` ones; `content` is the cell's, of which `runs` are shown."""
    current = current_judgements(content.judgements).get(cell)
    records = records_by_cell(content.records).get(cell, [])
    for record in records:
        if record.run_id not in done:
            view = build_run(record, content)
            _write(pages, out / formats.run_page(record.run_id), "run.html", root="../", view=view)
    run_pages = {run.run_id for run in runs}
    cell_view = build_cell(cell, content, current, records, runs)
    _write(pages, out / formats.cell_page(cell), "cell.html", root="../", view=cell_view, run_pages=run_pages)
    return summarise(cell, content, current, records, cell_view)


def write_overview(
    pages: jinja2.Environment, out: Path, content: ReportContent, summaries: Sequence[CellSummary]
) -> Path:
    """The pages about all cells; returns the path of the first one."""
    paged = frozenset(summary.cell for summary in summaries)
    regressions = build_regressions(content, (view for summary in summaries for view in summary.regressions))
    views = {
        "regressions.html": regressions,
        "status.html": build_status(content, summaries),
        "compare.html": build_compare(content, paged),
        INDEX: build_overview(content, summaries, regressions),
    }
    for name, view in views.items():
        _write(pages, out / name, name, root="", here=name, view=view, paged=paged)
    return out / INDEX


def environment_of_pages(content: ReportContent) -> jinja2.Environment:
    """Templates with what all pages of one report share."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("trainband.results.pages", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=formats.finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=_compiled_templates(),
    )
    # A browser's JSON has no NaN; figures hold none, and this says so where one ever did.
    environment.policies["json.dumps_kwargs"] = {"sort_keys": True, "allow_nan": False}
    environment.globals |= {"report": content, "run_page": formats.run_page, "cell_page": formats.cell_page}
    environment.globals |= {"places": _PLACES, "here": ""}
    environment.filters["utc"] = formats.utc
    environment.globals["known_word"] = _known_word(environment)
    return environment


class _CompiledTemplates(jinja2.FileSystemBytecodeCache):
    """Jinja's own, in a folder of the user's below the temporary one: templates are compiled once and not by each report."""

    def dump_bytecode(self, bucket: Bucket) -> None:
        with contextlib.suppress(OSError):  # a full disk: the next report compiles them again
            super().dump_bytecode(bucket)


def _compiled_templates() -> _CompiledTemplates | None:
    try:
        return _CompiledTemplates()
    except (OSError, RuntimeError):  # no folder that is this user's alone
        return None


def _known_word(environment: jinja2.Environment) -> Callable[[Word], str]:
    """The macro `word`, called once for each word: a table of runs says a few of them many times."""

    @functools.cache
    def known_word(item: Word) -> str:
        markup: str = environment.get_template("macros.html").module.word(item)  # type: ignore[attr-defined]
        return markup

    return known_word


def _write(environment: jinja2.Environment, path: Path, template: str, **values: Any) -> None:
    atomic_write_text(path, environment.get_template(template).render(values), durable=False)


def _write_assets(folder: Path) -> None:
    source = resources.files("trainband.results.pages") / "assets"
    for name in _ASSETS:
        atomic_write_text(folder / name, (source / name).read_text(encoding="utf-8"))
    plotly = _plotly()
    target = folder / _PLOTLY
    if not target.exists() or target.stat().st_size != len(plotly.encode()):
        atomic_write_text(target, plotly)


def _plotly() -> str:
    """plotly.js as the Python package ships it; imported here because only a report needs it."""
    import plotly.offline

    return str(plotly.offline.get_plotlyjs())
