"""The audit: which planted faults an installation finds, as a versioned document.

Of each fault on each cell it says two things: in how many runs the verdict alone saw it, and in how many `diff` named
the stage that it was planted in.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from trainband.results.codec import CodecError, decode, encode
from trainband.results.files import atomic_write_text
from trainband.results.statistics import rate_limits

AUDIT_VERSION = 1
AUDIT_FILE = "audit.json"


@dataclass(frozen=True, kw_only=True)
class Share:
    """`count` of `n`, with the 95% limits of the rate behind it (Clopper-Pearson)."""

    count: int
    n: int
    lower: float
    upper: float

    @property
    def whole(self) -> bool:
        """Whether it is all of them."""
        return self.count == self.n


def share(count: int, n: int) -> Share:
    """`count` of `n` with its limits; `n` is 1 or more."""
    lower, upper = rate_limits(count, n)
    return Share(count=count, n=n, lower=lower, upper=upper)


@dataclass(frozen=True, kw_only=True)
class FaultRow:
    """One fault on one cell.

    Attributes:
      stage: where it was planted, as `diff` calls it.
      layer: the layer that it sits in; None for none or all.
      no_place: why this cell has no place for it; the other findings are None and empty then.
      seen: runs whose own verdict was not `pass`; None where no band judges the cell.
      verdicts: verdict of the single run -> runs.
      named: runs of which `diff` named the stage, and no other, as the place where they part from the healthy ones.
      causes: what `diff` named -> runs.
      layers_named: runs in which the tensors that part first were the layer's alone; None where the layer has no
        tensor of that stage.
    """

    cell: str
    fault: str
    title: str
    stage: str
    layer: str | None = None
    no_place: str | None = None
    seen: Share | None = None
    verdicts: Mapping[str, int] = field(default_factory=dict)
    named: Share | None = None
    causes: Mapping[str, int] = field(default_factory=dict)
    layers_named: Share | None = None


@dataclass(frozen=True, kw_only=True)
class HealthyRow:
    """The healthy runs of one cell, two of each seed.

    Attributes:
      alarms: pairs of one seed between which `diff` named a place where they part.
      causes: what it named -> pairs.
      outside: seeds whose run was not judged `pass`; None where no band judges the cell.
    """

    cell: str
    recipe_hash: str
    band_digest: str | None
    alarms: Share
    causes: Mapping[str, int]
    outside: Share | None
    verdicts: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What one installation finds.

    Attributes:
      versions: package -> version of what trained.
      seeds: of the runs of each fault.
      faults: stage by stage, cell by cell.
    """

    created: str
    trainband_version: str
    host_class: str
    versions: Mapping[str, str]
    seeds: tuple[int, ...]
    cells: tuple[HealthyRow, ...]
    faults: tuple[FaultRow, ...]
    version: int = field(default=AUDIT_VERSION)

    @property
    def passed(self) -> bool:
        """Whether `diff` named the stage of every run with a fault, and parted no two healthy ones."""
        missed = [row for row in self.faults if row.named is not None and not row.named.whole]
        return not missed and not any(cell.alarms.count for cell in self.cells)


def write_audit(path: Path, audit: Audit) -> None:
    """Write the audit's file, whole or not at all."""
    atomic_write_text(path, json.dumps(encode(audit), indent=1, allow_nan=False) + "\n")


def read_audit(path: Path) -> Audit:
    """The audit in the file at `path`.

    Raises:
      CodecError: not JSON, a version that this release does not know, or keys that its version does not have.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CodecError(f"{path}: the audit is not JSON: {error}") from error
    version = data.get("version") if isinstance(data, dict) else None
    if version != AUDIT_VERSION:
        raise CodecError(f"{path}: audit.version = {version!r}: this release reads version {AUDIT_VERSION}")
    return decode(Audit, data)
