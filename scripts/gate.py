"""`trainband gate`: may a candidate environment take the place of a baseline?"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import flags

from trainband.command_line import INFRASTRUCTURE, UsageError, Verb, define_retraining, optional_path, seconds_of

if TYPE_CHECKING:
    from trainband.results.gate.speed import GateSide
    from trainband.results.throughput import Basis

_CLOCKS: dict[str, tuple[Basis, ...]] = {"both": ("cpu", "wall"), "cpu": ("cpu",), "wall": ("wall",), "none": ()}


def define(values: flags.FlagValues) -> None:
    """Flags of `gate`."""
    define_retraining(values)
    define_sides(values)
    flags.DEFINE_string("suite", "gate", "The cells that are planned.", flag_values=values)
    flags.DEFINE_multi_string("cells", [], "Plan these cells instead: a glob over cells.", flag_values=values)
    flags.DEFINE_string(
        "budget", "30m", "Wall time, such as 90s, 30m or 2h; the gate can be gone on with.", flag_values=values
    )
    text = "What speed is judged by: CPU seconds, wall seconds, both, or not at all."
    flags.DEFINE_enum("speed", "both", list(_CLOCKS), text, flag_values=values)
    text = "A cell whose change of meaning may ship."
    flags.DEFINE_multi_string("acknowledge", [], text, flag_values=values)
    flags.DEFINE_string("out", None, "Directory for the reports; the gate's own by default.", flag_values=values)


def define_sides(values: flags.FlagValues) -> None:
    """Flags that name two environments."""
    asked = "requirements, a file of them, a lock, a wheel, or an interpreter"
    flags.DEFINE_multi_string("baseline", [], f"The environment that is in use: {asked}.", flag_values=values)
    flags.DEFINE_multi_string("candidate", [], f"The environment that may take its place: {asked}.", flag_values=values)
    text = "Solve both with what was released by this day; by default each with the day of the newest release it pins."
    flags.DEFINE_string("as_of", None, text, flag_values=values)


def run(values: Any, words: list[str]) -> int:
    """Build both environments, fill the experiment, write the reports, answer."""
    from trainband.benchmarks.gate.evidence import NoMargin
    from trainband.benchmarks.gate.planning import PlanError
    from trainband.results.gate.gates import GateFileError
    from trainband.session import NotHere, Session

    if words:
        raise UsageError(f"{words[0]!r}: name cells with --cells")
    if not values.baseline or not values.candidate:
        raise UsageError(
            "give --baseline and --candidate, such as --baseline=tensorflow==2.20.0 --candidate=./my_tf.whl"
        )
    budget_sec = seconds_of("budget", values.budget)
    session = Session(values)
    try:
        with _experiment(values, session, budget_sec) as (experiment, folder):
            judgement = experiment.run()
            _report(values, experiment.gate, judgement, folder)
    except (PlanError, NoMargin, GateFileError) as error:
        raise UsageError(str(error)) from error
    except NotHere as error:
        print(f"trainband gate: {error}", file=sys.stderr)
        return INFRASTRUCTURE
    return int(judgement.exit_status)


@contextmanager
def _experiment(values: Any, session: Any, budget_sec: float) -> Iterator[tuple[Any, Path]]:
    """The experiment, its children and its folder; all of it ends with the block."""
    from trainband.benchmarks.children import ChildPool
    from trainband.benchmarks.gate.experiment import TIMED_PAIRS
    from trainband.benchmarks.gate.folders import held_folder
    from trainband.benchmarks.gate.planning import bands_of, begun, estimated_sec, planned_gate
    from trainband.tables import duration

    cells = _cells(values, session)
    bands = bands_of(cells, session.bands)
    unknown = set(values.acknowledge) - {cell.name for cell in cells}
    if unknown:
        raise UsageError(f"--acknowledge={sorted(unknown)[0]}: no planned cell")
    sides = environments(values, session, cells)
    with ExitStack() as stack:
        pools = {name: stack.enter_context(ChildPool()) for name in sides}
        runners = {name: _runner(values, session, sides[name], pools[name]) for name in sides}
        host_class, code = runners["baseline"].surroundings(cells[0])
        planned = planned_gate(
            cells, bands, sides, suite=_plan(values), host_class=host_class, code=code, as_of=values.as_of or ""
        )
        folder = stack.enter_context(held_folder(session.store.root / "gates" / planned.key))
        gate = begun(folder, planned)
        timed_pairs = TIMED_PAIRS if _CLOCKS[values.speed] else 0
        seconds = estimated_sec(gate, session.store, timed_pairs=timed_pairs)
        _say(f"gate {gate.key}: {len(cells)} cells, about {duration(seconds)} until their bits and speed are known")
        parts = {"gate": gate, "cells": {cell.name: cell for cell in cells}, "bands": bands, "budget_sec": budget_sec}
        yield _filling(values, parts, folder, sides, runners), folder


def _runner(values: Any, session: Any, side: Any, pool: Any) -> Any:
    from trainband.benchmarks.data.cache import cache_root
    from trainband.benchmarks.runner import Runner
    from trainband.session import say_waiting

    return Runner(
        store=session.store,
        pool=pool,
        cache_root=cache_root(),
        environment=side.environment,
        time_limit_sec=values.time_limit,
        on_wait=say_waiting,
    )


def _filling(values: Any, parts: dict[str, Any], folder: Path, sides: Any, runners: Any) -> Any:
    """What fills the gate's document."""
    from trainband.benchmarks.diff.refine import Rerunner
    from trainband.benchmarks.gate.evidence import EvidenceReader
    from trainband.benchmarks.gate.experiment import GateExperiment
    from trainband.benchmarks.gate.pairing import Pairing
    from trainband.benchmarks.gate.timed_pairs import TimedSide
    from trainband.results.gate.gates import GATE_FILE, write_gate
    from trainband.session import say_waiting

    bases = _CLOCKS[values.speed]
    baseline = runners["baseline"]
    host_class = parts["gate"].host_class
    timed = [TimedSide(name=name, python=sides[name].environment.python, pool=runners[name].pool) for name in sides]
    return GateExperiment(
        **parts,
        reader=EvidenceReader(store=baseline.store, bases=bases),
        pairing=Pairing(store=baseline.store, environments=sides, runners=runners, host_class=host_class),
        rerunner=Rerunner(pool=baseline.pool, cache_root=baseline.cache_root, on_wait=say_waiting),
        timed=timed if bases else None,
        save=lambda grown: write_gate(folder / GATE_FILE, grown),
        acknowledged=frozenset(values.acknowledge),
        on_wait=say_waiting,
        say=_say,
    )


