"""From a cell and a seed to a stored record."""

from __future__ import annotations

import json
import secrets
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from trainband import __version__
from trainband.benchmarks.cells import Cell
from trainband.benchmarks.children import ChildPool
from trainband.benchmarks.environments.asked import Environment
from trainband.benchmarks.environments.locks import LOCK_FILE
from trainband.benchmarks.host_lock import host_lock
from trainband.benchmarks.resuming import asked_of, kept, surroundings_of
from trainband.benchmarks.run_spec import Answer, Keeping, RunSpec, planned_examples
from trainband.benchmarks.training_child import environment_of, log_tail, train_in_child
from trainband.models.datasets import dataset
from trainband.platforms.fingerprint import collect
from trainband.platforms.host_class import host_class
from trainband.platforms.interpreters import Interpreter, InterpreterError, describe_interpreter
from trainband.results.codec import encode
from trainband.results.records import FactorSeeds, Measurement, Record, SeedRole
from trainband.results.store import Store
from trainband.results.store_errors import explained


@dataclass(frozen=True, kw_only=True)
class Transplant:
    """Initial weights that lie in a file, and the run that they were drawn for."""

    run_id: str
    weights: Path


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """One run to make.

    Attributes:
      transplant: initial weights of another run to begin with; None where the seed says them.
      recorded: the spec of a stored run that is trained again, its data set and its cores included; None for a new run.
    """

    cell: Cell
    seed: int
    seed_role: SeedRole
    sweep_id: str | None = None
    sweep_index: int | None = None
    faults: tuple[str, ...] = ()
    factor_seeds: FactorSeeds = field(default_factory=FactorSeeds)
    transplant: Transplant | None = None
    recorded: RunSpec | None = None


@dataclass(kw_only=True)
class Runner:
    """Makes runs and stores them; holds what all runs of a command share.

    Attributes:
      environment: what children run under.
      contended: a reason why no run's throughput counts, such as several at once; None where there is none.
      cores: bind children to these cores; None leaves the choice to the profile.
      time_limit_sec: of each run; None is the recipe's own.
      checkpoint_every_sec: keep checkpoints, so far apart at least, and go on from one if there is one; None keeps none.
      on_resume: told the step at which such a run goes on, None where it begins anew.
      locked: take the host's lock for each run; False where the caller holds it already.
    """

    store: Store
    pool: ChildPool
    cache_root: Path
    environment: Environment = field(default_factory=Environment)
    contended: str | None = None
    locked: bool = True
    cores: tuple[int, ...] | None = None
    time_limit_sec: float | None = None
    checkpoint_every_sec: float | None = None
    on_wait: Callable[[], None] = lambda: None
    on_resume: Callable[[int | None], None] = lambda step: None
    _fingerprints: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def run(self, request: RunRequest, also: Callable[[Record, Path], None] = lambda record, folder: None) -> Record:
        """Train once and store the record.

        Args:
          also: given the record and the folder that is to be stored with it, adds files of its own.

        Raises:
          StoreError: the store cannot take the run; nothing half-made is left in it.
          CheckpointError: the run's checkpoint cannot be gone on from.
          KeyboardInterrupt: the child is dead and the run discarded.
        """
        environ = environment_of(request.cell.profile, self.cache_root)
        with self._kept(request, environ) as keeping:
            record = self._stored(request, environ, keeping, also)
            if keeping is not None and record.outcome == "completed":
                with suppress(OSError):  # what stays is of a run that is stored: going on from it comes to the same
                    Path(keeping.path).unlink(missing_ok=True)
        return record

    @contextmanager
    def _kept(self, request: RunRequest, environ: Mapping[str, str]) -> Iterator[Keeping | None]:
        if self.checkpoint_every_sec is None:
            yield None
            return
        fingerprint = self._host(environ)
        surroundings = surroundings_of(
            request.cell,
            fingerprint,
            host_class=host_class(fingerprint),
            code=Path(environ["PYTHONPATH"]).name,
            cores=self.cores,
        )
        asked = asked_of(request.cell, request.seed, request.faults, request.factor_seeds)
        every_sec = self.checkpoint_every_sec
        with kept(self.store.root, asked, surroundings, every_sec=every_sec, on_resume=self.on_resume) as keeping:
            yield keeping

    def _stored(
        self,
        request: RunRequest,
        environ: Mapping[str, str],
        keeping: Keeping | None,
        also: Callable[[Record, Path], None],
    ) -> Record:
        created = datetime.now(UTC)
        run_id = new_run_id(request, created)
        folder = self.store.begin_run(run_id)
        try:
            record = self._trained(
                request,
                spec_of(request, run_id, cache_root=self.cache_root, cores=self.cores, keeping=keeping),
                created,
                folder,
                environ,
            )
            also(record, folder)
            self.store.commit_run(run_id, record)
        except BaseException:
            self.store.discard_run(run_id)
            raise
        return record

    def _trained(
        self, request: RunRequest, spec: RunSpec, created: datetime, folder: Path, environ: Mapping[str, str]
    ) -> Record:
        if not self.locked:
            return self._in_child(request, spec, created, folder, environ)
        with host_lock(self.on_wait):
            return self._in_child(request, spec, created, folder, environ)

    def _in_child(
        self, request: RunRequest, spec: RunSpec, created: datetime, folder: Path, environ: Mapping[str, str]
    ) -> Record:
        start = time.perf_counter()
        if self.environment.lock is not None:
            with explained("write the lock to", folder):
                (folder / LOCK_FILE).write_text(self.environment.lock, encoding="utf-8")
        trained = train_in_child(
            folder,
            replace(spec, submitted_at=time.time()),  # the host is held only now
            pool=self.pool,
            python=self.environment.python,
            environ=environ,
            time_limit_sec=self.time_limit_sec or request.cell.recipe.time_limit_sec,
        )
        measurement = trained.measurement
        if measurement is not None and self.contended:
            measurement = _mark_contended(measurement, self.contended)
        return self._record(
            request,
            run_id=spec.run_id,
            created=created.isoformat(timespec="milliseconds"),
            outcome=trained.outcome,
            failure=trained.failure,
            measurement=measurement,
            wall_sec=time.perf_counter() - start,
            fingerprint=self._fingerprint(environ, trained.answer),
            log_tail=log_tail(folder),
        )

    def fingerprint_of(self, cell: Cell) -> Mapping[str, Any]:
        """Host, packages, flags and code of this runner's runs of `cell`, as a record keeps them."""
        known: Mapping[str, Any] = json.loads(json.dumps(self._host(environment_of(cell.profile, self.cache_root))))
        return known

    def surroundings(self, cell: Cell) -> tuple[str, str]:
        """Host class of this runner's runs of `cell`, and the digest of the code that its children run."""
        environ = environment_of(cell.profile, self.cache_root)
        return host_class(self._host(environ)), Path(environ["PYTHONPATH"]).name

    def _host(self, environ: Mapping[str, str]) -> Mapping[str, Any]:
        key = repr(sorted(environ.items()))
        if key not in self._fingerprints:
            self._fingerprints[key] = collect(environ=environ, interpreter=_described(self.environment.python))
        return self._fingerprints[key]

    def _fingerprint(self, environ: Mapping[str, str], answer: Answer | None) -> Mapping[str, Any]:
        known = self._host(environ)
        if answer is not None:
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
            command=reproduce_command(request, self.environment),
            trainband_version=__version__,
            recipe=encode(cell.recipe),
            profile_spec=encode(cell.profile),
            fingerprint=fingerprint,
            faults=request.faults,
            factor_seeds=request.factor_seeds,
            sweep_id=request.sweep_id,
            sweep_index=request.sweep_index,
            initial_weights_from=request.transplant.run_id if request.transplant else None,
            **parts,
        )


