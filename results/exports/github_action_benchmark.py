"""Files for github-action-benchmark: tools `customSmallerIsBetter` and `customBiggerIsBetter`, one file each.

The action follows a name over commits, so a cell's runs are one entry: their mean. It knows numbers alone, no missing ones
and no NaN, so values that are none stay out; that a cell did not pass is a number, too, the first of the smaller ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import fmean, stdev
from typing import Any

from trainband.results.exports.figures import as_json, band, short
from trainband.results.exports.rows import ExportMetric, ExportRow, finite

_Found = list[tuple[ExportRow, ExportMetric]]


def render(rows: Sequence[ExportRow]) -> dict[str, bytes]:
    """Both files. The speed of a run that something else on its host disturbed does not count."""
    by_name: dict[tuple[str, str], _Found] = {}
    for row in rows:
        for metric in row.metrics:
            if metric.kind == "quality" or not row.contended:
                by_name.setdefault((row.cell, metric.name), []).append((row, metric))
    smaller: list[Mapping[str, Any]] = [_not_passed(rows)]
    bigger: list[Mapping[str, Any]] = []
    for (cell, name), found in by_name.items():
        if any(finite(metric) for _, metric in found):
            side = bigger if found[0][1].direction == "higher" else smaller
            side.append(_entry(f"{cell}: {name}", found))
    return {"customSmallerIsBetter.json": as_json(smaller), "customBiggerIsBetter.json": as_json(bigger)}


def _entry(name: str, found: _Found) -> Mapping[str, Any]:
    values = [metric.value for _, metric in found if finite(metric)]
    row, metric = found[-1]
    verdicts = Counter(each.verdict for each, _ in found)
    said = [", ".join(f"{count} {verdict}" for verdict, count in verdicts.items())]
    if len(values) < len(found):
        said.append(f"{len(found) - len(values)} of {len(found)} values are no number and left out")
    if band(metric) is not None:
        said.append(f"band {band(metric)}")
    if row.record is not None:
        said.append(f"host class {row.record.host_class}")
    scatter = {"range": f"± {short(stdev(values))}"} if len(values) > 1 else {}
    return {"name": name, "unit": metric.unit, "value": fmean(values), **scatter, "extra": "\n".join(said)}


def _not_passed(rows: Sequence[ExportRow]) -> Mapping[str, Any]:
    """How many judged runs neither passed nor are waived or skipped, with their words."""
    missed = [row for row in rows if row.result not in ("passed", "waived", "skipped")]
    said = "\n".join(f"{row.cell}: {row.verdict}: {row.reason}" for row in missed)
    return {"name": "runs that did not pass", "unit": "runs", "value": len(missed), "extra": said}