def _plan(values: Any) -> str:
    return " ".join(values.cells) if values.cells else values.suite


def _cells(values: Any, session: Any) -> list[Any]:
    from trainband.benchmarks.cells import all_cells, select_cells
    from trainband.benchmarks.suites import find_suite

    known = all_cells(session.models, session.profiles)
    found = select_cells(values.cells, known) if values.cells else find_suite(values.suite).select(known)
    speed_only = [cell.name for cell in found if cell.recipe.throughput_only]
    if speed_only:
        raise UsageError(f"{speed_only[0]} trains for its speed alone: it has no quality to gate")
    return list(found)


def environments(values: Any, session: Any, cells: list[Any]) -> dict[Any, Any]:
    """Both sides, built; the versions that differ are shown before anything runs."""
    from trainband.benchmarks.data.cache import cache_root
    from trainband.benchmarks.gate.planning import only_backend
    from trainband.benchmarks.gate.sides import gate_environments
    from trainband.results.gate.gates import differing_versions
    from trainband.session import day_of
    from trainband.tables import plain_table

    backend = only_backend(cells)
    asked_for: dict[GateSide, list[str]] = {"baseline": values.baseline, "candidate": values.candidate}
    found = gate_environments(asked_for, backend, as_of=day_of(values.as_of), cache_root=cache_root(), say=_say)
    baseline, candidate = found["baseline"].side, found["candidate"].side
    if baseline.target != candidate.target:
        raise UsageError(f"the sides are of two Pythons, {baseline.target} and {candidate.target}: one must serve both")
    rows = differing_versions(baseline, candidate)
    columns = ("package", "baseline", "candidate")
    _say(plain_table([dict(zip(columns, row, strict=True)) for row in rows]) if rows else "the packages are equal")
    session.environment = found["baseline"].environment
    session.check_trainable(cells)
    for line in session.prepare_data(cells):
        _say(f"trainband gate: {line}")
    return found


def _report(values: Any, gate: Any, judgement: Any, folder: Path) -> None:
    from trainband.gate_text import gate_text
    from trainband.results.codec import encode
    from trainband.results.gate.reports import write_reports

    out = optional_path(values.out) or folder
    out.mkdir(parents=True, exist_ok=True)
    written = write_reports(out, gate, judgement)
    if values.json:
        print(json.dumps(encode({"gate": gate, "judgement": judgement}), indent=1))
    else:
        print(gate_text(gate, judgement))
        print("\n".join(f"{kind + ':':<10}{path}" for kind, path in written.items()))


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


VERB = Verb(
    summary="Compare a candidate environment with a baseline over a suite, in bits, quality and speed: may it ship? "
    "Status 0 where it may, 1 where a cell lost quality or speed or does not run, 4 where something is open.",
    example="trainband gate --baseline=tensorflow==2.20.0 --candidate=tensorflow==2.21.0",
    define=define,
    run=run,
)
