"""A report with something in every place, hostile text wherever text may stand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from trainband.results.history.canaries import Canary, Mark
from trainband.results.history.environment_marks import EnvironmentMark
from trainband.results.history.looking import look_at
from trainband.results.history.nights import Night, Waiting
from trainband.results.history.regressions import EnvironmentChange, Event, Regression
from trainband.results.history.series import Baseline, Era, Points, Quantity, Series
from trainband.results.index_rows import Problem, RunRow
from trainband.results.judgements import Judgement
from trainband.results.pages.content import ReportContent
from trainband.results.pages.history_content import CellHistory, HistoryContent
from trainband.results.pages.run_extras import RunExtras, TraceFacts
from trainband.results.records import Record
from trainband.results.waivers import Waiver

NOW = "2026-03-03T05:06:07+02:00"
SWEEP = "20260303T030000-quick-abcdef"
HOSTILE = "</script><script>alert('x')</script>\x00\x1b[31m\udcff\u202e\"'&<b>"


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
    points = Points(
        [f"old-{n}" if n else run.run_id for n in range(6)],
        [f"2026-02-{n + 1:02d}T04:00:00+00:00" for n in range(6)],
        [0.95, 0.96, 0.95, 0.88, 0.87, 0.88],
        [()] * 6,
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


@pytest.fixture
def hostile() -> str:
    """Text that a page must show and never obey."""
    return HOSTILE


@pytest.fixture
def make_row() -> Callable[[str, str, str], RunRow]:
    """`make_row(cell, run_id, created)`: a healthy row of an index."""
    return _row_of


@pytest.fixture
def make_nights() -> Callable[[str, int], list[RunRow]]:
    """`make_nights(cell, count)`: a run a night, two environments, the newest first."""
    return _nights


@pytest.fixture
def make_extras() -> Callable[[str], RunExtras]:
    """`make_extras(text)`: a trace and a receipt that say `text`."""
    return _extras


@pytest.fixture
def make_history() -> Callable[[Record, str], HistoryContent]:
    """`make_history(run, text)`: something of each kind, all of which say `text`."""
    return _history


@pytest.fixture
def everything(
    make_content: Callable[..., ReportContent],
    make_run: Callable[..., Record],
    make_judgement: Callable[..., Judgement],
    with_curve: Callable[[Record], Record],
) -> ReportContent:
    """Runs that passed, broke and are old, a sweep that is running and one that waits, and a history."""
    good = with_curve(make_run("night-1", sweep_id=SWEEP))
    failed = make_run("night-2", outcome="error", profile="cpu_xla", log_tail="Killed", sweep_id=SWEEP)
    old = with_curve(make_run("night-0", created="2026-02-01T04:00:00+00:00"))
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
    return replace(content, judgements=(*content.judgements, make_judgement("error", failed, cell=failed.cell)))
