"""Every word of a judgement with its sign, its tone and its meaning: no page says anything by colour alone."""

from __future__ import annotations

from dataclasses import dataclass

from trainband.results.history.regressions import State
from trainband.results.history.series import Trend
from trainband.results.judgements import Verdict


@dataclass(frozen=True, kw_only=True)
class Word:
    """Attributes:
    icon: a symbol of the sprite in `icons.html`.
    tone: a class of the style sheet.
    """

    text: str
    icon: str
    tone: str
    meaning: str


VERDICTS: dict[Verdict, Word] = {
    "pass": Word(text="pass", icon="check", tone="good", meaning="the final metrics lie in their bands"),
    "fail_low": Word(
        text="fail_low", icon="down", tone="bad", meaning="worse than the band, and fresh seeds confirm it"
    ),
    "fail_high": Word(
        text="fail_high",
        icon="up",
        tone="odd",
        meaning="better than the band, confirmed: a defect until explained (a leak, an evaluation bug, a wrong recipe)",
    ),
    "diverged": Word(
        text="diverged", icon="wave", tone="bad", meaning="NaN, infinity, or training that did not converge"
    ),
    "error": Word(text="error", icon="cross", tone="broken", meaning="no sound measurement; the reason says why"),
    "timeout": Word(text="timeout", icon="clock", tone="broken", meaning="stopped at its time limit"),
    "no_band": Word(text="no_band", icon="dashes", tone="open", meaning="trained, but no valid band can judge it yet"),
    "undecided": Word(text="undecided", icon="question", tone="open", meaning="what was trained does not settle it"),
    "waived": Word(
        text="waived", icon="flag", tone="waived", meaning="a known failure that somebody owns until a date"
    ),
    "skipped": Word(text="skipped", icon="slash", tone="none", meaning="not trained: this host cannot"),
}
NOT_JUDGED = Word(text="not judged", icon="dot", tone="none", meaning="trained, but no judgement names it")
PLANNED = Word(text="planned", icon="dot", tone="none", meaning="asked for in this sweep and not trained yet")
NOT_RUN = Word(text="not run", icon="dot", tone="none", meaning="nothing in this report trained it")

# The worst first: a cell that was judged several times in one sweep is shown by its worst run.
WORST_FIRST: tuple[Verdict, ...] = (
    "fail_low",
    "diverged",
    "fail_high",
    "error",
    "timeout",
    "undecided",
    "no_band",
    "waived",
    "skipped",
    "pass",
)

THROUGHPUT: dict[str, Word] = {
    "ok": Word(text="ok", icon="check", tone="good", meaning="as fast as its baseline on this kind of host"),
    "slower": Word(text="slower", icon="down", tone="bad", meaning="slower than its baseline"),
    "faster": Word(text="faster", icon="up", tone="odd", meaning="faster than its baseline"),
    "no_baseline": Word(
        text="no_baseline",
        icon="dashes",
        tone="none",
        meaning="too few quiet runs on this kind of host to compare with",
    ),
    "contended": Word(
        text="contended", icon="wave", tone="none", meaning="the host was busy; the speed does not count"
    ),
}

OUTCOMES: dict[str, Word] = {
    "completed": Word(text="completed", icon="check", tone="none", meaning="the run left a measurement"),
    "error": Word(text="error", icon="cross", tone="broken", meaning="the run left no measurement"),
    "timeout": Word(text="timeout", icon="clock", tone="broken", meaning="stopped at its time limit"),
}

TRENDS: dict[Trend, Word] = {
    "worse": Word(text="worse", icon="down", tone="bad", meaning="a change of level to the worse side"),
    "better": Word(
        text="better",
        icon="up",
        tone="odd",
        meaning="a change of level to the better side: for quality, until explained",
    ),
}

# In the order in which a reader needs them.
REGRESSIONS: dict[State, Word] = {
    "detected": Word(text="detected", icon="down", tone="bad", meaning="confirmed, and nobody owns it"),
    "candidate": Word(
        text="candidate", icon="question", tone="open", meaning="an alarm that nothing has confirmed yet"
    ),
    "acknowledged": Word(text="acknowledged", icon="flag", tone="waived", meaning="confirmed, and somebody owns it"),
    "ignored": Word(
        text="ignored", icon="clock", tone="waived", meaning="somebody owns that it is ignored until a day"
    ),
    "accepted": Word(text="accepted", icon="check", tone="none", meaning="the new level is the baseline now"),
    "fixed": Word(text="fixed", icon="check", tone="good", meaning="somebody has said that it is fixed"),
    "refuted": Word(text="refuted", icon="slash", tone="none", meaning="fresh runs did not show it"),
}

# By exit status; a night without one still runs, or was killed.
NIGHTS: dict[int | None, Word] = {
    0: Word(text="well", icon="check", tone="good", meaning="all is well"),
    1: Word(text="failed", icon="down", tone="bad", meaning="a cell failed, or a regression is open that nobody owns"),
    3: Word(text="broken", icon="cross", tone="broken", meaning="something could not run or be read"),
    4: Word(text="undecided", icon="question", tone="open", meaning="something is not settled"),
    None: Word(text="not ended", icon="clock", tone="open", meaning="it still runs, or was killed"),
}

SWEEPS: dict[str, Word] = {
    "running": Word(text="running", icon="clock", tone="open", meaning="its process is at it, or was killed"),
    "interrupted": Word(text="interrupted", icon="slash", tone="broken", meaning="stopped before its end; can go on"),
}
