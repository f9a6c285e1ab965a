"""`trainband regressions`: what history found, and what became of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from absl import flags

from trainband.command_line import INFRASTRUCTURE, UsageError, Verb, define_store, open_store

if TYPE_CHECKING:
    from trainband.results.history.regressions import Regression, State

_ACTS: dict[str, State] = {"ack": "acknowledged", "ignore": "ignored", "accept": "accepted", "fix": "fixed"}


def define(values: flags.FlagValues) -> None:
    """Flags of `regressions`."""
    define_store(values)
    flags.DEFINE_string("owner", "", "Who answers for it.", flag_values=values)
    flags.DEFINE_string("note", "", "What is known about it.", flag_values=values)
    flags.DEFINE_string("until", None, "ignore: the last day, such as 2027-01-31.", flag_values=values)
    flags.DEFINE_boolean("all", False, "list: those that are closed, too.", flag_values=values)


def run(values: Any, words: list[str]) -> int:
    """List them, or move one on."""
    from trainband.results.history.regression_files import RegressionFolder

    act = words[0] if words else "list"
    if act != "list" and act not in _ACTS:
        raise UsageError(f"regressions {act}: give list, {', '.join(_ACTS)}")
    if len(words) != (1 if act == "list" else 2) and words:
        raise UsageError(
            f"regressions {act}: " + ("takes no words" if act == "list" else "give one id, or its beginning")
        )
    if values.until is not None and act != "ignore":
        raise UsageError(f"--until={values.until}: only what is ignored ends on a day")
    folder = RegressionFolder(open_store(values, create=False).root)
    if act == "list":
        return _list(values, folder)
    found = _moved(values, folder, _ACTS[act], words[1])
    _show(values, [found])
    return 0


def _list(values: Any, folder: Any) -> int:
    from trainband.results.history.regressions import OPEN

    found, problems = folder.all()
    _show(values, [each for each in found if values.all or each.state in OPEN or each.state == "candidate"])
    for problem in problems:
        print(f"trainband regressions: {problem.path}: {problem.message}")
    return INFRASTRUCTURE if problems else 0


def _moved(values: Any, folder: Any, state: State, name: str) -> Regression:
    from trainband.benchmarks.judging import now_utc
    from trainband.results.history.regressions import Event, moved_on

    event = Event(state=state, at=now_utc(), owner=values.owner, note=values.note, until=values.until)
    with folder.writing():
        found: Regression = moved_on(folder.read(name), event)
        folder.replace(found)
    return found


def _show(values: Any, found: Sequence[Regression]) -> None:
    from trainband.nightly_text import regression_line
    from trainband.results.codec import encode

    if values.json:
        print(json.dumps([encode(each) for each in found], indent=1))
        return
    today: date = datetime.now(UTC).date()
    print("\n".join(regression_line(each, today) for each in found) or "no regression is open")


VERB = Verb(
    summary="What history found, by state: list it, acknowledge it, ignore it until a day, accept a new speed, or say that "
    "it is fixed.",
    example="trainband regressions ack 20261126-cnn_digits --owner=kim --note='the new kernel, see the upgrade'",
    define=define,
    run=run,
    words="[list | ack ID | ignore ID | accept ID | fix ID]",
)
