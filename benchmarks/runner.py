"""From a cell and a seed to a stored record: spec out, child run, answer in. Every death of a child is an outcome."""

from __future__ import annotations

import os
import secrets
import shlex
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from json import JSONDecodeError
from pathlib import Path
from typing import Any

from trainband import __version__
from trainband.benchmarks.cells import Cell
from trainband.benchmarks.child_environment import child_environment
from trainband.benchmarks.children import ChildPool, Exit
from trainband.benchmarks.fork_server import LOG_FILE
from trainband.benchmarks.host_lock import host_lock
from trainband.benchmarks.run_spec import (
    ANSWER_FILE,
    SPEC_FILE,
    Answer,
    RunSpec,
    answer_from_json,
    planned_examples,
    to_json,
)
from trainband.benchmarks.staging import stage
from trainband.models.datasets import dataset
from trainband.platforms.fingerprint import collect
from trainband.platforms.host_class import host_class
from trainband.results.codec import CodecError, encode
from trainband.results.records import FactorSeeds, Failure, Measurement, Outcome, Record, SeedRole
from trainband.results.store import Store
from trainband.results.store_errors import explained

LOG_TAIL_CHARACTERS = 4000


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """One run to make."""

    cell: Cell
    seed: int
    seed_role: SeedRole
    sweep_id: str | None = None
    sweep_index: int | None = None
    faults: tuple[str, ...] = ()
    factor_seeds: FactorSeeds = field(default_factory=FactorSeeds)


@dataclass(kw_only=True)
class Runner:
    """Makes runs and stores them; holds what all runs of a command share.

    Attributes:
      python: the interpreter that children run under.
      contended: a reason why no run's throughput counts, such as several at once; None where there is none.
      cores: bind children to these cores; None leaves the choice to the profile.
      time_limit_sec: of each run; None is the recipe's own.
      locked: take the host's lock for each run; False where the caller holds it already.
    """

    store: Store
    pool: ChildPool
    cache_root: Path
    python: str = sys.executable
    contended: str | None = None
    locked: bool = True
    cores: tuple[int, ...] | None = None
    time_limit_sec: float | None = None
    on_wait: Callable[[], None] = lambda: None
    _fingerprints: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def run(self, request: RunRequest) -> Record:
        """Train once and store the record.

        Raises:
          StoreError: the store cannot take the run; nothing half-made is left in it.
          KeyboardInterrupt: the child is dead and the run discarded.
        """
        created = datetime.now(UTC)
        run_id = new_run_id(request, created)
        folder = self.store.begin_run(run_id)
        try:
            record = self._trained(request, run_id, created, folder)
            self.store.commit_run(run_id, record)
        except BaseException:
            self.store.discard_run(run_id)
            raise
        return record

    def _trained(self, request: RunRequest, run_id: str, created: datetime, folder: Path) -> Record:
        environ = self._environment(request.cell)
        if not self.locked:
            return self._in_child(request, run_id, created, folder, environ)
        with host_lock(self.on_wait):
            return self._in_child(request, run_id, created, folder, environ)

    def _in_child(
        self, request: RunRequest, run_id: str, created: datetime, folder: Path, environ: Mapping[str, str]
    ) -> Record:
        start, kills = time.perf_counter(), _oom_kills()
        spec = self._spec(request, run_id)
        with explained("write the spec to", folder):
            (folder / SPEC_FILE).write_text(to_json(spec), encoding="utf-8")
        limit = self.time_limit_sec or request.cell.recipe.time_limit_sec
        ended = self.pool.run(
            folder,
            python=self.python,
            backend=request.cell.profile.backend,
            environ=environ,
            time_limit_sec=limit,
        )
        answer = read_answer(folder / ANSWER_FILE, run_id)
        outcome, failure = classify(ended, answer, limit_sec=limit, out_of_memory=_oom_kills() > kills)
        measurement = answer.measurement if isinstance(answer, Answer) and failure is None else None
        if measurement is not None and self.contended:
            measurement = _mark_contended(measurement, self.contended)
        return self._record(
            request,
            run_id=run_id,
            created=created.isoformat(timespec="milliseconds"),
            outcome=outcome,
            failure=failure,
            measurement=measurement,
            wall_sec=time.perf_counter() - start,
            fingerprint=self._fingerprint(environ, answer),
            log_tail=_log_tail(folder / LOG_FILE),
        )

    def _environment(self, cell: Cell) -> dict[str, str]:
        keras_home = self.cache_root / "keras_home"
        keras_home.mkdir(parents=True, exist_ok=True)
        return child_environment(cell.profile, os.environ, stage=stage(self.cache_root), keras_home=keras_home)

    def _spec(self, request: RunRequest, run_id: str) -> RunSpec:
        data = dataset(request.cell.model.dataset_of(request.cell.recipe.tier))
        return RunSpec(
            run_id=run_id,
            model=request.cell.model,
            tier=request.cell.recipe.tier,
            profile=request.cell.profile,
            seed=request.seed,
            dataset=data,
            cache_root=str(self.cache_root),
            planned_examples=planned_examples(request.cell.recipe, data.n_train),
            submitted_at=time.time(),
            faults=request.faults,
            cores=self.cores,
            factor_seeds=request.factor_seeds,
        )

    def _fingerprint(self, environ: Mapping[str, str], answer: Answer | str) -> Mapping[str, Any]:
        key = repr(sorted(environ.items()))
        if key not in self._fingerprints:
            self._fingerprints[key] = collect(environ=environ)
        known = self._fingerprints[key]
        if isinstance(answer, Answer):
            return {**known, "framework": {"versions": dict(answer.versions), **answer.build_info}}
        return known

    def _record(self, request: RunRequest, *, fingerprint: Mapping[str, Any], **parts: Any) -> Record:
        cell = request.cell
        return Record(
            model=cell.model.name,
            tier=cell.recipe.tier,
            profile=cell.profile.name,
            seed=request.seed,
            seed_role=request.seed_role,
            host_class=host_class(fingerprint),
            command=reproduce_command(request),
            trainband_version=__version__,
            recipe=encode(cell.recipe),
            profile_spec=encode(cell.profile),
            fingerprint=fingerprint,
            faults=request.faults,
            factor_seeds=request.factor_seeds,
            sweep_id=request.sweep_id,
            sweep_index=request.sweep_index,
            **parts,
        )


