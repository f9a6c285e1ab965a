"""The loop on a fake device and a fake clock: what is timed, what is counted, and what is put back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from trainband.benchmarks import train
from trainband.benchmarks.backends.signals import Signals, from_figures
from trainband.benchmarks.batches import Batch, BatchSource
from trainband.benchmarks.steady import StepClock
from trainband.benchmarks.train import PROBE_STEPS, Loop
from trainband.models.specs import Optimizer, Recipe, Schedule
from trainband.results.records import Window

STEP_SEC = 2.0**-6
EVALUATION_SEC = 64.0


@dataclass
class FakeDevice:
    """Each step takes STEP_SEC of the fake time; the loss is the step's number."""

    now: float = 0.0
    steps: int = 0
    first_sec: float = 8.0
    nan_at: int | None = None
    state: float = 0.0
    drawn: int = 0
    trained_on: list[int] = field(default_factory=list)

    def time(self) -> float:
        return self.now

    def put(self, batches: Sequence[Batch]) -> Sequence[Batch]:
        return batches

    def train_step(self, batch: Batch) -> float:
        self.now += self.first_sec if self.steps == 0 else STEP_SEC
        self.steps += 1
        self.state += 1.0
        self.drawn += 1
        self.trained_on.append(batch.step)
        return float("nan") if self.steps - 1 == self.nan_at else float(self.steps - 1)

    def sync(self, _loss: float) -> None:
        pass

    def fetch(self, losses: Sequence[float]) -> Signals:
        figures = np.array([[loss, 0.0, 0.1] for loss in losses], np.float32)
        return from_figures(figures, np.zeros((len(losses), 2), np.uint32))

    def weights(self) -> list[np.ndarray]:
        return [np.array(self.state)]

    def optimizer_state(self) -> list[np.ndarray]:
        return [np.array(self.state)]

    def generator_states(self) -> dict[str, np.ndarray]:
        return {"own": np.array(self.drawn)}

    def assign(self, weights: Sequence[np.ndarray], slots: Sequence[np.ndarray]) -> None:
        assert weights == slots
        self.state = float(weights[0])

    def restore_generators(self, states: dict[str, np.ndarray]) -> None:
        self.drawn = int(states["own"])


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> FakeDevice:
    fake = FakeDevice()
    monkeypatch.setattr(train.time, "perf_counter", fake.time)
    return fake


@dataclass
class FakeObserver:
    """Looks after every third step, for as long as an evaluation takes."""

    device: FakeDevice
    seen: list[tuple[int, int]] = field(default_factory=list)

    def due(self, step: int) -> bool:
        return step % 3 == 0

    def observe(self, step: int) -> None:
        self.seen.append((step, self.device.steps))
        self.device.now += EVALUATION_SEC


def loop_of(
    device: FakeDevice, *, epochs: int, steps_per_epoch: int, observer: FakeObserver | None = None, keeper: Any = None
) -> tuple[Loop, BatchSource]:
    recipe = Recipe(
        tier="smoke",
        epochs=epochs,
        batch_size=2,
        optimizer=Optimizer(name="sgd"),
        schedule=Schedule(kind="constant", peak=0.1),
        smallest_drop={},
    )
    rows = 2 * steps_per_epoch
    inputs, labels = np.zeros((rows, 1), np.uint8), np.zeros(rows, np.int32)
    source = BatchSource(inputs, labels, recipe=recipe, seed=0, random_layers=0)
    adapter: Any = device
    clock = StepClock(wall=device.time, cpu=device.time)
    return Loop(adapter, source, observer=observer, keeper=keeper, clock=clock), source


def run(loop: Loop, device: FakeDevice, epochs: int) -> None:
    for epoch in range(epochs):
        loop.epoch(epoch)
        device.now += EVALUATION_SEC
    loop.finish()


@pytest.mark.parametrize("observed", [False, True], ids=["not observed", "observed"])
@pytest.mark.parametrize(("epochs", "steps_per_epoch"), [(1, 400), (10, 44), (30, 20), (300, 2)])
def test_windows_hold_training_steps_alone(
    device: FakeDevice, epochs: int, steps_per_epoch: int, observed: bool
) -> None:
    """Neither compilation, evaluation, what looks at the state nor the probes are in a window, however epochs fall."""
    observer = FakeObserver(device) if observed else None
    loop, _ = loop_of(device, epochs=epochs, steps_per_epoch=steps_per_epoch, observer=observer)
    run(loop, device, epochs)
    if observer is not None:
        assert observer.seen == [(step, step + 1) for step in range(0, epochs * steps_per_epoch, 3)]
    assert loop.progress.first_step_sec == 8.0
    assert loop.progress.probe_sec == [STEP_SEC] * PROBE_STEPS
    assert loop.clock.windows
    assert {window.wall_sec / window.steps for window in loop.clock.windows} == {STEP_SEC}
    assert all(window.wall_sec >= 0.5 for window in loop.clock.windows)


