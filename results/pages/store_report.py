"""Writes the report of a store cell by cell: in several processes where there are many, and only what has changed since.

`pages.json` beside the pages says of each cell from what its pages were made, and keeps its summary for the overview. A record
never changes, so the page of a run is written again only when a judgement names it anew or the code is another.
"""

from __future__ import annotations

import gc
import hashlib
import heapq
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib import resources
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import jinja2

from trainband.results.codec import decode, encode
from trainband.results.files import atomic_write_text
from trainband.results.pages import formats
from trainband.results.pages.collect import StoreContent
from trainband.results.pages.report import (
    environment_of_pages,
    make_folders,
    write_cell,
    write_overview,
)
from trainband.results.pages.shown_runs import FOLDER, KeptRuns, ShownRun, parts_path, shown_runs
from trainband.results.pages.summary import RUNS_SHOWN, CellSummary

MANIFEST = "pages.json"
MANIFEST_VERSION = 2
# Below so many cells to write, processes cost more than they save.
CELLS_A_PROCESS = 12
_MANY_VALUES = 100_000


@dataclass(frozen=True, kw_only=True)
class Written:
    """What is known of the pages of a cell.

    Attributes:
      key: digest of what they were made from.
      runs: run -> digest of what its page was made from besides its record.
      summary: its CellSummary as JSON text, which is read where the pages stand and is kept as it is.
    """

    key: str
    runs: Mapping[str, str]
    summary: str


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """Attributes:
    code: digest of the code that wrote the pages.
    """

    code: str
    cells: Mapping[str, Written] = field(default_factory=dict)
    version: int = field(default=MANIFEST_VERSION)


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Within, and in what is forked there, Python seldom looks for circles among values: pages are made of very many, that
    go by themselves.
    """
    before = gc.get_threshold()
    gc.set_threshold(_MANY_VALUES)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def write_store_report(out: Path, content: StoreContent) -> Path:
    """Writes the pages of `content` below `out`, as `write_report`, as far as they have changed; returns the first one.

    Raises:
      OSError: the disk refuses.
      StoreError: the store cannot be read.
    """
    make_folders(out)
    (out / FOLDER).mkdir(exist_ok=True)
    before = _read(out / MANIFEST)
    code = _code_digest(content)
    known = before.cells if before.code == code else {}
    keys = _keys(content)
    standing = {cell: known[cell] for cell in content.cells if _stands(out, cell, known.get(cell), keys[cell])}
    summaries = _summaries(standing)
    stale = [cell for cell in content.cells if cell not in summaries]
    with _writer(out, content, code, len(stale)) as write_all:
        asked = [(cell, keys[cell], known[cell].runs if cell in known else {}) for cell in stale]
        fresh = dict(zip(stale, write_all(asked), strict=True))
    cells = {cell: fresh[cell] if cell in fresh else known[cell] for cell in content.cells}
    summaries |= _summaries(fresh)
    page = write_overview(_Task.pages, out, content.site, [summaries[cell] for cell in cells])
    _forget(out, before.cells, cells)
    text = json.dumps(encode(Manifest(code=code, cells=cells)), allow_nan=False)
    atomic_write_text(out / MANIFEST, text, durable=False)
    return page


def _stands(out: Path, cell: str, written: Written | None, key: str) -> bool:
    return written is not None and written.key == key and (out / formats.cell_page(cell)).exists()


def _keys(content: StoreContent) -> dict[str, str]:
    """Cell -> digest of what its pages are made from."""
    history = content.site.history
    shared = [content.runs_per_cell, content.site.sweep]
    bands = {name: band.digest for name, band in content.site.bands.items()}
    found = {}
    for cell, state in content.cells.items():
        about = [
            state,
            bands.get(cell.partition("@")[0]),
            [[encode(each), each.state_on(history.today)] for each in history.regressions if each.cell == cell],
            [encode(each) for each in history.canaries if each.cell == cell],
            shared,
        ]
        found[cell] = _digest(about)
    return found


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _code_digest(content: StoreContent) -> str:
    """Of the templates, of trainband's version and of what it knows of models and profiles."""
    root = resources.files("trainband.results.pages")
    names = sorted(item.name for item in root.iterdir() if item.name.endswith(".py"))
    texts = [(root / name).read_text(encoding="utf-8") for name in names]
    texts += [
        item.read_text(encoding="utf-8") for item in (root / "templates").iterdir() if item.name.endswith(".html")
    ]
    site = content.site
    return _digest(
        [texts, site.title, site.store_label, site.trainband_version, encode(site.models), encode(site.profiles)]
    )


# Writing cells


