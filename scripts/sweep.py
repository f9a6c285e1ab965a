"""`trainband sweep`: many cells, judged in two stages, resumable."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import flags

from trainband.command_line import (
    LARGEST_SEED,
    UsageError,
    Verb,
    check_required,
    define_judge_throughput,
    define_training,
    with_throughput,
)
from trainband.notifying import check_notify, define_notify, notify
from trainband.run import check_faults

if TYPE_CHECKING:
    from trainband.session import Session


def define(values: flags.FlagValues) -> None:
    """Flags of `sweep`."""
    define_training(values)
    flags.DEFINE_string("suite", None, "A named set of cells: see `trainband list suites`.", flag_values=values)
    flags.DEFINE_multi_string(
        "cells",
        [],
        "Shell pattern over model:tier@profile; may be repeated, or more given as words.",
        flag_values=values,
    )
    flags.DEFINE_integer("seeds", None, "Runs of each cell; the suite's own number by default.", 1, flag_values=values)
    flags.DEFINE_integer("seed", None, "Pin the seed of every cell's one run.", 0, LARGEST_SEED, flag_values=values)
    flags.DEFINE_multi_string("require", [], "A profile that must be available here.", flag_values=values)
    define_judge_throughput(values)
    define_notify(values)
    flags.DEFINE_boolean("resume", False, "Go on with the newest unfinished sweep of these cells.", flag_values=values)


def run(values: Any, words: list[str]) -> int:
    """Plan or find the sweep, carry it out, write the page, say where everything is."""
    from trainband.benchmarks.sweep import Sweep
    from trainband.progress import watcher
    from trainband.results.exit_status import exit_status
    from trainband.session import Session

    globs = [*values.cells, *words]
    if bool(values.suite) == bool(globs):
        raise UsageError("give either --suite=NAME or --cells=GLOB; `trainband list suites` and `list cells` show them")
    check_faults(values.fault)
    check_notify(values)
    if values.seed is not None and (values.seeds or 1) > 1:
        raise UsageError(f"--seed={values.seed} pins one run a cell; leave --seeds={values.seeds} out")
    if values.resume and (values.seed is not None or values.seeds is not None):
        raise UsageError("--resume goes on with the seeds of the sweep that it finds; leave --seed and --seeds out")
    session = Session(values)
    plan, cells = _plan(values, session, globs)
    session.check_bands(cells)
    for line in session.prepare_data(cells):
        print(f"trainband sweep: {line}", file=sys.stderr)
    with session.runner() as runner, watcher(plan, session.store, quiet=values.json) as watch:
        judgements = Sweep(
            plan=plan,
            runner=runner,
            bands=session.bands,
            models=session.models,
            profiles=session.profiles,
            available=session.available,
            watch=watch,
        ).run()
    page = site_of(session, plan.sweep_id)
    throughput = throughput_of(session, plan.sweep_id)
    notified = notify(values.notify, session.store, plan.sweep_id, page)
    _print(values, session, plan, judgements, page, throughput, notified)
    status = exit_status(judgements, frozenset(plan.required))
    return with_throughput(status, throughput) if values.judge_throughput else status


def _plan(values: Any, session: Session, globs: list[str]) -> tuple[Any, list[Any]]:
    from trainband.benchmarks.cells import all_cells, find_cell, select_cells
    from trainband.benchmarks.suites import find_suite
    from trainband.benchmarks.sweep import find_unfinished, plan_sweep

    check_required(values.require, session.profiles)
    known = all_cells(session.models, session.profiles)
    suite = find_suite(values.suite) if values.suite else None
    cells = suite.select(known) if suite else select_cells(globs, known)
    required = tuple(dict.fromkeys([*(suite.required if suite else ()), *values.require]))
    if values.resume:
        plan = find_unfinished(session.store, values.suite, [cell.name for cell in cells], values.fault)
        if plan is not None:
            plan = replace(plan, required=tuple(dict.fromkeys([*plan.required, *required])))
            return plan, [find_cell(run.cell, session.models, session.profiles) for run in plan.runs]
        print("no unfinished sweep of these cells: a new one begins", file=sys.stderr)
    plan = plan_sweep(
        cells,
        suite=values.suite,
        seeds=1 if values.seed is not None else values.seeds or (suite.seeds if suite else 1),
        required=required,
        pinned_seed=values.seed,
        faults=values.fault,
    )
    return plan, cells


def site_of(session: Session, sweep_id: str | None) -> Path:
    """The page of a sweep, or of the whole store, written beside it."""
    from trainband.report import write_site

    return write_site(
        session.store,
        session.bands,
        session.store.root / "site",
        models=session.models,
        profiles=session.profiles,
        available=session.availability(),
        sweep_id=sweep_id,
    )


def throughput_of(session: Session, sweep_id: str) -> dict[str, str]:
    """Cell -> the word on its throughput, beside the earlier runs of the store."""
    from trainband.benchmarks.rejudge import rejudge, throughput_words

    checked = rejudge(session.store, session.bands, models=session.models, profiles=session.profiles, sweep_id=sweep_id)
    return throughput_words(checked)


def _print(
    values: Any,
    session: Session,
    plan: Any,
    judgements: Any,
    page: Path,
    throughput: dict[str, str],
    notified: bool | None,
) -> None:
    from trainband.benchmarks.judging import expected_false_fails
    from trainband.results.codec import encode

    expected = expected_false_fails(judgements, session.bands)
    if values.json:
        body = {
            "sweep_id": plan.sweep_id,
            "judgements": [encode(judgement) for judgement in judgements],
            "throughput": throughput,
            "expected_false_fails": expected,
            "store": str(session.store.root),
            "page": str(page),
            "notified": notified,
        }
        print(json.dumps(body, indent=1))
        return
    counts: dict[str, int] = {}
    for judgement in judgements:
        counts[judgement.verdict] = counts.get(judgement.verdict, 0) + 1
    print(", ".join(f"{count} {verdict}" for verdict, count in counts.items()))
    print(f"expected false fails of a sweep like this: {expected:.4f}")
    print(f"results: {session.store.root}")
    print(f"page:    {page}")


VERB = Verb(
    summary="Train and judge every cell of a suite or of patterns; fresh seeds confirm before anything is called failed.",
    example="trainband sweep --suite=quick",
    define=define,
    run=run,
    words="[GLOB ...]",
)