def test_losses_stand_in_the_order_of_the_steps(device: FakeDevice) -> None:
    loop, source = loop_of(device, epochs=4, steps_per_epoch=60)
    run(loop, device, 4)
    assert loop.progress.losses == list(map(float, range(240)))
    assert device.trained_on == list(range(240))
    assert source.examples_handed_out == 480


@dataclass
class FakeKeeper:
    """Keeps the place after every step that leaves the device idle, for as long as an evaluation takes."""

    device: FakeDevice
    places: list[tuple[int, list[float], list[Window], float]] = field(default_factory=list)
    loop: Any = None

    def due(self) -> bool:
        return True

    def keep(self) -> None:
        progress, clock = self.loop.progress, self.loop.clock
        assert len(progress.losses) == self.device.steps
        self.places.append((self.device.steps, [*progress.probe_sec], [*clock.windows], clock.total_wall_sec))
        self.device.now += EVALUATION_SEC


@pytest.mark.parametrize(("epochs", "steps_per_epoch"), [(1, 400), (10, 44), (30, 20)])
def test_a_run_that_goes_on_is_timed_as_one(device: FakeDevice, epochs: int, steps_per_epoch: int) -> None:
    """From wherever it was kept, in the middle of the probes too: no compilation and no keeping is in a window."""
    keeper = FakeKeeper(device)
    keeper.loop, _ = loop_of(device, epochs=epochs, steps_per_epoch=steps_per_epoch, keeper=keeper)
    run(keeper.loop, device, epochs)
    total = epochs * steps_per_epoch
    assert {len(probes) for _, probes, _, _ in keeper.places} >= {0, 1, 25, 49, PROBE_STEPS}
    for step, probes, windows, wall_sec in keeper.places:
        device.steps = 0  # the next step compiles
        device.trained_on.clear()
        loop, _ = loop_of(device, epochs=epochs, steps_per_epoch=steps_per_epoch)
        signals = device.fetch([float(loss) for loss in range(step)])
        loop.go_on(signals, probe_sec=probes, windows=windows, wall_sec=wall_sec, cpu_sec=wall_sec)
        for epoch in range(step // steps_per_epoch, epochs):
            loop.epoch(epoch, first=max(0, step - epoch * steps_per_epoch))
            device.now += EVALUATION_SEC
        loop.finish()
        assert device.trained_on == list(range(step, total))
        assert len(loop.progress.losses) == total
        assert loop.progress.first_step_sec == 8.0
        assert loop.progress.probe_sec == [STEP_SEC] * PROBE_STEPS
        assert {window.wall_sec / window.steps for window in loop.clock.windows} == {STEP_SEC}
        assert loop.clock.windows[: len(windows)] == windows
        # All steps but the probes, the first one, and the one that compiled again.
        assert loop.clock.total_wall_sec == (total - PROBE_STEPS - 2) * STEP_SEC


def test_a_run_too_short_to_be_timed_gets_extra_steps_that_change_nothing(device: FakeDevice) -> None:
    loop, source = loop_of(device, epochs=2, steps_per_epoch=10)
    run(loop, device, 2)
    trained = loop.clock.total_wall_sec
    other = BatchSource(
        np.zeros((20, 1), np.uint8), np.zeros(20, np.int32), recipe=source._recipe, seed=0, random_layers=0
    )
    loop.extra(other, 2)
    assert len(loop.progress.probe_sec) == PROBE_STEPS
    assert [(w.steps, w.wall_sec) for w in loop.clock.windows] == [(32, 0.5), (32, 0.5)]
    assert 50 + 64 <= loop.progress.extra_steps == device.steps - 20
    assert len(loop.progress.losses) == 20
    assert (device.state, device.drawn) == (20.0, 20)
    assert source.examples_handed_out == 40
    assert loop.clock.total_wall_sec == trained == 19 * STEP_SEC


def test_extra_steps_end_after_two_seconds(device: FakeDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "STEP_SEC", 0.25)
    loop, source = loop_of(device, epochs=1, steps_per_epoch=5)
    run(loop, device, 1)
    loop.extra(source, 1)
    assert loop.progress.extra_steps == 8


def test_a_run_long_enough_gets_no_extra_steps(device: FakeDevice) -> None:
    loop, source = loop_of(device, epochs=1, steps_per_epoch=400)
    run(loop, device, 1)
    loop.extra(source, 1)
    assert loop.progress.extra_steps == 0
    assert device.steps == 400


@pytest.mark.parametrize("step", [0, 1, 37, 119])
def test_a_loss_that_is_not_finite_stops_the_run_and_names_its_step(device: FakeDevice, step: int) -> None:
    device.nan_at = step
    loop, _ = loop_of(device, epochs=2, steps_per_epoch=60)
    for epoch in range(2):
        if loop.progress.diverged_at_step is None:
            loop.epoch(epoch)
    assert loop.progress.diverged_at_step == step
    assert len(loop.progress.losses) == device.steps <= step + 1 + 0.5 / STEP_SEC + PROBE_STEPS
