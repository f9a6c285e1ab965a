"""The compare page: any two sweeps or environments beside one another. The page carries the numbers, the browser chooses."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

from trainband.results.environments import OTHER_PACKAGES
from trainband.results.index_rows import RunRow
from trainband.results.metric_bands import MetricBand
from trainband.results.metrics import to_scale
from trainband.results.pages import formats
from trainband.results.pages.content import ReportContent

SWEEPS_SHOWN = 40
ENVIRONMENTS_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class CompareView:
    """Attributes:
    sides: how many sweeps and environments there are to choose from.
    data: what the page's script reads: `sides` (key, kind, label), and `cells` with the page, the metrics (unit, scale,
      direction, sd of the band) and, for each side, the runs, the mean of each metric on its scale, and the median speeds.
    """

    sides: int
    data: Mapping[str, Any]


def build_compare(content: ReportContent, paged: Collection[str]) -> CompareView:
    """The page over every healthy, completed run of the sweeps that are shown; the cells `paged` have a page."""
    rows = [row for row in content.rows if row.outcome == "completed" and not row.faults and row.sweep_id]
    sides = [*_sweep_sides(rows), *_environment_sides(rows)]
    cells: dict[str, Any] = {}
    for number, (_, found) in enumerate(sides):
        for cell, runs in _by_cell(found).items():
            metrics = _metrics(cell, content)
            if cell not in cells:
                page = formats.cell_page(cell) if cell in paged else None
                cells[cell] = {"page": page, "metrics": list(map(_told, metrics)), "at": {}}
            cells[cell]["at"][str(number)] = _values(runs, metrics)
    labels = [{"kind": kind, "label": formats.printable(label)} for kind, label in (side for side, _ in sides)]
    return CompareView(sides=len(sides), data={"sides": labels, "cells": dict(sorted(cells.items()))})


def _sweep_sides(rows: Sequence[RunRow]) -> list[tuple[tuple[str, str], list[RunRow]]]:
    """The newest sweeps, newest first."""
    found: dict[str, list[RunRow]] = {}
    for row in rows:
        found.setdefault(str(row.sweep_id), []).append(row)
    newest = sorted(found, key=lambda sweep: max(row.created for row in found[sweep]), reverse=True)
    return [(("sweep", sweep), found[sweep]) for sweep in newest[:SWEEPS_SHOWN]]


def _environment_sides(rows: Sequence[RunRow]) -> list[tuple[tuple[str, str], list[RunRow]]]:
    """Environments by host class, the last used first; named by their versions."""
    found: dict[tuple[str, str], list[RunRow]] = {}
    for row in rows:
        if row.environment:
            versions = [f"{name} {version}" for name, version in row.environment.items() if name != OTHER_PACKAGES]
            others = row.environment.get(OTHER_PACKAGES, "")[:6]
            text = ", ".join([*versions, *([f"{OTHER_PACKAGES} {others}"] if others else [])])
            found.setdefault((row.host_class, text), []).append(row)
    newest = sorted(found, key=lambda key: max(row.created for row in found[key]), reverse=True)
    return [(("environment", f"{text} on {host}"), found[host, text]) for host, text in newest[:ENVIRONMENTS_SHOWN]]


def _by_cell(rows: Iterable[RunRow]) -> dict[str, list[RunRow]]:
    found: dict[str, list[RunRow]] = {}
    for row in rows:
        found.setdefault(row.cell, []).append(row)
    return found


def _metrics(cell: str, content: ReportContent) -> tuple[MetricBand, ...]:
    """The metrics of the cell's band; without a band nothing says how far two runs may differ, and the speeds alone stand."""
    band = content.bands.get(cell.partition("@")[0])
    return band.metrics if band is not None else ()


def _told(metric: MetricBand) -> dict[str, Any]:
    return {name: getattr(metric, name) for name in ("name", "unit", "scale", "direction", "sd")}


def _values(runs: Sequence[RunRow], metrics: Sequence[MetricBand]) -> dict[str, Any]:
    quiet = [row for row in runs if not row.contended]
    return {
        "n": len(runs),
        "quality": [_mean(runs, metric) for metric in metrics],
        "cpu": _median([row.examples_per_cpu_sec for row in quiet]),
        "wall": _median([row.examples_per_sec for row in quiet]),
    }


def _mean(runs: Sequence[RunRow], metric: MetricBand) -> float | None:
    scaled = [to_scale(metric, row.metrics[metric.name]) for row in runs if metric.name in row.metrics]
    if not scaled or not all(map(math.isfinite, scaled)):
        return None
    return fmean(scaled) if len(scaled) > 1 else scaled[0]


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return None if not known else median(known) if len(known) > 1 else known[0]
