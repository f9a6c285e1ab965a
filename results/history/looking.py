"""A series as of tonight: its alarms, placed, and how the newest run lies to the baseline and to the run before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from trainband.results.history.cusum import Alarm, alarms
from trainband.results.history.placing import placed
from trainband.results.history.series import Era, Series, Trend
from trainband.results.statistics import Side, repeat_limit, theil_sen

_LEAST_FOR_DRIFT, _MOST_FOR_DRIFT = 10, 90
_MONTH_DAYS = 30.0
_DAY_SEC = 86400.0


@dataclass(frozen=True, kw_only=True)
class Change:
    """An alarm in a series.

    Attributes:
      alarm, onset: places in the series: of the run that raised it, and of the first run of the new level, as the runs
        up to now place it.
      mean_score: of the runs from the onset to the alarm, in sds from the baseline.
      before, after: the baseline's centre and the mean from onset to alarm, in the quantity's unit (geometric on a log scale).
    """

    alarm: int
    onset: int
    side: Side
    trend: Trend
    mean_score: float
    before: float
    after: float


@dataclass(frozen=True, kw_only=True)
class Newest:
    """The newest judged run, in sds.

    Attributes:
      from_baseline: distance from the pinned baseline.
      from_run_before: distance from the judged run before it; None for the first.
      usual_difference: what two runs differ by at most in 95% of cases: many small steps down stay below it.
    """

    run_id: str
    from_baseline: float
    from_run_before: float | None
    usual_difference: float


@dataclass(frozen=True, kw_only=True)
class Drift:
    """The slope of the newest judged runs (Theil and Sen), in the baseline's sds a month, with its 95% limits."""

    sd_a_month: float
    lower: float
    upper: float


@dataclass(frozen=True, kw_only=True)
class SeriesState:
    """What tonight makes of a series.

    Attributes:
      changes: one for each alarm; as long as a level stays away from the baseline, alarms go on.
    """

    series: Series
    changes: tuple[Change, ...]
    newest: Newest | None

    @property
    def levels(self) -> tuple[Change, ...]:
        """The changes that begin a level of their own: an alarm right after another, on its side, tells of the same one."""
        follows = [b.side == a.side and b.onset <= a.alarm + 1 for a, b in pairwise(self.changes)]
        return tuple(change for change, same in zip(self.changes, [False, *follows], strict=False) if not same)


def look_at(series: Series, restart_runs: Iterable[str] = ()) -> SeriesState:
    """Judge the current era as each of its nights would have done.

    Args:
      restart_runs: runs before which the alarm begins anew, such as the first one after a regression was fixed.
    """
    era = series.era
    scores = series.scores(era)
    begin_anew = set(restart_runs)
    judged = series.points.run_ids[era.judged_from :] if begin_anew else ()
    restarts = [place for place, run_id in enumerate(judged) if run_id in begin_anew]
    found = alarms(scores, restarts)
    changes = tuple(_changes(series, era, scores, found))
    return SeriesState(series=series, changes=changes, newest=_newest(series, era, scores))


def _changes(series: Series, era: Era, scores: Sequence[float], found: Sequence[Alarm]) -> Iterable[Change]:
    if era.baseline is None:
        return
    first = 0
    for number, alarm in enumerate(found):
        last = found[number + 1].since - 1 if number + 1 < len(found) else len(scores) - 1
        onset = placed(scores, first=first, alarm=alarm.index, last=max(alarm.index, last), baseline_n=era.baseline.n)
        mean = sum(scores[onset : alarm.index + 1]) / (alarm.index + 1 - onset)
        quantity, baseline = series.quantity, era.baseline
        yield Change(
            alarm=era.judged_from + alarm.index,
            onset=era.judged_from + onset,
            side=alarm.side,
            trend=quantity.trend(alarm.side),
            mean_score=mean,
            before=quantity.unscaled(baseline.mean),
            after=quantity.unscaled(baseline.mean + mean * baseline.sd),
        )
        first = alarm.index + 1


def _newest(series: Series, era: Era, scores: Sequence[float]) -> Newest | None:
    if era.baseline is None or not scores:
        return None
    return Newest(
        run_id=series.points[era.judged_from + len(scores) - 1].run_id,
        from_baseline=scores[-1],
        from_run_before=scores[-1] - scores[-2] if len(scores) > 1 else None,
        usual_difference=repeat_limit(1.0, era.baseline.n, metrics=1),
    )


def drift(series: Series) -> Drift | None:
    """The drift of the current era's newest 90 judged runs; None where fewer than 10 of different times were judged."""
    era = series.era
    scores = series.scores(era)[-_MOST_FOR_DRIFT:]
    judged = series.points.created[: series.end_of(era)][-len(scores) :] if scores else ()
    months = [datetime.fromisoformat(moment).timestamp() / _DAY_SEC / _MONTH_DAYS for moment in judged]
    if len(set(months)) < _LEAST_FOR_DRIFT:
        return None
    slope, lower, upper = theil_sen(months, scores)
    return Drift(sd_a_month=slope, lower=lower, upper=upper)
