"""A regression as a document: where and when, how large, what differs in the environment, and what became of it.

It begins as a candidate, which an alarm raised. Fresh runs (quality) or an A/B against the baseline's environment (speed)
make it `detected` or `refuted`; people acknowledge, ignore, accept or fix what was detected, and close by `fixed` what nothing
can confirm any more. Nothing that happened is erased.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

from trainband.results.history.series import Baseline, Quantity, Trend
from trainband.results.statistics import Side

REGRESSION_VERSION = 1

State = Literal["candidate", "refuted", "detected", "acknowledged", "ignored", "accepted", "fixed"]

_MAY_FOLLOW: Mapping[State, tuple[State, ...]] = {
    "candidate": ("refuted", "detected", "fixed"),
    "refuted": (),
    "detected": ("acknowledged", "ignored", "accepted", "fixed"),
    "acknowledged": ("acknowledged", "ignored", "accepted", "fixed"),
    "ignored": ("acknowledged", "ignored", "accepted", "fixed"),
    "accepted": (),
    "fixed": (),
}
OPEN: frozenset[State] = frozenset({"detected", "acknowledged", "ignored"})


class RegressionError(ValueError):
    """Something that cannot happen to a regression; the message names it, its state and the way out."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """One step of the life cycle.

    Attributes:
      at: ISO 8601, UTC.
      owner: who answers for it; empty where the harness decided.
      until: last day of an `ignored` one, `YYYY-MM-DD`.
    """

    state: State
    at: str
    owner: str = ""
    note: str = ""
    until: str | None = None


@dataclass(frozen=True, kw_only=True)
class EnvironmentChange:
    """Something that differs between the last run of the old level and the first of the new one."""

    group: str
    name: str
    before: str
    after: str


@dataclass(frozen=True, kw_only=True)
class Confirmation:
    """What fresh runs or an A/B said.

    Attributes:
      runs: the fresh runs; empty for an A/B.
      value: mean of the fresh runs in the quantity's unit, or the ratio of speeds, now over baseline.
      bound: what `value` was compared with.
      says: the same in a sentence.
    """

    kind: Literal["fresh runs", "A/B", "verdict"]
    confirmed: bool
    says: str
    runs: tuple[str, ...] = ()
    value: float | None = None
    bound: float | None = None


@dataclass(frozen=True, kw_only=True)
class Regression:
    """A change of level of one quantity of one cell on one host class.

    Attributes:
      alarm_run, raised: the run that raised the alarm, and when it was made.
      onset_run, onset: the first run of the new level as placed on that night, and when it was made.
      before, after: levels in the quantity's unit; `shift_sd` is their distance in the baseline's sds.
      environment: what differs between the runs on either side of the onset.
      faults: planted ones; empty outside a rehearsal.
    """

    regression_id: str
    cell: str
    quantity: Quantity
    host_class: str
    side: Side
    alarm_run: str
    raised: str
    onset_run: str
    onset: str
    before: float
    after: float
    shift_sd: float
    baseline: Baseline
    events: tuple[Event, ...]
    environment: tuple[EnvironmentChange, ...] = ()
    confirmation: Confirmation | None = None
    faults: tuple[str, ...] = ()
    version: int = field(default=REGRESSION_VERSION)

    def __post_init__(self) -> None:
        if not self.events:
            raise ValueError(f"regression {self.regression_id}: events is empty; the first is what it began as")

    @property
    def trend(self) -> Trend:
        return self.quantity.trend(self.side)

    @property
    def state(self) -> State:
        """Where it stands, whatever the day: see `state_on`."""
        return self.events[-1].state

    def state_on(self, today: date) -> State:
        """Where it stands on a day: what was ignored until an earlier one is `detected` again."""
        last = self.events[-1]
        if last.state == "ignored" and last.until is not None and date.fromisoformat(last.until) < today:
            return "detected"
        return last.state


def regression_id(cell: str, quantity: str, host_class: str, alarm_run: str, raised: str) -> str:
    """The id of an alarm: the same whoever raises it, so that it is filed once."""
    digest = hashlib.sha256(f"{cell} {quantity} {host_class} {alarm_run}".encode()).hexdigest()[:10]
    return f"{raised[:10].replace('-', '')}-{cell.replace(':', '-').replace('@', '-')}-{quantity}-{digest}"


def moved_on(regression: Regression, event: Event) -> Regression:
    """`regression` with one more event.

    Raises:
      RegressionError: its state does not allow that, an owner is missing, or `until` is no day.
    """
    allowed = _MAY_FOLLOW[regression.state]
    if event.state not in allowed:
        raise RegressionError(
            f"regression {regression.regression_id} is {regression.state} and cannot become {event.state}; "
            f"it can become {' or '.join(allowed) or 'nothing else'}"
        )
    if event.state in ("acknowledged", "ignored", "accepted") and not event.owner.strip():
        raise RegressionError(
            f"regression {regression.regression_id}: {event.state} needs an owner: who answers for it?"
        )
    if event.state == "accepted" and regression.quantity.kind == "quality":
        cell = regression.cell
        raise RegressionError(
            f"regression {regression.regression_id}: what quality is expected stands in the band; calibrate it anew with "
            f"`trainband calibrate {cell} --seeds=20`"
        )
    if event.state == "ignored":
        _check_until(regression.regression_id, event.until)
    return replace(regression, events=(*regression.events, event))


def decided(regression: Regression, confirmation: Confirmation, at: str) -> Regression:
    """A candidate after its confirmation runs: detected, or refuted."""
    state: State = "detected" if confirmation.confirmed else "refuted"
    return replace(moved_on(regression, Event(state=state, at=at)), confirmation=confirmation)


def _check_until(name: str, until: str | None) -> None:
    try:
        date.fromisoformat(until or "")
    except ValueError:
        raise RegressionError(
            f"regression {name}: until = {until!r}: no day; ignore it until a day such as 2027-01-31"
        ) from None
