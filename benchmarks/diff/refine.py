"""From an interval of steps to one stage of one step: both sides trained again, every step of the interval recorded."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from trainband.benchmarks.child_environment import child_environment
from trainband.benchmarks.children import ChildPool
from trainband.benchmarks.diff.stages import Divergence
from trainband.benchmarks.diff.trajectory import compare_traces
from trainband.benchmarks.host_lock import host_lock
from trainband.benchmarks.run_spec import ANSWER_FILE, SPEC_FILE, TRACE_FILE, Answer, spec_from_json, to_json
from trainband.benchmarks.runner import classify, read_answer
from trainband.benchmarks.staging import stage
from trainband.benchmarks.trace.files import Trace, read_trace
from trainband.platforms.interpreters import installed_distributions
from trainband.results.records import Record

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
    """Trains runs again, each under the interpreter that it was recorded with."""

    pool: ChildPool
    cache_root: Path
    locked: bool = True
    on_wait: Callable[[], None] = lambda: None

    def trace(self, side: Side, window: tuple[int, int]) -> Trace:
        """The trace of `side` up to the window's last step, its state at each step of the window included.

        Raises:
          RerunError: its environment is not there any more, or its child fails.
        """
        python = _interpreter(side.record)
        spec = spec_from_json((side.folder / SPEC_FILE).read_text(encoding="utf-8"))
        spec = replace(spec, window=window, cache_root=str(self.cache_root), submitted_at=time.time())
        keras_home = self.cache_root / "keras_home"
        keras_home.mkdir(parents=True, exist_ok=True)
        environ = child_environment(spec.profile, os.environ, stage=stage(self.cache_root), keras_home=keras_home)
        limit = spec.recipe.time_limit_sec + _EXTRA_SEC
        with tempfile.TemporaryDirectory(prefix="trainband-rerun-") as name, self._held():
            folder = Path(name)
            (folder / SPEC_FILE).write_text(to_json(spec), encoding="utf-8")
            ended = self.pool.run(
                folder, python=python, backend=spec.profile.backend, environ=environ, time_limit_sec=limit
            )
            answer = read_answer(folder / ANSWER_FILE, spec.run_id)
            _, failure = classify(ended, answer, limit_sec=limit, out_of_memory=False)
            if failure is not None or not isinstance(answer, Answer):
                raise RerunError(f"run {spec.run_id} cannot be trained again: {failure.message if failure else answer}")
            return read_trace(folder / TRACE_FILE)

    def _held(self) -> AbstractContextManager[None]:
        return host_lock(self.on_wait) if self.locked else nullcontext()


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
    steps = again.steps
    cut = {
        name: getattr(recorded, name)[:steps]
        for name in ("losses", "gradient_norms", "learning_rates", "logits", "batches", "draws")
    }
    seen = recorded.state_steps < steps
    cut |= {name: getattr(recorded, name)[seen] for name in ("state_steps", "state_digests", "state_norms")}
    first = compare_traces(replace(recorded, **cut), _unevaluated(again, recorded)).first
    return min(first.values()) if first else None


def _unevaluated(again: Trace, recorded: Trace) -> Trace:
    """`again` with the record's evaluation in the place of its own, which a re-run does not make."""
    header = replace(again.header, evaluated=recorded.header.evaluated, examples=recorded.header.examples)
    return replace(
        again, header=header, top_classes=recorded.top_classes, example_losses=np.asarray(recorded.example_losses)
    )


def _interpreter(record: Record) -> str:
    """The interpreter that the run was recorded with; raises RerunError where it does not hold the same packages."""
    python = str(record.fingerprint["python"]["executable"])
    if not Path(python).exists():
        raise RerunError(f"run {record.run_id}: its interpreter {python} is not there any more")
    recorded, found = dict(record.fingerprint["distributions"]), dict(installed_distributions(python))
    changed = sorted(name for name in recorded.keys() | found.keys() if recorded.get(name) != found.get(name))
    if changed:
        first = changed[0]
        raise RerunError(
            f"run {record.run_id}: the packages of {python} have changed since, "
            f"{first} from {recorded.get(first)} to {found.get(first)}"
            + (f" and {len(changed) - 1} others" if len(changed) > 1 else "")
        )
    return python
