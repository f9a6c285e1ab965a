"""What starting costs: the command line, a framework's import, and a child, direct and forked from a warm server.

The command line is compared with the bare interpreter, a child with the import that it makes or is spared.

Example:
  python tests/performance/startup.py --repeats=10 --json=startup.json
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from measuring import PROFILE_OF, report_surroundings, say, surroundings, write_json

from trainband.benchmarks.cells import Cell
from trainband.benchmarks.child_environment import child_environment
from trainband.benchmarks.children import ChildPool
from trainband.benchmarks.data.cache import cache_root
from trainband.benchmarks.run_spec import (
    ANSWER_FILE,
    SPEC_FILE,
    RunSpec,
    answer_from_json,
    planned_examples,
    to_json,
)
from trainband.benchmarks.staging import stage
from trainband.models.catalog import find_model
from trainband.models.datasets import dataset
from trainband.platforms.profiles import find_profile

LISTING_LIMIT_SEC = 0.3
VERBS = (["list", "models"], ["list", "cells"], ["list", "profiles"], ["--help"], ["run", "--help"])


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Wall seconds of repeated starts."""

    name: str
    median_sec: float
    min_sec: float
    max_sec: float
    repeats: int
    limit_sec: float | None = None

    def __str__(self) -> str:
        word = ""
        if self.limit_sec is not None:
            word = f"   limit {self.limit_sec:g} s: {'kept' if self.median_sec < self.limit_sec else 'BROKEN'}"
        return f"{self.name:<52} {self.median_sec:8.3f} [{self.min_sec:.3f}, {self.max_sec:.3f}] x{self.repeats}{word}"


def time_of(name: str, start: Callable[[], None], repeats: int, *, limit_sec: float | None = None) -> Timing:
    """`start` once to warm the file cache and the bytecode, then `repeats` times on the clock."""
    start()
    took = []
    for _ in range(repeats):
        before = time.perf_counter()
        start()
        took.append(time.perf_counter() - before)
    return _summary(name, took, limit_sec=limit_sec)


def _summary(name: str, took: Sequence[float], *, limit_sec: float | None = None) -> Timing:
    found = Timing(
        name=name,
        median_sec=statistics.median(took),
        min_sec=min(took),
        max_sec=max(took),
        repeats=len(took),
        limit_sec=limit_sec,
    )
    say(str(found))
    return found


def command(*words: str, environ: dict[str, str] | None = None) -> Callable[[], None]:
    def start() -> None:
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environ)

    return start


def command_lines(repeats: int) -> list[Timing]:
    """The interpreter alone, then the verbs that must answer at once."""
    script = str(Path(sys.executable).with_name("trainband"))
    found = [time_of("python -c pass", command(sys.executable, "-c", "pass"), repeats)]
    for words in VERBS:
        listing = words[0] == "list"
        limit = LISTING_LIMIT_SEC if listing else None
        found.append(time_of(" ".join(["trainband", *words]), command(script, *words), repeats, limit_sec=limit))
    return found


class Child:
    """A child's whole life: `cnn_digits` for one epoch, ended by its answer."""

    def __init__(self, backend: str, folder: Path) -> None:
        profile = find_profile(PROFILE_OF[backend])
        model = find_model("cnn_digits")
        model = replace(model, recipes=(replace(model.recipe("smoke"), epochs=1),))
        self._cell = Cell(model=model, recipe=model.recipe("smoke"), profile=profile)
        self._folder = folder
        keras_home = folder / "keras_home"
        keras_home.mkdir(exist_ok=True)
        self.environ = child_environment(profile, os.environ, stage=stage(cache_root()), keras_home=keras_home)
        self.startup_sec: list[float] = []

    def run(self, pool: ChildPool) -> None:
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        cell, data = self._cell, dataset(self._cell.model.dataset)
        spec = RunSpec(
            run_id=folder.name,
            model=cell.model,
            tier=cell.recipe.tier,
            profile=cell.profile,
            seed=0,
            dataset=data,
            cache_root=str(cache_root()),
            planned_examples=planned_examples(cell.recipe, data.n_train),
            submitted_at=time.time(),
        )
        (folder / SPEC_FILE).write_text(to_json(spec), encoding="utf-8")
        pool.run(
            folder, python=sys.executable, backend=cell.profile.backend, environ=self.environ, time_limit_sec=300.0
        )
        answer = answer_from_json((folder / ANSWER_FILE).read_text(encoding="utf-8"))
        if answer.measurement is None:
            raise RuntimeError(f"the child failed: {answer.failure}")
        self.startup_sec.append(answer.measurement.throughput.startup_sec)


def children(backend: str, repeats: int, folder: Path) -> list[Timing]:
    """A bare interpreter that imports the framework; children that import it, and children forked after its import."""
    child = Child(backend, folder)
    imports = f"import trainband.benchmarks.measure, trainband.benchmarks.backends.{backend}"
    found = [time_of(f"{backend}: import", command(sys.executable, "-c", imports, environ=child.environ), repeats)]
    for fork_server, name in ((False, "direct"), (True, "forked")):
        with ChildPool(fork_server=fork_server) as pool:
            child.startup_sec.clear()
            found.append(time_of(f"{backend}: one epoch of cnn_digits, {name}", lambda: child.run(pool), repeats))
        found.append(_summary(f"{backend}: of it until the first step, {name}", child.startup_sec[1:]))
    return found


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", action="append", choices=list(PROFILE_OF), help="again for more; tensorflow")
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--child-repeats", type=int, default=5)
    parser.add_argument("--json", help="write everything there")
    arguments = parser.parse_args(argv)
    facts = surroundings()
    say(report_surroundings(facts))
    say(f"{'seconds':<52}   median [min, max]")
    timings = command_lines(arguments.repeats)
    with tempfile.TemporaryDirectory() as folder:
        for backend in arguments.backend or ["tensorflow"]:
            timings += children(backend, arguments.child_repeats, Path(folder))
    write_json(arguments.json, {"surroundings": facts, "timings": [asdict(timing) for timing in timings]})


if __name__ == "__main__":
    main(sys.argv[1:])