def new_run_id(request: RunRequest, created: datetime) -> str:
    """An id that sorts by time and says what was trained."""
    cell = request.cell
    stamp = created.strftime("%Y%m%dT%H%M%S")
    parts = (stamp, cell.model.name, cell.recipe.tier, cell.profile.name, f"s{request.seed}", secrets.token_hex(3))
    return "-".join(parts)


def reproduce_command(request: RunRequest) -> str:
    """The command line that trains the same cell with the same seed."""
    words = ["trainband", "run", request.cell.name, f"--seed={request.seed}", *(f"--fault={f}" for f in request.faults)]
    words += [
        f"--{name.replace('_', '-')}-seed={seed}"
        for name, seed in asdict(request.factor_seeds).items()
        if seed is not None
    ]
    return shlex.join(words)


def read_answer(path: Path, run_id: str) -> Answer | str:
    """The child's answer, or one sentence that says why there is none."""
    try:
        answer = answer_from_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return "the child left no answer"
    except (OSError, UnicodeDecodeError, JSONDecodeError, CodecError) as error:
        return f"the child's answer cannot be read: {error}"
    if answer.run_id != run_id:
        return f"the child answered for run {answer.run_id!r}"
    return answer


def classify(
    ended: Exit, answer: Answer | str, *, limit_sec: float, out_of_memory: bool
) -> tuple[Outcome, Failure | None]:
    """What a child's end and answer come to; a total function."""
    if ended.timed_out:
        return "timeout", Failure(kind="timeout", message=f"the run was stopped at its time limit of {limit_sec:g} s")
    if ended.signal is not None:
        name = _signal_name(ended.signal)
        if out_of_memory:
            message = f"killed by {name}: the kernel ran out of memory"
            return "error", Failure(kind="out_of_memory", message=message, signal=name)
        return "error", Failure(kind="killed", message=f"the child was killed by {name}", signal=name)
    if ended.status != 0:
        message = f"the child ended with exit status {ended.status}; the end of its log says why"
        return "error", Failure(kind="crash", message=message, exit_status=ended.status)
    if isinstance(answer, str):
        return "error", Failure(kind="no_answer", message=answer, exit_status=ended.status)
    return ("completed", None) if answer.failure is None else ("error", answer.failure)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"  # the real-time signals have no names


def _mark_contended(measurement: Measurement, reason: str) -> Measurement:
    throughput = measurement.throughput
    return replace(measurement, throughput=replace(throughput, contended=(*throughput.contended, reason)))


def _log_tail(path: Path) -> str:
    try:
        return path.read_bytes()[-LOG_TAIL_CHARACTERS:].decode(errors="replace").replace("\x00", "\ufffd")
    except OSError:
        return ""


def _oom_kills() -> int:
    """How often the kernel has killed for lack of memory since it started; 0 where it does not say."""
    try:
        lines = Path("/proc/vmstat").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)
