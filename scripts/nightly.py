"""`trainband nightly`: one command for cron, systemd, a CI workflow or a cluster's scheduler."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from absl import flags

from trainband.command_line import (
    UsageError,
    Verb,
    check_required,
    define_judge_throughput,
    define_training,
    seconds_of,
)
from trainband.notifying import check_notify, define_notify, notify
from trainband.run import check_faults

if TYPE_CHECKING:
    from trainband.benchmarks.cells import Cell
    from trainband.benchmarks.nightly.night import Nightly
    from trainband.benchmarks.suites import Suite
    from trainband.benchmarks.sweep import SweepPlan
    from trainband.results.history.nights import Night
    from trainband.results.history.regressions import Regression
    from trainband.results.judgements import Judgement
    from trainband.session import Session

# A night that was killed is gone on with; an older one is over, and its cells are the least recent ones anyway.
SAME_NIGHT = timedelta(hours=20)


def define(values: flags.FlagValues) -> None:
    """Flags of `nightly`."""
    define_training(values)
    flags.DEFINE_string("suite", "nightly", "The cells of a night.", flag_values=values)
    text = "Shell pattern over model:tier@profile in the suite's place; may be repeated."
    flags.DEFINE_multi_string("cells", [], text, flag_values=values)
    text = "Wall time, such as 90m or 8h; a run that would end later is left for the next night. No limit by default."
    flags.DEFINE_string("budget", None, text, flag_values=values)
    flags.DEFINE_multi_string("require", [], "A profile that must be available here.", flag_values=values)
    define_judge_throughput(values)
    define_notify(values)
    flags.DEFINE_boolean("canary", True, "Look for changed numerics beside each cell.", flag_values=values)


def run(values: Any, words: list[str]) -> int:
    """Carry the night out, write the page, say what it found."""
    from trainband.benchmarks.cells import all_cells, select_cells
    from trainband.benchmarks.nightly.night import alone
    from trainband.session import Session

    if words:
        raise UsageError(f"{words[0]!r}: name cells with --cells")
    check_faults(values.fault)
    check_notify(values)
    budget_sec = None if values.budget is None else seconds_of("budget", values.budget)
    session = Session(values)
    check_required(values.require, session.profiles)
    suite, known = _suite(values), all_cells(session.models, session.profiles)
    cells = suite.select(known) if suite.name else select_cells(suite.cells, known)
    with alone(session.store):
        return _carry_out(values, session, suite, cells, budget_sec)


def _suite(values: Any) -> Suite:
    """The suite that is named, or the cells in its place as one without a name."""
    from trainband.benchmarks.suites import Suite, find_suite

    if values.cells:
        return Suite(name="", title="", cells=tuple(values.cells))
    return find_suite(values.suite)


def _carry_out(values: Any, session: Session, suite: Suite, cells: list[Cell], budget_sec: float | None) -> int:
    from trainband.benchmarks.nightly.budget import Budget
    from trainband.progress import watcher
    from trainband.results.history.night_status import night_status
    from trainband.sweep import site_of, throughput_of

    budget, today = Budget(seconds=budget_sec), datetime.now(UTC).date()
    plan, cells = _plan(values, session, suite, cells)
    session.check_bands(cells)
    for line in session.prepare_data(cells):
        _say(f"trainband nightly: {line}")
    with session.runner() as runner, watcher(plan, session.store, quiet=values.json) as watch:
        nightly = _nightly(values, session, plan, cells, runner=runner, watch=watch, budget=budget, today=today)
        night, judgements = nightly.run()
    filed, _ = nightly.history.folder.all()
    speed = throughput_of(session, plan.sweep_id)
    status = night_status(
        night,
        judgements,
        filed,
        required=frozenset(plan.required),
        slower=values.judge_throughput and "slower" in speed.values(),
        judge_speed=values.judge_throughput,
        today=today,
    )
    night = nightly.close(status)
    page = site_of(session, None)
    notified = notify(values.notify, session.store, plan.sweep_id, page)
    _print(values, session, night, judgements, filed, today=today, page=str(page), notified=notified)
    return status


def _plan(values: Any, session: Session, suite: Suite, cells: list[Cell]) -> tuple[SweepPlan, list[Cell]]:
    """The night that was killed a few hours ago, or a new one with the least recent cells first."""
    from trainband.benchmarks.cells import find_cell
    from trainband.benchmarks.nightly.budget import least_recent_first
    from trainband.benchmarks.sweep import find_unfinished, plan_sweep

    required = tuple(dict.fromkeys([*suite.required, *values.require]))
    name = suite.name or None
    plan = find_unfinished(session.store, name, [cell.name for cell in cells], values.fault)
    if plan is not None and datetime.now(UTC) - datetime.fromisoformat(plan.created) < SAME_NIGHT:
        _say(f"going on with the night {plan.sweep_id}")
        plan = replace(plan, required=tuple(dict.fromkeys([*plan.required, *required])))
        return plan, [find_cell(run.cell, session.models, session.profiles) for run in plan.runs]
    ordered = least_recent_first(cells, session.store)
    return plan_sweep(ordered, suite=name, seeds=suite.seeds, required=required, faults=values.fault), ordered


def _nightly(
    values: Any,
    session: Session,
    plan: SweepPlan,
    cells: list[Cell],
    *,
    runner: Any,
    watch: Any,
    budget: Any,
    today: date,
) -> Nightly:
    from trainband.benchmarks.nightly.canary import Canaries
    from trainband.benchmarks.nightly.confirm import Confirmer
    from trainband.benchmarks.nightly.history import History
    from trainband.benchmarks.nightly.night import Nightly
    from trainband.benchmarks.sweep import Sweep

    catalog: dict[str, Any] = {"bands": session.bands, "models": session.models, "profiles": session.profiles}
    return Nightly(
        sweep=Sweep(plan=plan, runner=runner, available=session.available, watch=watch, **catalog),
        cells={cell.name: cell for cell in cells},
        budget=budget,
        history=History(store=session.store, faults=plan.faults, **catalog),
        canaries=Canaries(runner=runner) if values.canary else None,
        confirmer=Confirmer(runner=runner, **catalog),
        suite=" ".join(values.cells) or values.suite,
        today=today,
        say=_say,
    )


def _print(
    values: Any,
    session: Session,
    night: Night,
    judgements: list[Judgement],
    filed: list[Regression],
    *,
    today: date,
    page: str,
    notified: bool | None,
) -> None:
    from trainband.nightly_text import night_text
    from trainband.results.codec import encode

    waivers = session.bands.waivers
    if values.json:
        body = {
            "night": encode(night),
            "judgements": [encode(judgement) for judgement in judgements],
            "regressions": [encode(each) for each in filed],
            "store": str(session.store.root),
            "page": page,
            "notified": notified,
        }
        print(json.dumps(body, indent=1))
    else:
        print(night_text(night, judgements, filed, waivers, today))
        print(f"results: {session.store.root}\npage:    {page}")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


VERB = Verb(
    summary="Sweep a suite within a budget, the least recent cells first; then canaries, history and what confirms its "
    "alarms. Status 0 where all is well, 1 where a cell failed or a regression is open, 3 where something could not run, "
    "4 where something is undecided.",
    example="trainband nightly --budget=8h --store=/var/lib/trainband",
    define=define,
    run=run,
)
