"""What the pages of a cell show of each of its runs: a line, and a curve among others.

It is made of the run's record, and kept beside the pages: the record of an old run is opened again only for its own page.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainband.results.codec import NON_FINITE, encode
from trainband.results.files import atomic_write_text
from trainband.results.pages import formats
from trainband.results.pages.content import ReportContent
from trainband.results.pages.runs_table import RunLine, run_line
from trainband.results.pages.words import Word
from trainband.results.records import CurvePoint, Record

FOLDER = "parts"


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A metric after each evaluation of training.

    Attributes:
      epochs, steps: after which it was evaluated.
    """

    epochs: Sequence[int]
    steps: Sequence[int]
    values: Sequence[float]

    def __len__(self) -> int:
        return len(self.steps)


@dataclass(frozen=True, kw_only=True)
class ShownRun:
    """Attributes:
    recipe_hash: None where nothing was measured.
    metrics: name -> final value and unit.
    untrained: name -> value of the untrained model.
    curves: name -> the metric's curve, with the untrained model at step 0.
    """

    run_id: str
    seed: int
    faults: tuple[str, ...]
    recipe_hash: str | None
    metrics: Mapping[str, tuple[float, str]]
    untrained: Mapping[str, float]
    curves: Mapping[str, Curve]
    line: RunLine


def shown_run(record: Record, content: ReportContent) -> ShownRun:
    """What is shown of `record`."""
    measured = record.measurement
    quality = measured.quality if measured is not None else None
    points = quality.curve if quality is not None else ()
    names = dict.fromkeys(name for point in points for name in point.metrics)
    return ShownRun(
        run_id=record.run_id,
        seed=record.seed,
        faults=record.faults,
        recipe_hash=measured.recipe_hash if measured is not None else None,
        metrics={name: (each.value, each.unit) for name, each in quality.metrics.items()} if quality else {},
        untrained=quality.untrained if quality else {},
        curves={name: _curve([point for point in points if name in point.metrics], name) for name in names},
        line=run_line(record, content),
    )


def _curve(points: Sequence[CurvePoint], name: str) -> Curve:
    return Curve(
        epochs=[point.epoch for point in points],
        steps=[point.step for point in points],
        values=[point.metrics[name] for point in points],
    )


def shown_runs(content: ReportContent) -> list[ShownRun]:
    """What is shown of the runs of the one cell of `content`, newest first."""
    found = [*(shown_run(record, content) for record in content.records), *content.kept_runs]
    return sorted(found, key=lambda run: (run.line.created_iso, run.run_id), reverse=True)


# Kept


def parts_path(out: Path, cell: str) -> Path:
    """Where what is kept of the runs of `cell` lies below the report's folder `out`."""
    return out / FOLDER / f"{Path(formats.cell_page(cell)).stem}.json"


class KeptRuns:
    """What is kept of the runs of a cell below a report's folder.

    Args:
      code: digest of what wrote the pages: by another code, nothing is kept.
    """

    def __init__(self, out: Path, cell: str, code: str) -> None:
        self._path = parts_path(out, cell)
        self._about = [cell, code]
        self._told: dict[str, Any] = {}

    def read(self) -> dict[str, ShownRun]:
        """Those that are kept."""
        try:
            text = self._path.read_text(encoding="utf-8")
            if any(f'"{name}"' in text for name in NON_FINITE):
                return {}
            told = json.loads(text)
            if told["about"] != self._about:
                return {}
            found = {run_id: _run(each) for run_id, each in told["runs"].items()}
        except (OSError, AttributeError, LookupError, TypeError, ValueError):
            return {}
        self._told = told["runs"]
        return found

    def keep(self, runs: Iterable[ShownRun], content: ReportContent) -> dict[str, Any]:
        """Keeps `runs`, of which `content` has some from here; returns run -> its line as a JSON value.

        Raises:
          OSError: the disk refuses.
        """
        old = {run.run_id for run in content.kept_runs}
        told = {run.run_id: self._told[run.run_id] if run.run_id in old else encode(run) for run in runs}
        text = json.dumps({"about": self._about, "runs": told}, allow_nan=False)
        atomic_write_text(self._path, text, durable=False)
        return {run_id: each["line"] for run_id, each in told.items()}


def _run(told: dict[str, Any]) -> ShownRun:
    line = dict(told["line"])
    for name in ("outcome", "speed_word"):
        line[name] = None if line[name] is None else _word(**line[name])
    return ShownRun(
        run_id=told["run_id"],
        seed=told["seed"],
        faults=tuple(told["faults"]),
        recipe_hash=told["recipe_hash"],
        metrics={name: (value, unit) for name, (value, unit) in told["metrics"].items()},
        untrained=told["untrained"],
        curves={name: Curve(**each) for name, each in told["curves"].items()},
        line=RunLine(**line),
    )


@functools.cache
def _word(text: str, icon: str, tone: str, meaning: str) -> Word:
    return Word(text=text, icon=icon, tone=tone, meaning=meaning)
