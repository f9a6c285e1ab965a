"""The page of the regressions: what moved, since when, by how much, what differs in the environment, and who owns it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from trainband.results.history.regressions import OPEN, Event, Regression
from trainband.results.pages import formats
from trainband.results.pages.content import ReportContent
from trainband.results.pages.words import REGRESSIONS, TRENDS, Word

WAITING = frozenset({*OPEN, "candidate"})


@dataclass(frozen=True, kw_only=True)
class RegressionView:
    """One regression, each text ready to show.

    Attributes:
      onset_page: page of the first run of the new level, where it has one.
      environment: group, name, before and after of what differs between the runs on either side of the onset.
      events: time, state, owner and note.
      commands: label and command line of what can be done next.
    """

    id: str
    cell: str
    cell_page: str
    quantity: str
    word: Word
    trend: Word
    since: str
    raised: str
    before: str
    after: str
    shift: str
    change: str
    host_class: str
    onset_run: str
    onset_page: str | None
    faults: str
    confirmation: str
    environment: tuple[tuple[str, str, str, str], ...]
    events: tuple[tuple[str, str, str, str], ...]
    commands: tuple[tuple[str, str], ...]
    is_open: bool


@dataclass(frozen=True, kw_only=True)
class RegressionsView:
    """`shown`: those that are open first, then the closed ones, each the newest alarm first."""

    answer: str
    tone: str
    tallies: tuple[tuple[Word, int], ...]
    shown: tuple[RegressionView, ...]


def build_regressions(content: ReportContent, views: Iterable[RegressionView]) -> RegressionsView:
    """The page of every regression of the store; `views` are those that their cells' pages show."""
    history = content.history
    known = {view.id: view for view in views}
    shown = [known.get(each.regression_id) or regression_view(each, content) for each in history.regressions]
    shown.sort(key=lambda view: not view.is_open)
    states = [each.state_on(history.today) for each in history.regressions]
    unowned = states.count("detected")
    waiting = sum(states.count(state) for state in WAITING)
    if unowned:
        answer, tone = f"{_count(unowned)} that nobody has acknowledged", "bad"
    elif waiting:
        answer, tone = f"{_count(waiting)} open, none of them without an owner or a date", "open"
    else:
        answer, tone = "No regression is open", "good"
    return RegressionsView(
        answer=answer,
        tone=tone,
        tallies=tuple((word, states.count(state)) for state, word in REGRESSIONS.items() if state in states),
        shown=tuple(shown),
    )


def regression_view(regression: Regression, content: ReportContent) -> RegressionView:
    """`regression` as it stands on the day of the report."""
    state = regression.state_on(content.history.today)
    fraction = regression.quantity.unit == "fraction"
    return RegressionView(
        id=regression.regression_id,
        cell=regression.cell,
        cell_page=formats.cell_page(regression.cell),
        quantity=regression.quantity.name,
        word=REGRESSIONS[state],
        trend=TRENDS[regression.trend],
        since=regression.onset[:10],
        raised=regression.raised[:10],
        before=formats.metric(regression.before, regression.quantity.unit),
        after=formats.metric(regression.after, regression.quantity.unit),
        shift=f"{formats.signed(regression.shift_sd)} sd",
        change=_change(regression, fraction=fraction),
        host_class=regression.host_class,
        onset_run=regression.onset_run,
        onset_page=formats.run_page(regression.onset_run)
        if any(record.run_id == regression.onset_run for record in content.records)
        else None,
        faults=", ".join(regression.faults),
        confirmation=regression.confirmation.says if regression.confirmation else "not confirmed yet",
        environment=tuple((each.group, each.name, each.before, each.after) for each in regression.environment),
        events=tuple(map(_event, regression.events)),
        commands=_commands(regression, _run_before(regression, content)),
        is_open=state in WAITING,
    )


def _change(regression: Regression, *, fraction: bool) -> str:
    """The size in the unit that a reader thinks in: percentage points of a share, percent of everything else."""
    if fraction:
        return f"{formats.signed(100 * (regression.after - regression.before), 2)} points"
    if not regression.before:
        return formats.NOTHING
    return f"{formats.signed(100 * (regression.after / regression.before - 1))}%"


def _event(event: Event) -> tuple[str, str, str, str]:
    until = f" until {event.until}" if event.until else ""
    return formats.utc(event.at), f"{event.state}{until}", event.owner or "the harness", event.note


def _commands(regression: Regression, before_run: str | None) -> tuple[tuple[str, str], ...]:
    name, commands = regression.regression_id, []
    if regression.state == "detected":
        commands.append(("Own it", f"trainband regressions ack {name} --owner=NAME --note=TEXT"))
    if regression.state in OPEN:
        commands.append(("Say that it is fixed", f"trainband regressions fix {name} --owner=NAME"))
        if before_run is not None:
            commands.append(("Compare the runs on either side", f"trainband diff {before_run} {regression.onset_run}"))
    return tuple(commands)


def _run_before(regression: Regression, content: ReportContent) -> str | None:
    """The last run of the old level."""
    history = content.history.cells.get(regression.cell)
    place = (regression.quantity.name, regression.host_class)
    for state in history.states if history is not None else ():
        series = state.series
        if (series.quantity.name, series.host_class) != place:
            continue
        runs = series.points.run_ids
        if regression.onset_run in runs[1:]:
            return runs[runs.index(regression.onset_run) - 1]
    return None


def _count(number: int) -> str:
    return f"{number} regression" + ("s" if number != 1 else "")
