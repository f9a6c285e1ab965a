"""From an interval of steps to one stage of one step: both sides trained again, every step of the interval recorded."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from trainband.benchmarks.children import ChildPool
from trainband.benchmarks.diff.stages import Divergence
from trainband.benchmarks.diff.trajectory import compare_traces
from trainband.benchmarks.environments.recorded import recorded_environment
from trainband.benchmarks.environments.uv import EnvironmentFailure
from trainband.benchmarks.host_lock import host_lock
from trainband.benchmarks.run_spec import TRACE_FILE, Zoom, stored_spec
from trainband.benchmarks.trace.files import Trace, read_trace
from trainband.benchmarks.training_child import environment_of, train_in_child
from trainband.results.records import Record
from trainband.results.store import Store

# Besides the steps: start-up, compilation and a digest of the state at each step of the window.
_EXTRA_SEC = 300.0


class RerunError(RuntimeError):
    """A run that cannot be trained again here; the message says why and what would help."""


@dataclass(frozen=True, kw_only=True)
class Side:
    """One of the two runs."""

    folder: Path
    record: Record
    trace: Trace


def read_side(store: Store, run_id: str) -> Side:
    """The run `run_id` of `store`; raises StoreError, or TraceError where it left no trace."""
    folder = store.run_path(run_id)
    return Side(folder=folder, record=store.read_record(run_id), trace=read_trace(folder / TRACE_FILE))


@dataclass(frozen=True, kw_only=True)
class Refined:
    """What re-running showed.

    Attributes:
      divergence: the exact one, or the one that was known before where a side did not reproduce.
      unlike: for each side that did not reproduce its own record, one sentence: it is observed at a distance only.
    """

    divergence: Divergence
    unlike: tuple[str, ...] = ()


@dataclass(kw_only=True)
class Rerunner:
    """Trains runs again, each in the environment that it was recorded with.

    Attributes:
      on_build: told the run whose environment is built again.
    """

    pool: ChildPool
    cache_root: Path
    on_wait: Callable[[], None] = lambda: None
    on_build: Callable[[str], None] = lambda run_id: None

    def trace(self, side: Side, window: tuple[int, int]) -> Trace:
        """The trace of `side` up to the window's last step, its state at each step of the window included.

        Raises:
          RerunError: its environment cannot be had any more, or its child fails.
        """
        with tempfile.TemporaryDirectory(prefix="trainband-rerun-") as name:
            self.train(side, Path(name), window=window)
            return read_trace(Path(name) / TRACE_FILE)

    def train(self, side: Side, folder: Path, *, window: tuple[int, int], zoom: Zoom | None = None) -> None:
        """Train `side` again up to the window's last step; its child writes into `folder`.

        A zoom that does not train looks at the reference in float64.

        Raises:
          RerunError: its environment cannot be had any more, or its child fails.
        """
        try:
            python = recorded_environment(
                side.record, side.folder, cache_root=self.cache_root, on_build=lambda: self.on_build(side.record.run_id)
            ).python
        except EnvironmentFailure as error:
            raise RerunError(f"the environment of run {side.record.run_id} cannot be built again: {error}") from error
        spec = stored_spec(side.folder)
        spec = replace(spec, window=window, zoom=zoom, cache_root=str(self.cache_root), submitted_at=time.time())
        if zoom is not None and not zoom.own:
            spec = replace(spec, profile=replace(spec.profile, precision="float64"))
        environ = environment_of(spec.profile, self.cache_root)
        limit = spec.recipe.time_limit_sec + _EXTRA_SEC
        with host_lock(self.on_wait):
            trained = train_in_child(folder, spec, pool=self.pool, python=python, environ=environ, time_limit_sec=limit)
        if trained.failure is not None:
            raise RerunError(f"run {spec.run_id} cannot be trained again: {trained.failure.message}")


def refine(a: Side, b: Side, divergence: Divergence, rerunner: Rerunner) -> Refined:
    """Train both sides again over the divergence's steps and compare every one of them; raises RerunError."""
    if divergence.first_step is None or divergence.last_step is None:
        return Refined(divergence=divergence)
    window = (divergence.first_step, divergence.last_step)
    again = [rerunner.trace(side, window) for side in (a, b)]
    unlike = tuple(
        f"{side.record.run_id} trained again differs from its record at step {step}"
        for side, trace in zip((a, b), again, strict=True)
        if (step := first_unlike(side.trace, trace)) is not None
    )
    found = compare_traces(*again).divergence
    if unlike or found is None:
        return Refined(divergence=divergence, unlike=unlike)
    return Refined(divergence=found)


def first_unlike(recorded: Trace, again: Trace) -> int | None:
    """The first step at which a re-run is not its record; None where all steps of the re-run are equal."""
    first = compare_traces(recorded.up_to(again.steps), again).first
    return min(first.values()) if first else None
