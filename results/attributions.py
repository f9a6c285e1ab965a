"""The stored search for what a difference comes from: every trial, the guilty packages, and their releases."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from trainband.results.codec import CodecError, decode, encode
from trainband.results.files import atomic_write_text

ATTRIBUTION_VERSION = 1
ATTRIBUTION_FILE = "attribution.json"


class AttributionFileError(ValueError):
    """A document that cannot be read; the message names the file, what is wrong and the way out."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """An environment that was tried.

    Attributes:
      what: what it is, in words.
      packages: the requirements that it was solved or pinned from.
      versions: of what was installed; empty where nothing was.
      runs: ids of its runs.
      why_not: why it says nothing: it cannot be solved or built, a run fails, or two runs of one seed differ; else empty.
    """

    what: str
    packages: tuple[str, ...]
    versions: Mapping[str, str] = field(default_factory=dict)
    runs: tuple[str, ...] = ()
    why_not: str = ""


@dataclass(frozen=True, kw_only=True)
class ReleaseChange:
    """Two neighbouring releases between which the bits change.

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
    """A minimal set of packages whose move changes the bits.

    Attributes:
      leaders: what the search came down to; the others move because those need them.
      moved: name -> (baseline's version, candidate's), "" where a side does not have it.
      releases: where the one leader's releases change the bits; None where they were not scanned.
    """

    leaders: tuple[str, ...]
    moved: Mapping[str, tuple[str, str]]
    releases: tuple[ReleaseChange, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Attribution:
    """The document."""

    key: str
    created: str
    trainband_version: str
    cell: str
    seed: int
    baseline: tuple[str, ...]
    candidate: tuple[str, ...]
    trials: tuple[Trial, ...] = ()
    guilty: tuple[Guilty, ...] = ()
    complete: bool = False
    version: int = field(default=ATTRIBUTION_VERSION)


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
