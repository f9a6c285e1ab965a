"""What a run leaves beside its record, as its page shows it: its trace in short, and the receipt of a replay."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Rows = tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class TraceFacts:
    """A trace thinned out for a chart.

    Attributes:
      steps: places of the points.
      losses, gradient_norms: mean over the steps from one point to the next; None where it is not finite.
      facts: label and text about the whole trace.
    """

    steps: tuple[int, ...]
    losses: tuple[float | None, ...]
    gradient_norms: tuple[float | None, ...]
    facts: Rows


@dataclass(frozen=True, kw_only=True)
class RunExtras:
    """Attributes:
    trace: None where there is none that can be read; `no_trace` says why.
    receipt: label and text of what a replay came to; empty for a run that is none.
    """

    trace: TraceFacts | None = None
    no_trace: str = ""
    receipt: Rows = ()


ExtrasOf = Callable[[str], RunExtras]


def no_extras(run_id: str) -> RunExtras:
    """Of a report that was not given any."""
    return RunExtras()
