"""From tonight's alarms and verdicts to regressions: what is new among them."""

from __future__ import annotations

from collections.abc import Sequence

from trainband.results.history.looking import Change, SeriesState
from trainband.results.history.quality import quality_quantity
from trainband.results.history.regressions import OPEN, Confirmation, Event, Regression, regression_id
from trainband.results.history.series import Baseline, Series
from trainband.results.index_rows import utc_text
from trainband.results.judgements import Judgement
from trainband.results.metric_bands import MetricBand
from trainband.results.metrics import to_scale
from trainband.results.records import Record
from trainband.results.two_stages import describe, side_of

# An alarm that is older was raised, or would have been: fresh runs of today say nothing about what has passed since.
RECENT_RUNS = 7


def new_candidates(state: SeriesState, filed: Sequence[Regression], at: str) -> list[Regression]:
    """The alarms of the newest runs that are no part of what is filed already; a cell that became faster is no alarm."""
    series = state.series
    recent = len(series.points) - RECENT_RUNS
    found: list[Regression] = []
    for change in state.changes:
        gain = series.quantity.kind == "speed" and change.trend == "better"
        if change.alarm >= recent and not gain and not _known(series, change, [*filed, *found]):
            found.append(_candidate(series, change, at))
    return found


def restart_runs(series: Series, filed: Sequence[Regression]) -> list[str]:
    """The first run after each regression of `series` that was fixed: from there on the alarm begins anew."""
    ends = [utc_text("at", r.events[-1].at) for r in filed if _of(series, r) and r.state == "fixed"]
    made = [utc_text("created", moment) for moment in series.points.created] if ends else []
    firsts = (next((place for place, moment in enumerate(made) if moment > end), None) for end in ends)
    return [series.points.run_ids[place] for place in firsts if place is not None]


def _of(series: Series, regression: Regression) -> bool:
    mine = (series.cell, series.quantity.name, series.host_class)
    return mine == (regression.cell, regression.quantity.name, regression.host_class)


def _known(series: Series, change: Change, filed: Sequence[Regression]) -> bool:
    """Whether the alarm was raised before, or another alarm told of the same change."""
    point = series.points[change.alarm]
    raised = utc_text("created", point.created)
    for regression in (each for each in filed if _of(series, each)):
        if regression.alarm_run == point.run_id:
            return True
        if regression.side != change.side or utc_text("raised", regression.raised) > raised:
            continue
        ended = utc_text("at", regression.events[-1].at)
        if (
            regression.state == "candidate"
            or regression.state in OPEN
            or (regression.state == "fixed" and raised <= ended)
        ):
            return True
    return False


def _candidate(series: Series, change: Change, at: str) -> Regression:
    alarm, onset, baseline = series.points[change.alarm], series.points[change.onset], series.era.baseline
    if baseline is None:
        raise ValueError(f"{series.cell} {series.quantity.name}: an alarm in an era without a baseline")
    return Regression(
        regression_id=regression_id(series.cell, series.quantity.name, series.host_class, alarm.run_id, alarm.created),
        cell=series.cell,
        quantity=series.quantity,
        host_class=series.host_class,
        side=change.side,
        alarm_run=alarm.run_id,
        raised=alarm.created,
        onset_run=onset.run_id,
        onset=onset.created,
        before=change.before,
        after=change.after,
        shift_sd=change.mean_score,
        baseline=baseline,
        events=(Event(state="candidate", at=at),),
        faults=alarm.faults,
    )


def regressions_of_verdict(
    judgement: Judgement, trigger: Record, bands: Sequence[MetricBand], filed: Sequence[Regression], at: str
) -> list[Regression]:
    """What a night's failed verdict says of each metric that moved, where no open regression says so already."""
    found: list[Regression] = []
    if judgement.verdict not in ("fail_low", "fail_high"):
        return found
    for metric in judgement.metrics:
        band = next((each for each in bands if each.name == metric.name), None)
        if band is None or not metric.confirmed or metric.fresh_mean is None:
            continue
        side, place = side_of(metric), (judgement.cell, metric.name, trigger.host_class)
        at_it = (r for r in filed if (r.cell, r.quantity.name, r.host_class) == place and r.side == side)
        if any(each.state in OPEN or each.alarm_run == trigger.run_id for each in at_it):
            continue
        score = (to_scale(band, metric.fresh_mean) - band.mean) / band.sd
        found.append(
            Regression(
                regression_id=regression_id(*place, trigger.run_id, trigger.created),
                cell=judgement.cell,
                quantity=quality_quantity(band),
                host_class=trigger.host_class,
                side=side,
                alarm_run=trigger.run_id,
                raised=trigger.created,
                onset_run=trigger.run_id,
                onset=trigger.created,
                before=band.center,
                after=metric.fresh_mean,
                shift_sd=score,
                baseline=Baseline(mean=band.mean, sd=band.sd, n=band.n, of=f"band of {band.n} seeds"),
                events=(Event(state="detected", at=at),),
                confirmation=Confirmation(
                    kind="verdict",
                    confirmed=True,
                    says=describe(metric),
                    runs=judgement.records[1:],
                    value=metric.fresh_mean,
                    bound=metric.confirm_bound,
                ),
                faults=trigger.faults,
            )
        )
    return found
