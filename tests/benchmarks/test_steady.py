from __future__ import annotations

from dataclasses import dataclass

import pytest

from trainband.benchmarks.steady import MIN_WINDOW_SEC, StepClock, steady_rate, warmup_windows
from trainband.results.records import Window


@dataclass
class Hands:
    """A clock whose wall and CPU seconds move as the test says."""

    wall_sec: float = 100.0
    cpu_sec: float = 10.0

    def pass_by(self, wall: float, cpu: float = 0.0) -> None:
        self.wall_sec += wall
        self.cpu_sec += cpu


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def clock(hands: Hands) -> StepClock:
    return StepClock(wall=lambda: hands.wall_sec, cpu=lambda: hands.cpu_sec)


def windows(*rates: float, steps: int = 100) -> list[Window]:
    return [Window(steps=steps, wall_sec=steps / rate, cpu_sec=2 * steps / rate, input_wait_sec=0.0) for rate in rates]


def test_a_window_is_closed_at_half_a_second_of_steps(clock: StepClock, hands: Hands) -> None:
    clock.resume()
    long_enough = []
    for _ in range(4):
        hands.pass_by(0.125, 0.25)
        long_enough.append(clock.step(0.0))
    clock.close_window()
    assert MIN_WINDOW_SEC == 0.5
    assert long_enough == [False, False, False, True]
    assert clock.windows == [Window(steps=4, wall_sec=0.5, cpu_sec=1.0, input_wait_sec=0.0)]


def test_what_lies_between_pause_and_resume_is_in_no_window(clock: StepClock, hands: Hands) -> None:
    """Two epochs with an evaluation of 7 s between them: one window over both."""
    clock.resume()
    hands.pass_by(0.25, 0.25)
    assert not clock.step(0.125)
    clock.pause()
    hands.pass_by(7.0, 9.0)
    clock.resume()
    hands.pass_by(0.25, 0.5)
    assert clock.step(0.0625)
    clock.close_window()
    assert clock.windows == [Window(steps=2, wall_sec=0.5, cpu_sec=0.75, input_wait_sec=0.1875)]
    assert (clock.total_wall_sec, clock.total_cpu_sec) == (0.5, 0.75)


def test_a_second_pause_changes_nothing(clock: StepClock, hands: Hands) -> None:
    clock.resume()
    hands.pass_by(0.5)
    clock.pause()
    hands.pass_by(1.0)
    clock.pause()
    assert clock.total_wall_sec == 0.5


def test_the_clock_stands_while_a_window_is_written_down(clock: StepClock, hands: Hands) -> None:
    clock.resume()
    hands.pass_by(0.5)
    clock.step(0.0)
    clock.close_window()
    hands.pass_by(3.0)  # losses are fetched
    clock.resume()
    hands.pass_by(0.75)
    clock.step(0.0)
    clock.close_window()
    assert [window.wall_sec for window in clock.windows] == [0.5, 0.75]


def test_dropped_steps_are_in_no_window_and_in_the_total(clock: StepClock, hands: Hands) -> None:
    clock.resume()
    hands.pass_by(0.25)
    clock.step(0.0)
    clock.pause()
    clock.drop_window()
    clock.resume()
    hands.pass_by(0.5)
    clock.step(0.0)
    clock.close_window()
    assert clock.windows == [Window(steps=1, wall_sec=0.5, cpu_sec=0.0, input_wait_sec=0.0)]
    assert clock.total_wall_sec == 0.75


def test_a_window_without_steps_is_none(clock: StepClock, hands: Hands) -> None:
    clock.resume()
    hands.pass_by(1.0)
    clock.close_window()
    assert clock.windows == []


@pytest.mark.parametrize(
    ("rates", "left_out"),
    [
        ((50, 100, 100, 100), 1),
        ((50, 60, 100, 100, 100), 2),
        ((100, 100, 100), 0),
        ((95, 100, 100, 100), 0),
        ((94, 100, 100, 100), 1),
        # A first window faster than all others is no warm-up.
        ((200, 100, 100), 0),
        # The threshold is by the median of the later windows: 95% of 100 here, not of 60.
        ((60, 100, 100), 1),
        # Fewer than three windows cannot judge one another.
        ((50, 100), 0),
        ((50,), 0),
        ((), 0),
    ],
)
def test_warm_up_is_what_comes_before_95_percent_of_the_median(rates: tuple[float, ...], left_out: int) -> None:
    assert warmup_windows(windows(*rates)) == left_out


def test_the_steady_rate_is_the_median_over_the_steady_windows() -> None:
    rate = steady_rate(windows(10, 100, 98, 104), batch_size=32)
    assert rate is not None
    assert rate.warmup_windows == 1
    assert rate.examples_per_sec == pytest.approx(100 * 32)
    assert rate.examples_per_cpu_sec == pytest.approx(50 * 32)


def test_the_share_of_waiting_is_over_all_steady_time() -> None:
    steady = [
        Window(steps=10, wall_sec=10.0, cpu_sec=1.0, input_wait_sec=10.0),
        Window(steps=10, wall_sec=1.0, cpu_sec=1.0, input_wait_sec=0.1),
        Window(steps=10, wall_sec=1.0, cpu_sec=1.0, input_wait_sec=0.2),
        Window(steps=10, wall_sec=1.0, cpu_sec=1.0, input_wait_sec=0.0),
    ]
    rate = steady_rate(steady, batch_size=1)
    assert rate is not None
    assert rate.warmup_windows == 1
    assert rate.input_wait_share == pytest.approx(0.1)


def test_without_windows_there_is_no_rate() -> None:
    assert steady_rate([], batch_size=32) is None


def test_a_window_without_cpu_time_gives_a_finite_rate() -> None:
    rate = steady_rate([Window(steps=1, wall_sec=1.0, cpu_sec=0.0, input_wait_sec=0.0)], batch_size=1)
    assert rate is not None
    assert rate.examples_per_cpu_sec < float("inf")
