"""Sings the canary: seed 0 for 50 steps on the cell's profile made deterministic, digested and compared with last night's."""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from trainband.benchmarks.cells import Cell
from trainband.benchmarks.diff.trajectory import NotComparable, compare_traces
from trainband.benchmarks.environments.recorded import packages_of
from trainband.benchmarks.host_lock import host_lock
from trainband.benchmarks.judging import now_utc
from trainband.benchmarks.run_spec import TRACE_FILE
from trainband.benchmarks.runner import Runner, RunRequest, spec_of
from trainband.benchmarks.trace.files import STATE_ARRAYS, STEP_ARRAYS, Trace, TraceError, read_trace
from trainband.benchmarks.training_child import environment_of, train_in_child
from trainband.results.files import atomic_write_bytes
from trainband.results.history.canaries import CANARY_STEPS, Canary, canary_key, read_canary, sung, write_canary
from trainband.results.store_errors import explained

Song = Literal["first", "same", "changed", "unsteady"]


class CanaryError(RuntimeError):
    """A canary that did not sing; the message says why."""


@dataclass(kw_only=True)
class Canaries:
    """The canaries of a store, on this host and under the runner's environment."""

    runner: Runner

    def sing(self, cell: Cell) -> Song:
        """One cell's canary tonight; its document is replaced.

        Tonight's first digest of its kind, and one that differs from last night's, are taken only if a second run gives
        them again: a cell that does not repeat itself in one night is `unsteady`, and nothing is said of it.

        Raises:
          CanaryError: the child failed.
          CodecError: the document cannot be read.
          StoreError: the store cannot be written.
        """
        runner = self.runner
        host_class, code = runner.surroundings(cell)
        packages = _packages(runner, cell)
        folder = runner.store.root / "canaries" / canary_key(cell.name, host_class, packages)
        known, (trace, content) = read_canary(folder), self._trace(cell)
        found = trace_digest(trace)
        if (known is None or known.digest != found) and trace_digest(self._trace(cell)[0]) != found:
            return "unsteady"
        at = now_utc()
        tonight = Canary(
            cell=cell.name,
            host_class=host_class,
            packages=packages,
            first=at,
            at=at,
            digest=found,
            code=code,
        )
        changed = known is not None and known.digest != found
        says = _difference(folder, known, tonight, trace) if known is not None and changed else ""
        self._keep(folder, sung(known, tonight, says), content)
        return "first" if known is None else "changed" if changed else "same"

    def _keep(self, folder: Path, canary: Canary, content: bytes) -> None:
        """The document, and the trace that it names, the content of a file which is there first."""
        with explained("write", folder):
            folder.mkdir(parents=True, exist_ok=True)
            path = _trace_path(folder, canary.digest)
            if not path.exists():
                atomic_write_bytes(path, content)
            write_canary(folder, canary)
            for other in folder.glob("trace-*.npz"):
                if other != path:
                    other.unlink(missing_ok=True)

    def _trace(self, cell: Cell) -> tuple[Trace, bytes]:
        """The trace of the canary's steps, and its file."""
        runner, recipe = self.runner, cell.recipe
        profile = replace(cell.profile, deterministic=True)
        request = RunRequest(cell=replace(cell, profile=profile), seed=0, seed_role="pinned")
        spec = spec_of(request, "canary", cache_root=runner.cache_root, cores=runner.cores)
        last = min(CANARY_STEPS, spec.planned_examples // recipe.batch_size) - 1
        with tempfile.TemporaryDirectory(prefix="trainband-canary-") as name, host_lock(runner.on_wait):
            folder = Path(name)
            trained = train_in_child(
                folder,
                replace(spec, window=(last, last), submitted_at=time.time()),
                pool=runner.pool,
                python=runner.environment.python,
                environ=environment_of(profile, runner.cache_root),
                time_limit_sec=runner.time_limit_sec or recipe.time_limit_sec,
            )
            if trained.failure is not None:
                raise CanaryError(trained.failure.message)
            return read_trace(folder / TRACE_FILE), (folder / TRACE_FILE).read_bytes()


def trace_digest(trace: Trace) -> str:
    """SHA-256 of all that a trace says of its steps and of the state after the last one."""
    digest = hashlib.sha256(json.dumps([dict(sorted(trace.header.data.items())), trace.steps]).encode())
    for name in (*STEP_ARRAYS, *STATE_ARRAYS):
        digest.update(getattr(trace, name).tobytes())
    return digest.hexdigest()


def _packages(runner: Runner, cell: Cell) -> str:
    """Digest of the interpreter's version and packages, trainband left out: its code has a digest of its own."""
    told = runner.fingerprint_of(cell)
    packages = sorted(packages_of(told).items())
    return hashlib.sha256(json.dumps([told["python"]["version"], packages]).encode()).hexdigest()[:24]


def _difference(folder: Path, known: Canary, tonight: Canary, trace: Trace) -> str:
    """Where last night's canary and tonight's part, and whether trainband's own code is another."""
    try:
        divergence = compare_traces(read_trace(_trace_path(folder, known.digest)), trace).divergence
        says = divergence.says if divergence is not None else "the traces are equal up to what they record"
    except (TraceError, NotComparable, OSError) as error:
        says = str(error)
    return says if known.code == tonight.code else f"{says}; trainband's code differs, too"


def _trace_path(folder: Path, digest: str) -> Path:
    return folder / f"trace-{digest[:16]}.npz"
