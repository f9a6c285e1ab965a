"""The stored search for what a difference comes from: every trial and comparison, and the guilty changes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from trainband.results.codec import CodecError, decode, encode
from trainband.results.files import atomic_write_text
from trainband.results.gate.probes import Answer
from trainband.results.gate.speed import Block

ATTRIBUTION_VERSION = 1
ATTRIBUTION_FILE = "attribution.json"

# What two settings are compared by.
By = Literal["bits", "quality", "cpu speed", "wall speed"]


class AttributionFileError(ValueError):
    """A document that cannot be read; the message names the file, what is wrong and the way out."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A setting that was tried: a cell in an environment.

    Attributes:
      what: what it is, in words.
      given: what tells it from the others: the requirements that its environment was solved or pinned from, or the fields
        that its cell takes from the candidate.
      versions: of what was installed for it; empty where nothing was.
      runs: ids of its runs.
      why_not: why it says nothing: it cannot be solved or built, a run fails, or two runs of one seed differ; else empty.
    """

    what: str
    given: tuple[str, ...]
    versions: Mapping[str, str] = field(default_factory=dict)
    runs: tuple[str, ...] = ()
    why_not: str = ""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two trials beside one another, by their places among the trials.

    Attributes:
      answer: `bad` where the second one differs in bits, or lost quality or speed.
      reason: what decided, with its figures.
      blocks: that were timed; the first trial is the baseline.
    """

    before: int
    after: int
    answer: Answer
    reason: str
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ReleaseChange:
    """Two neighbouring releases between which the difference comes in.

    Attributes:
      before: the last release before, leaving out those that could not be tried.
      skipped: releases in between that could not be tried: the change may lie at any of them.
      also: other packages that had to move between the two, as `name old new`.
    """

    package: str
    before: str
    release: str
    skipped: tuple[str, ...] = ()
    also: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Guilty:
    """A minimal set of packages, or of fields, whose move makes the difference.

    Attributes:
      leaders: what the search came down to; the others move because those need them.
      moved: name -> (baseline's version or value, candidate's), "" where a side does not have it.
      releases: at which of the one leader's releases; None where they were not looked through.
    """

    leaders: tuple[str, ...]
    moved: Mapping[str, tuple[str, str]]
    releases: tuple[ReleaseChange, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Attribution:
    """The document.

    Attributes:
      cell: that both sides train, or the one whose fields move.
      baseline, candidate: the words that named the sides.
    """

    key: str
    created: str
    trainband_version: str
    cell: str
    by: By
    baseline: tuple[str, ...]
    candidate: tuple[str, ...]
    trials: tuple[Trial, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    guilty: tuple[Guilty, ...] = ()
    complete: bool = False
    version: int = field(default=ATTRIBUTION_VERSION)


def to_go_on_with(found: Attribution) -> Attribution:
    """An unfinished search without what failed: an index that could not be reached, or a run that died, is tried again."""
    if found.complete:
        return found
    kept = [place for place, trial in enumerate(found.trials) if not trial.why_not]
    now_at = {place: index for index, place in enumerate(kept)}
    comparisons = tuple(
        replace(each, before=now_at[each.before], after=now_at[each.after])
        for each in found.comparisons
        if each.before in now_at and each.after in now_at
    )
    return replace(found, trials=tuple(found.trials[place] for place in kept), comparisons=comparisons)


def write_attribution(path: Path, found: Attribution) -> None:
    """Write the document whole; raises OSError."""
    atomic_write_text(path, json.dumps(encode(found), indent=1, allow_nan=False) + "\n")


def read_attribution(path: Path) -> Attribution:
    """The document at `path`; raises OSError, or AttributionFileError where it is none of this version."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        version = data.get("version") if isinstance(data, dict) else None
        if version != ATTRIBUTION_VERSION:
            raise CodecError(f"version = {version!r}: this release reads version {ATTRIBUTION_VERSION}")
        return decode(Attribution, data)
    except (json.JSONDecodeError, UnicodeDecodeError, CodecError) as error:
        raise AttributionFileError(f"{path}: {error}; remove its folder to begin that search anew") from error
