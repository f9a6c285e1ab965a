"""`trainband run`: one training of one cell, judged as far as one run can be."""

from __future__ import annotations

import json
import sys
from typing import Any

from absl import flags

from trainband.command_line import LARGEST_SEED, UsageError, Verb, define_training, one_cell


def define(values: flags.FlagValues) -> None:
    """Flags of `run`."""
    define_training(values)
    flags.DEFINE_integer("seed", None, "The run's seed; a fresh one by default.", 0, LARGEST_SEED, flag_values=values)


def run(values: Any, words: list[str]) -> int:
    """Train once, store the record, judge it without a second stage."""
    from trainband.benchmarks.cells import find_cell
    from trainband.session import Session

    name = one_cell(words)
    session = Session(values)
    check_faults(values.fault)
    cell = find_cell(name, session.models, session.profiles)
    availability = session.available(cell.profile)
    if not availability.available:
        return _skipped(values, cell, availability.reason)
    session.check_bands([cell])
    return _train(values, session, cell)


def check_faults(names: list[str]) -> None:
    """Raise UsageError for a fault that does not exist."""
    from trainband.benchmarks.faults import planted

    try:
        planted(names)
    except ValueError as error:
        raise UsageError(f"--fault: {error}") from error


def _skipped(values: Any, cell: Any, reason: str) -> int:
    from trainband.benchmarks.judging import new_judgement_id, now_utc
    from trainband.results.exit_status import exit_status
    from trainband.results.judgements import judgement_to_json, skipped_judgement

    judgement = skipped_judgement(
        judgement_id=new_judgement_id("skipped"), created=now_utc(), cell=cell.name, reason=reason
    )
    if values.json:
        print(json.dumps({"record": None, "judgement": json.loads(judgement_to_json(judgement))}, indent=1))
    else:
        print(f"{cell.name}: skipped: {reason}")
    return exit_status([judgement])


def _train(values: Any, session: Any, cell: Any) -> int:
    from trainband.benchmarks.judging import judge_cell, new_judgement_id, store_judgement
    from trainband.benchmarks.runner import RunRequest
    from trainband.benchmarks.seeds import sweep_seed
    from trainband.results.codec import encode
    from trainband.results.exit_status import exit_status
    from trainband.summaries import run_summary

    for line in session.prepare_data([cell]):
        print(f"trainband run: {line}", file=sys.stderr)
    pinned = values.seed is not None
    seed = values.seed if pinned else sweep_seed(new_judgement_id("run"), cell.name, 0)
    with session.runner() as runner:
        record = runner.run(
            RunRequest(cell=cell, seed=seed, seed_role="pinned" if pinned else "sweep", faults=tuple(values.fault))
        )
    judgement = judge_cell(cell, record, (), session.bands, judgement_id=new_judgement_id(record.run_id))
    store_judgement(session.store, judgement)
    if values.json:
        print(json.dumps({"record": encode(record), "judgement": encode(judgement)}, indent=1))
    else:
        print(run_summary(record, judgement, session.store.run_path(record.run_id)))
    return exit_status([judgement])


VERB = Verb(
    summary="Train one cell once, from scratch, and judge the run. One run never starts the second stage.",
    example="trainband run cnn_digits:smoke@cpu --seed=0",
    define=define,
    run=run,
    words="MODEL:TIER@PROFILE",
)
