"""`trainband run`: one training of one cell, judged as far as one run can be."""

from __future__ import annotations

import json
import sys
from typing import Any

from absl import flags

from trainband.command_line import LARGEST_SEED, UsageError, Verb, define_seconds, define_training, one_cell

CHECKPOINT_EVERY_SEC = 60.0
FACTORS = {
    "initial_weights": "the initial weights",
    "batches": "the order of the examples and their augmentation",
    "draws": "the random layers",
}
# Flag -> the factors that it takes from a stored run.
TRANSPLANTS = {"init_from": ("initial_weights",), "batches_from": ("batches", "draws")}


def define(values: flags.FlagValues) -> None:
    """Flags of `run`."""
    define_training(values)
    flags.DEFINE_integer("seed", None, "The run's seed; a fresh one by default.", 0, LARGEST_SEED, flag_values=values)
    for factor, of in FACTORS.items():
        text = f"Seed of {of} alone; the run's seed by default."
        flags.DEFINE_integer(f"{factor}_seed", None, text, 0, LARGEST_SEED, flag_values=values)
    flags.DEFINE_string("init_from", None, "Begin with the initial weights of this stored run.", flag_values=values)
    text = "Feed the batches, augmentation and random draws of this stored run."
    flags.DEFINE_string("batches_from", None, text, flag_values=values)
    text = "Keep checkpoints, and go on from one where this run, or without --seed one of the cell, was killed."
    flags.DEFINE_boolean("resume", False, text, flag_values=values)
    text = f"Seconds between two checkpoints, at least, with --resume; {CHECKPOINT_EVERY_SEC:g} by default."
    define_seconds("checkpoint_every", text, 0.0, values)
    define_environment(values)


def define_environment(values: flags.FlagValues) -> None:
    """Flags that name what children run under."""
    text = (
        "Train under this environment: an interpreter, a file of requirements or a lock, or requirements such as "
        "tensorflow==2.16.2, which are solved and built once; the present environment by default."
    )
    flags.DEFINE_multi_string("environment", [], text, flag_values=values)
    text = "Solve --environment with what was released by this day; the day of the newest release it pins by default."
    flags.DEFINE_string("as_of", None, text, flag_values=values)


def run(values: Any, words: list[str]) -> int:
    """Train once, store the record, judge it without a second stage."""
    from trainband.benchmarks.cells import find_cell
    from trainband.session import Session

    name = one_cell(words)
    session = Session(values)
    check_faults(values.fault)
    if values.checkpoint_every is not None and not values.resume:
        raise UsageError(f"--checkpoint-every={values.checkpoint_every:g} keeps checkpoints for --resume; give both")
    cell = find_cell(name, session.models, session.profiles)
    session.take_environment(cell.profile)
    availability = session.available(cell.profile)
    if not availability.available:
        return _skipped(values, cell, availability.reason)
    session.check_bands([cell])
    return _train(values, session, cell)


def check_faults(names: list[str]) -> None:
    """Raise UsageError for a fault that does not exist."""
    from trainband.benchmarks.faults.registry import planted

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
    factor_seeds = _factor_seeds(values, session.store, cell)
    transplant = _transplant(values, session.store, cell)
    seed = values.seed if pinned else _unfinished_seed(values, session.store, cell, factor_seeds)
    if seed is None:
        seed = sweep_seed(new_judgement_id("run"), cell.name, 0)
    with session.runner(checkpoint_every_sec=_checkpoint_every_sec(values)) as runner:
        record = runner.run(
            RunRequest(
                cell=cell,
                seed=seed,
                seed_role="pinned" if pinned else "sweep",
                faults=tuple(values.fault),
                factor_seeds=factor_seeds,
                transplant=transplant,
            )
        )
    judgement = judge_cell(cell, record, (), session.bands, judgement_id=new_judgement_id(record.run_id))
    store_judgement(session.store, judgement)
    if values.json:
        print(json.dumps({"record": encode(record), "judgement": encode(judgement)}, indent=1))
    else:
        print(run_summary(record, judgement, session.store.run_path(record.run_id)))
    return exit_status([judgement])


def _unfinished_seed(values: Any, store: Any, cell: Any, factor_seeds: Any) -> int | None:
    """The seed of the run to go on with, if any."""
    from trainband.benchmarks.resuming import unfinished_seed

    return unfinished_seed(store.root, cell, values.fault, factor_seeds) if values.resume else None


def _checkpoint_every_sec(values: Any) -> float | None:
    if not values.resume:
        return None
    return CHECKPOINT_EVERY_SEC if values.checkpoint_every is None else float(values.checkpoint_every)


def _factor_seeds(values: Any, store: Any, cell: Any) -> Any:
    """The seeds that the flags name, and those of the runs that they take factors from."""
    from trainband.results.records import FactorSeeds

    found = {factor: getattr(values, f"{factor}_seed") for factor in FACTORS}
    for flag, factors in TRANSPLANTS.items():
        named = getattr(values, flag)
        if named is None:
            continue
        option = f"--{flag.replace('_', '-')}"
        donor = _donor(option, named, store, cell)
        for factor in factors:
            if found[factor] is not None:
                raise UsageError(
                    f"{option} and --{factor.replace('_', '-')}-seed both name the seed of {FACTORS[factor]}"
                )
            found[factor] = getattr(donor.seeds, factor)
    return FactorSeeds(**found)


def _donor(option: str, named: str, store: Any, cell: Any) -> Any:
    """The record that `option` names."""
    donor = store.read_record(store.find_run(named))
    if (donor.model, donor.tier) != (cell.model.name, cell.recipe.tier):
        raise UsageError(
            f"{option}={named}: a run of {donor.model}:{donor.tier}; take one of {cell.model.name}:{cell.recipe.tier}"
        )
    return donor


def _transplant(values: Any, store: Any, cell: Any) -> Any:
    """The file of initial weights to begin with, of a stock recipe; otherwise the seed says them, on every framework."""
    from trainband.benchmarks.run_spec import INITIAL_FILE
    from trainband.benchmarks.runner import Transplant

    if values.init_from is None or not cell.recipe.stock:
        return None
    if values.resume:
        raise UsageError(
            f"--init-from and --resume: a run of {cell.name} that takes its weights from a file keeps no checkpoint"
        )
    run_id = store.find_run(values.init_from)
    path = store.run_path(run_id) / INITIAL_FILE
    if not path.is_file():
        raise UsageError(f"--init-from={values.init_from}: run {run_id} did not get as far as its initial weights")
    return Transplant(run_id=run_id, weights=path)


VERB = Verb(
    summary="Train one cell once, from scratch, and judge the run. One run never starts the second stage.",
    example="trainband run cnn_digits:smoke@cpu --seed=0",
    define=define,
    run=run,
    words="MODEL:TIER@PROFILE",
)