class _Task:
    """What each process keeps: a store of its own connections, and the templates.

    Attributes:
      code: digest of what writes the pages.
    """

    content: StoreContent
    out: Path
    code: str
    pages: jinja2.Environment


def _prepare(out: Path, content: StoreContent, code: str) -> None:
    _Task.content, _Task.out, _Task.code, _Task.pages = content, out, code, environment_of_pages(content.site)


def _write_one(asked: tuple[str, str, Mapping[str, str]]) -> Written:
    cell, key, before = asked
    kept = KeptRuns(_Task.out, cell, _Task.code)
    made: dict[str, str] = {}
    done: set[str] = set()  # whose page stands as it would be written

    def known(run_ids: Sequence[str], judged: Mapping[str, Sequence[str]]) -> dict[str, ShownRun]:
        made.update(_made_from(run_ids, judged))
        same = [run_id for run_id, digest in made.items() if before.get(run_id) == digest]
        done.update(run_id for run_id in same if os.path.exists(f"{_Task.out}/{formats.run_page(run_id)}"))
        return {run_id: run for run_id, run in kept.read().items() if run_id in done}

    content = _Task.content.of_cell(cell, known)
    runs = shown_runs(content)
    summary = write_cell(_Task.pages, _Task.out, cell, content, runs, done=frozenset(done))
    lines = kept.keep(runs, content)
    told = encode(replace(summary, newest=()))
    told["newest"] = [lines[line.run_id] for line in summary.newest]
    written = {run.run_id: made[run.run_id] for run in runs}
    return Written(key=key, runs=written, summary=json.dumps(told, allow_nan=False))


def _made_from(run_ids: Sequence[str], judged: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Shown run -> digest of what it is shown by besides its record: the runs before it, and the judgements that name it."""
    places = {run_id: place for place, run_id in enumerate(run_ids)}
    return {run_id: _digest([places[run_id], sorted(names)]) for run_id, names in judged.items()}


def _load_what_forks_need(pages: jinja2.Environment) -> None:
    """Loads once what each process would load for its first cell: half a second, and memory of its own."""
    import scipy.special  # noqa: F401

    for template in ("cell.html", "run.html"):
        pages.get_template(template)


@contextmanager
def _writer(out: Path, content: StoreContent, code: str, cells: int) -> Iterator[Any]:
    """A function that writes cells and gives what is then known of them, in their order."""
    processes = min(len(os.sched_getaffinity(0)), cells // CELLS_A_PROCESS)
    _prepare(out, content, code)
    if processes < 2:
        yield lambda asked: map(_write_one, asked)
        return
    _load_what_forks_need(_Task.pages)
    gc.freeze()  # else each fork looks through all that it has from here again and again, and copies it by doing so
    try:
        # A fork has the content already; an index keeps no connection between two questions.
        with ProcessPoolExecutor(processes, mp_context=get_context("fork")) as pool:
            yield lambda asked: pool.map(_write_one, asked, chunksize=2)
    finally:
        gc.unfreeze()


# What was written before


def _read(path: Path) -> Manifest:
    """The manifest at `path`; an empty one where there is none that this release can read: all is written again then."""
    try:
        return decode(Manifest, json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return Manifest(code="")


def _summaries(known: Mapping[str, Written]) -> dict[str, CellSummary]:
    """Cell -> its summary, with no more of its newest runs than the overview may show; none where one cannot be read."""
    try:
        told = {cell: json.loads(written.summary) for cell, written in known.items()}
        newest = heapq.nlargest(RUNS_SHOWN, (_moment(line) for each in told.values() for line in each["newest"]))
        for each in told.values():  # most of what there is to decode, and nearly all of it is never shown
            shown = [line for line in each["newest"] if _moment(line) >= newest[-1]]
            each["newest"] = shown or each["newest"][:1]
        return {cell: decode(CellSummary, each) for cell, each in told.items()}
    except (LookupError, TypeError, ValueError):
        return {}


def _moment(line: Mapping[str, str]) -> tuple[str, str]:
    """By which the overview orders runs."""
    return line["created_iso"], line["run_id"]


def _forget(out: Path, before: Mapping[str, Written], now: Mapping[str, Written]) -> None:
    """Removes the pages of runs and cells that are not shown any more."""
    kept = {run_id for written in now.values() for run_id in written.runs}
    gone = {run_id for written in before.values() for run_id in written.runs} - kept
    for run_id in gone:
        (out / formats.run_page(run_id)).unlink(missing_ok=True)
    for cell in set(before) - set(now):
        (out / formats.cell_page(cell)).unlink(missing_ok=True)
        parts_path(out, cell).unlink(missing_ok=True)
