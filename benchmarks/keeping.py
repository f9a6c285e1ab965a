"""A run's checkpoint from what moves while it trains, and back; written now and then, and never at the run's expense."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from trainband.benchmarks.backends.base import Adapter
from trainband.benchmarks.backends.signals import Signals, joined
from trainband.benchmarks.batches import BatchSource
from trainband.benchmarks.checkpoints import SIGNALS, Checkpoint, Place, write_checkpoint
from trainband.benchmarks.trace.recorder import StateRecorder
from trainband.benchmarks.trace.tensors import StateDigests
from trainband.benchmarks.train import Loop
from trainband.results.records import Window


@dataclass(frozen=True, kw_only=True)
class Moving:
    """What moves while a run trains."""

    adapter: Adapter
    source: BatchSource
    recorder: StateRecorder
    loop: Loop

    @property
    def examples(self) -> int:
        """Rows that the steps so far were fed; the source is ahead of them."""
        steps = len(self.loop.progress.losses)
        return min(self.source.examples_handed_out, steps * self.adapter.recipe.batch_size)


class CheckpointKeeper:
    """Writes the checkpoint that `take` gives to `path`, `every_sec` apart at least."""

    def __init__(self, path: Path, every_sec: float, take: Callable[[], Checkpoint]) -> None:
        self._path = path
        self._every_sec = every_sec
        self._take = take
        self._since = time.perf_counter()
        self._said = False

    def due(self) -> bool:
        """Whether it is time for another one."""
        return time.perf_counter() - self._since >= self._every_sec

    def keep(self) -> None:
        """Write one; the device must be idle. What keeps it from that is said once in the log, and the run goes on."""
        try:
            write_checkpoint(self._path, self._take())
        except (OSError, MemoryError) as error:
            self._say_once(f"cannot write the checkpoint {self._path}: {error}; the run goes on without it\n")
        self._since = time.perf_counter()

    def _say_once(self, line: str) -> None:
        if not self._said:
            with contextlib.suppress(OSError):  # the log may lie on the disk that is full
                sys.stderr.write(line)
        self._said = True


def taken(place: Place, moving: Moving) -> Checkpoint:
    """The state after the newest step, the device idle; `place` holds what does not move in the loop."""
    progress, clock, states = moving.loop.progress, moving.loop.clock, moving.recorder.states
    step, source = len(progress.losses), moving.source
    signals = joined(progress.signals)
    history = {
        **{name: getattr(signals, name) for name in SIGNALS},
        "checksums": np.array(source.checksums[:step], np.uint32),
        "fed_checksums": np.array(source.fed_checksums[:step], np.uint32),
        "draw_checksums": np.array(source.draw_checksums[:step], np.uint32),
        "state_steps": np.array([state.step for state in states], np.int32),
        "state_digests": np.stack([state.digests for state in states]),
        "state_norms": np.stack([state.norms for state in states]),
        "disturbed": np.array(moving.recorder.disturbed, np.int32),
        "probe_sec": np.array(progress.probe_sec, np.float64),
        "windows": np.array(
            [(w.steps, w.wall_sec, w.cpu_sec, w.input_wait_sec) for w in clock.windows], np.float64
        ).reshape(-1, 4),
    }
    return Checkpoint(
        place=replace(
            place,
            step=step,
            examples=moving.examples,
            train_wall_sec=clock.total_wall_sec,
            train_cpu_sec=clock.total_cpu_sec,
            state_cpu_sec=moving.recorder.cpu_sec,
        ),
        variables=moving.adapter.weights(),
        optimizer=moving.adapter.optimizer_state(),
        generators=moving.adapter.generator_states(),
        history=history,
    )


def put_back(checkpoint: Checkpoint, moving: Moving) -> None:
    """Stand where `checkpoint` was taken; before the first step of this process."""
    place, history = checkpoint.place, checkpoint.history
    moving.adapter.assign(checkpoint.variables, checkpoint.optimizer)
    moving.adapter.restore_generators(checkpoint.generators)
    moving.source.go_on(
        history["checksums"].tolist(),
        history["fed_checksums"].tolist(),
        history["draw_checksums"].tolist(),
        place.examples,
    )
    rows = zip(history["state_steps"].tolist(), history["state_digests"], history["state_norms"], strict=True)
    moving.recorder.states = [StateDigests(step=step, digests=digests, norms=norms) for step, digests, norms in rows]
    moving.recorder.disturbed = history["disturbed"].tolist()
    moving.recorder.cpu_sec = place.state_cpu_sec
    moving.loop.go_on(
        Signals(**{name: history[name] for name in SIGNALS}),
        probe_sec=history["probe_sec"].tolist(),
        windows=[
            Window(steps=int(steps), wall_sec=wall, cpu_sec=cpu, input_wait_sec=wait)
            for steps, wall, cpu, wait in history["windows"].tolist()
        ],
        wall_sec=place.train_wall_sec,
        cpu_sec=place.train_cpu_sec,
    )