def new_run_id(request: RunRequest, created: datetime) -> str:
    """An id that sorts by time and says what was trained."""
    cell = request.cell
    stamp = created.strftime("%Y%m%dT%H%M%S")
    parts = (stamp, cell.model.name, cell.recipe.tier, cell.profile.name, f"s{request.seed}", secrets.token_hex(3))
    return "-".join(parts)


def spec_of(
    request: RunRequest,
    run_id: str,
    *,
    cache_root: Path,
    cores: tuple[int, ...] | None = None,
    keeping: Keeping | None = None,
) -> RunSpec:
    """What the child of a run is told."""
    if request.recorded is not None:
        return replace(request.recorded, run_id=run_id, cache_root=str(cache_root), keeping=keeping)
    data = dataset(request.cell.model.dataset_of(request.cell.recipe.tier))
    return RunSpec(
        run_id=run_id,
        model=request.cell.model,
        tier=request.cell.recipe.tier,
        profile=request.cell.profile,
        seed=request.seed,
        dataset=data,
        cache_root=str(cache_root),
        planned_examples=planned_examples(request.cell.recipe, data.n_train),
        submitted_at=time.time(),
        faults=request.faults,
        cores=cores,
        factor_seeds=request.factor_seeds,
        keeping=keeping,
        initial_weights=str(request.transplant.weights) if request.transplant else None,
    )


def reproduce_command(request: RunRequest, environment: Environment) -> str:
    """The command line that trains the same cell with the same seed in the same environment."""
    if request.recorded is not None:
        return shlex.join(["trainband", "replay", request.recorded.run_id])
    words = ["trainband", "run", request.cell.name, f"--seed={request.seed}", *(f"--fault={f}" for f in request.faults)]
    seeds = asdict(request.factor_seeds)
    if request.transplant is not None:
        words.append(f"--init-from={request.transplant.run_id}")
        del seeds["initial_weights"]
    words += [f"--{name.replace('_', '-')}-seed={seed}" for name, seed in seeds.items() if seed is not None]
    return shlex.join([*words, *environment.words])


def _described(python: str) -> Interpreter:
    """What trains; of an interpreter that does not answer, whose run says why, nothing but the path is known."""
    try:
        return describe_interpreter(None if python == sys.executable else python)
    except InterpreterError:
        return Interpreter(executable=python, version="unknown", implementation="unknown", distributions={})


def _mark_contended(measurement: Measurement, reason: str) -> Measurement:
    throughput = measurement.throughput
    return replace(measurement, throughput=replace(throughput, contended=(*throughput.contended, reason)))
