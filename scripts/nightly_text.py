"""A night as text for people and logs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from fnmatch import fnmatchcase

from trainband.results.history.nights import Night
from trainband.results.history.regressions import OPEN, Regression
from trainband.results.judgements import Judgement
from trainband.results.waivers import Waiver

_SHOWN = 8


def night_text(
    night: Night, judgements: Sequence[Judgement], filed: Iterable[Regression], waivers: Iterable[Waiver], today: date
) -> str:
    """What the night came to, line by line."""
    verdicts = Counter(judgement.verdict for judgement in judgements)
    lines = [", ".join(f"{count} {verdict}" for verdict, count in verdicts.items()) or "no cell was judged"]
    lines += [f"not reached: {_listed([waiting.what for waiting in night.waiting])}"] if night.waiting else []
    lines += [f"waived: {each}" for each in _waived(judgements, waivers, today)]
    lines += [f"numerics changed: {_listed(night.numerics_changed)}"] if night.numerics_changed else []
    lines += [regression_line(each, today) for each in filed if each.state in OPEN or each.state == "candidate"]
    lines += [f"problem: {problem}" for problem in night.problems]
    lines.append(
        f"expected false alarms of the verdicts of a night like this: {night.expected_false_alarms or 0.0:.4f}"
    )
    return "\n".join(lines)


def regression_line(regression: Regression, today: date) -> str:
    """One regression in a line."""
    last = regression.events[-1]
    owner = f" by {last.owner}" if last.owner else ""
    until = f" until {last.until}" if last.until else ""
    return (
        f"{regression.state_on(today)}{owner}{until}: {regression.cell} {regression.quantity.name} "
        f"{regression.before:.5g} to {regression.after:.5g} ({regression.shift_sd:+.1f} sd) since {regression.onset[:10]} "
        f"({regression.regression_id})"
    )


def _waived(judgements: Sequence[Judgement], waivers: Iterable[Waiver], today: date) -> Iterable[str]:
    for waiver in waivers:
        count = sum(fnmatchcase(judgement.cell, waiver.cells) for judgement in judgements)
        state = "until" if today <= waiver.until else "EXPIRED on"
        if count:
            yield f"{waiver.cells} ({count} cells), {waiver.owner}, {state} {waiver.until.isoformat()}: {waiver.reason}"


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
