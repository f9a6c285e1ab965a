"""Writes the report of a store cell by cell, so that a store of any size fits into memory."""

from __future__ import annotations

from pathlib import Path

from trainband.results.pages.collect import StoreContent
from trainband.results.pages.report import environment_of_pages, make_folders, write_cell, write_overview


def write_store_report(out: Path, content: StoreContent) -> Path:
    """Writes the pages of `content` below `out`, as `write_report`; returns the path of the first one."""
    make_folders(out)
    pages = environment_of_pages(content.site)
    summaries = [write_cell(pages, out, cell, content.of_cell(cell)) for cell in content.cells]
    return write_overview(pages, out, content.site, summaries)
