"""`trainband variance`: how the final metrics scatter when one factor varies and the rest is held."""

from __future__ import annotations

import json
import sys
from typing import Any

from absl import flags

from trainband.command_line import INFRASTRUCTURE, UsageError, Verb, define_training, one_cell
from trainband.tables import plain_table, significant


def define(values: flags.FlagValues) -> None:
    """Flags of `variance`."""
    define_training(values)
    flags.DEFINE_integer("seeds", 20, "Runs of each factor.", 2, flag_values=values)
    flags.DEFINE_multi_string("factor", [], "A factor to vary; all by default.", flag_values=values)
    flags.DEFINE_integer("pairs", 3, "Pairs of runs that price determinism; 0 for none.", 0, flag_values=values)


def run(values: Any, words: list[str]) -> int:
    """Train what the store lacks; print a table."""
    from trainband.benchmarks.variance import FACTORS, VarianceError, VarianceExperiment
    from trainband.results.codec import encode
    from trainband.session import NotHere, Session

    name = one_cell(words)
    unknown = [factor for factor in values.factor if factor not in FACTORS]
    if unknown:
        raise UsageError(f"--factor={unknown[0]}: name one of {', '.join(FACTORS)}")
    if values.fault:
        raise UsageError("--fault: variance is measured on healthy runs")
    session = Session(values)
    try:
        cell = session.banded_cell(name)
    except NotHere as error:
        print(f"trainband variance: {error}", file=sys.stderr)
        return INFRASTRUCTURE
    with session.runner() as runner:
        experiment = VarianceExperiment(
            cell=cell, runner=runner, seeds=values.seeds, factors=tuple(values.factor) or tuple(FACTORS)
        )
        try:
            spreads = experiment.run(_progress(values))
            cost = _cost(values, session, cell, runner)
        except VarianceError as error:
            print(f"trainband variance: {error}", file=sys.stderr)
            return INFRASTRUCTURE
    if values.json:
        print(json.dumps(encode({"cell": cell.name, "spreads": spreads, "determinism": cost}), indent=1))
    else:
        print(_text(cell.name, spreads, cost))
    return 0


def _progress(values: Any) -> Any:
    def say(factor: str, index: int, record: Any) -> None:
        if not values.json:
            print(f"[{index + 1}/{values.seeds}] {factor}: {record.run_id}", file=sys.stderr, flush=True)

    return say


def _cost(values: Any, session: Any, cell: Any, runner: Any) -> Any:
    """What determinism costs, where a profile differs from the cell's in nothing else."""
    from dataclasses import replace

    from trainband.benchmarks.variance import determinism_cost

    plain = cell.profile
    wanted = [
        profile
        for profile in session.profiles.values()
        if profile.deterministic
        and replace(profile, deterministic=False, name=plain.name, title=plain.title, notes=plain.notes) == plain
    ]
    if not wanted or not values.pairs:
        return None
    return determinism_cost(cell, replace(cell, profile=wanted[0]), runner, pairs=values.pairs)


def _text(name: str, spreads: Any, cost: Any) -> str:
    rows = [
        {
            "varies": each.factor,
            "metric": each.metric,
            "n": each.n,
            "mean": significant(each.center),
            "sd": _sd(each, each.sd),
            "95% limits of the sd": f"[{_sd(each, each.lower)}, {_sd(each, each.upper)}]",
            "ends": "bit-equal" if each.distinct == 1 else f"{each.distinct} different",
        }
        for each in spreads
    ]
    lines = [name, plain_table(rows), "standard deviations, each with the rest held: they are no shares of the total"]
    if cost is not None:
        ratios = [f"{significant(r, 3)} a {basis} second" for basis, r in (("wall", cost.wall), ("CPU", cost.cpu)) if r]
        lines.append(f"determinism ({cost.profile}): speed x {', '.join(ratios) or 'unknown'} ({cost.pairs} pairs)")
    return "\n".join(lines)


def _sd(spread: Any, value: float) -> str:
    return f"{value:.2%}" if spread.scale == "log" else significant(value, 2)


VERB = Verb(
    summary="Vary the initial weights, the batches, the random draws or nothing at all, and say how the metrics scatter.",
    example="trainband variance cnn_digits:smoke@cpu --seeds=20",
    define=define,
    run=run,
    words="MODEL:TIER@PROFILE",
)
