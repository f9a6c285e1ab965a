"""What an attribution found, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from trainband.results.attributions import Attribution, By, Guilty


def attribution_text(found: Attribution) -> str:
    """The guilty packages with their releases, or the guilty fields, and what could not be tried."""
    return "\n".join(_lines(found))


def _lines(found: Attribution) -> Iterator[str]:
    yield f"{found.cell}, by {found.by}: {' '.join(found.baseline)} to {' '.join(found.candidate)}"
    yield f"ends      {found.comparisons[0].reason}"
    for guilty in found.guilty:
        yield ""
        yield from _guilty(guilty, found.by)
    said = [trial for trial in found.trials if trial.why_not]
    yield ""
    yield f"{len(found.trials)} settings tried and {len(found.comparisons)} comparisons made; {len(said)} settings said nothing"
    yield from (f"  {trial.what}: {trial.why_not}" for trial in said)


def _guilty(guilty: Guilty, by: By) -> Iterator[str]:
    yield f"guilty    {' and '.join(_moved(guilty, name) for name in guilty.leaders)}"
    others = [name for name in guilty.moved if name not in guilty.leaders]
    if others:
        yield f"  moves   {', '.join(_moved(guilty, name) for name in others)}"
    for change in guilty.releases or ():
        skipped = f" (not told: {', '.join(change.skipped)})" if change.skipped else ""
        also = f"; with it {', '.join(change.also)}" if change.also else ""
        what = "change" if by == "bits" else "lost"
        yield f"  {by:<7} {what} from {change.before} to {change.release}{skipped}{also}"


def _moved(guilty: Guilty, name: str) -> str:
    before, after = guilty.moved[name]
    return f"{name} {before or 'absent'} to {after or 'absent'}"
