"""A sweep as it happens: a table that fills in on a terminal, plain lines in a pipe."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from trainband.benchmarks.sweep import PlannedRun, SweepEvent, SweepPlan
from trainband.results.judgements import SIGNS, Judgement
from trainband.results.records import Record
from trainband.results.store import RunFilter, Store
from trainband.tables import STYLES, duration, significant


@contextmanager
def watcher(plan: SweepPlan, store: Store, *, quiet: bool) -> Iterator[Callable[[SweepEvent], None]]:
    """A function to hand to a sweep; what it shows goes to standard output, nothing where `quiet`."""
    console = Console(highlight=False)
    if quiet:
        yield lambda event: None
    elif console.is_terminal:
        board = Board(plan, _earlier_sec(plan, store))
        with Live(board.render(), console=console, refresh_per_second=4, get_renderable=board.render) as live:
            yield board.on_event
            board.finished = True
            live.update(board.render(), refresh=True)
    else:
        board = Board(plan, _earlier_sec(plan, store))

        def tell(event: SweepEvent) -> None:
            board.on_event(event)
            if event.kind != "started":
                print(board.line(event), flush=True)

        yield tell
    sys.stdout.flush()


def _earlier_sec(plan: SweepPlan, store: Store) -> dict[str, float]:
    """Seconds that the newest recorded run of each cell took."""
    found: dict[str, float] = {}
    for cell in {run.cell for run in plan.runs}:
        rows = store.rows(RunFilter(cell=cell, outcome="completed", limit=1))
        if rows:
            found[cell] = rows[0].wall_sec
    return found


class Board:
    """The state of a sweep on the screen."""

    def __init__(self, plan: SweepPlan, earlier_sec: dict[str, float]) -> None:
        self._plan = plan
        self._earlier_sec = earlier_sec
        self._judged: dict[int, tuple[Judgement, Record | None]] = {}
        self._running: PlannedRun | None = None
        self._confirming = False
        self._began = time.monotonic()
        self._run_began = self._began
        self.finished = False

    def on_event(self, event: SweepEvent) -> None:
        """Take in what happened."""
        if event.kind == "started":
            self._running, self._confirming, self._run_began = event.planned, False, time.monotonic()
        elif event.kind == "confirming":
            self._confirming = True
        elif event.judgement is not None:
            self._judged[event.planned.index] = (event.judgement, event.record)
            if event.record is not None:
                self._earlier_sec[event.planned.cell] = event.record.wall_sec
            self._running = None

    def line(self, event: SweepEvent) -> str:
        """The event as one plain line."""
        done = f"[{len(self._judged)}/{len(self._plan.runs)}]"
        if event.kind == "confirming" and event.judgement is not None:
            return f"{done} {event.planned.cell}: outside its band, two fresh seeds follow: {event.judgement.reason}"
        judgement, record = self._judged[event.planned.index]
        verdict, figures, note = _columns(judgement, record)
        return f"{done} {event.planned.cell}: {verdict} {' '.join(figures)} {note}".rstrip()

    def render(self) -> Group:
        """The table as it stands now."""
        table = Table(box=None, pad_edge=False, header_style="bold")
        for name in ("cell", "verdict"):
            table.add_column(name, no_wrap=True)
        for name in ("metric", "log-loss", "examples/s"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("", overflow="fold", ratio=1)
        for planned in self._plan.runs:
            table.add_row(*self._row(planned))
        return Group(table, Text(self._foot(), style="dim"))

    def _row(self, planned: PlannedRun) -> list[Text | str]:
        name = planned.cell if planned.repeat == 0 else f"{planned.cell} #{planned.repeat + 1}"
        if planned.index in self._judged:
            judgement, record = self._judged[planned.index]
            verdict, figures, note = _columns(judgement, record)
            style = STYLES[judgement.verdict]
            dim = "dim" if judgement.verdict == "skipped" else ""
            return [Text(name, dim), Text(verdict, style), *figures, Text(note, "dim")]
        if self._running is not None and planned.index == self._running.index:
            seconds = duration(time.monotonic() - self._run_began)
            what = "confirming with fresh seeds" if self._confirming else "training"
            return [name, Text("…", "bold cyan"), "", "", "", Text(f"{what}, {seconds}", "cyan")]
        return [Text(name, "dim"), "", "", "", "", ""]

    def _foot(self) -> str:
        spent = duration(time.monotonic() - self._began)
        left = self._left_sec()
        if self.finished:
            return f"{len(self._judged)} of {len(self._plan.runs)} cells judged in {spent}"
        about = f", about {duration(left)} left" if left is not None else ""
        return f"{len(self._judged)} of {len(self._plan.runs)} done, {spent} so far{about}"

    def _left_sec(self) -> float | None:
        known = list(self._earlier_sec.values())
        if not known:
            return None
        typical = sum(known) / len(known)
        skipped = {
            self._plan.runs[i].cell for i, (judgement, _) in self._judged.items() if judgement.verdict == "skipped"
        }
        waiting = [run for run in self._plan.runs if run.index not in self._judged and run.cell not in skipped]
        total = sum(self._earlier_sec.get(run.cell, typical) for run in waiting)
        return max(0.0, total - (time.monotonic() - self._run_began if self._running else 0.0))


def _columns(judgement: Judgement, record: Record | None) -> tuple[str, list[str], str]:
    verdict = f"{SIGNS[judgement.verdict]} {judgement.verdict}"
    note = judgement.reason if judgement.verdict != "pass" else "; ".join(judgement.notes)
    measurement = record.measurement if record else None
    if measurement is None:
        return verdict, ["", "", ""], note
    values = [f"{metric.value:.4f}" for metric in measurement.quality.metrics.values()]
    speed = measurement.throughput
    text = significant(speed.examples_per_sec) + ("*" if speed.contended else "")
    return verdict, [*values[:2], text], note
