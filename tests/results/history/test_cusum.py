"""The online alarm by hand, and where the change that it tells of began."""

from __future__ import annotations

import numpy as np
import pytest
import ruptures

from trainband.results.history.cusum import CLIP_SD, LIMIT_SD, Alarm, advance, alarms
from trainband.results.history.placing import placed


def test_three_nights_of_three_sd_pass_the_limit() -> None:
    # Each adds 3 - 1.5: the sums are 0, 1.5, 3.0, 4.5, and 4.5 is above 4.
    assert alarms([0.0, 3.0, 3.0, 3.0]) == [Alarm(index=3, since=1, side="upper")]
    assert alarms([0.0, -3.0, -3.0, -3.0]) == [Alarm(index=3, since=1, side="lower")]


def test_one_wild_night_never_alarms_and_two_do() -> None:
    # Clipped at 4, each adds 2.5.
    assert alarms([1e9]) == alarms([-1e9, 0.0, 1e9]) == []
    assert alarms([1e9, 1e9]) == [Alarm(index=1, since=0, side="upper")]


def test_a_shift_below_the_reference_is_never_an_alarm() -> None:
    assert alarms([1.5] * 1000) == []


def test_the_sums_begin_anew_after_an_alarm_and_where_they_are_told_to() -> None:
    assert [alarm.index for alarm in alarms([3.0] * 9)] == [2, 5, 8]
    assert [alarm.index for alarm in alarms([3.0] * 9, restarts=[2])] == [4, 7]


def test_later_nights_change_no_alarm_of_an_earlier_one() -> None:
    scores = list(np.random.default_rng(3).standard_normal(200) + np.repeat([0.0, -2.5], 100))
    online = [alarm for end in range(len(scores)) for alarm in alarms(scores[: end + 1]) if alarm.index == end]
    assert online == alarms(scores)
    assert online[0].index > 100


@pytest.mark.parametrize("onset", [0, 1, 10, 40])
def test_a_clean_step_is_placed_where_it_is(onset: int) -> None:
    scores = [0.0] * onset + [-3.0] * 3
    assert placed(scores, first=0, alarm=onset + 2, last=onset + 2, baseline_n=20) == onset


def test_nights_after_the_alarm_move_the_place() -> None:
    # On the night of the alarm the weak first night looks like noise; the nights after it are as weak.
    scores = [0.0] * 10 + [-1.6, -4.0, -4.0, -1.6, -1.7, -1.5, -1.6]
    assert placed(scores, first=0, alarm=12, last=12, baseline_n=20) == 11
    assert placed(scores, first=0, alarm=12, last=len(scores) - 1, baseline_n=20) == 10


def test_a_change_is_placed_after_the_one_before() -> None:
    scores = [-3.0] * 20
    assert placed(scores, first=5, alarm=8, last=19, baseline_n=20) == 5


@pytest.mark.parametrize("sd", [1.2, 1.5, 2.0])
def test_many_series_at_once_have_the_sums_of_each_alone(sd: float) -> None:
    scores = np.random.default_rng(3).standard_normal((400, 60)) * sd
    upper, lower = np.zeros(400), np.zeros(400)
    first = np.full(400, -1)
    for night in range(60):
        upper, lower = advance(upper, lower, scores[:, night])
        first = np.where((first < 0) & (np.maximum(upper, lower) > LIMIT_SD), night, first)
    alone = [alarms(list(row)) for row in scores]
    assert [found[0].index if found else -1 for found in alone] == list(first)
    assert (first >= 0).any()
    assert (first < 0).any()


def test_places_are_those_of_ruptures() -> None:
    rng = np.random.default_rng(6)
    for _ in range(200):
        length, onset = int(rng.integers(2, 60)), int(rng.integers(0, 50))
        scores = rng.standard_normal(length) - 3.0 * (np.arange(length) >= onset)
        alarm = int(rng.integers(0, length))
        n = int(rng.integers(1, 31))
        clipped = np.concatenate([np.zeros(n), np.clip(scores, -CLIP_SD, CLIP_SD)])
        (found, _) = ruptures.Dynp(model="l2", min_size=1, jump=1).fit(clipped).predict(n_bkps=1)
        expected = min(max(found - n, 0), alarm)
        assert placed(list(scores), first=0, alarm=alarm, last=length - 1, baseline_n=n) == expected
