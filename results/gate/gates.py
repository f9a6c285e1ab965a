"""The stored experiment of a gate: two environments, the pairs of runs so far, what was timed, and what moved.

A gate of the same two environments, suite, code and host class goes on with its document; it never starts afresh.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from trainband.results.codec import CodecError, decode, encode
from trainband.results.files import atomic_write_text
from trainband.results.gate.initialisers import InitialiserTest
from trainband.results.gate.speed import Block, GateSide

GATE_VERSION = 1
GATE_FILE = "gate.json"

Moved = Literal["random numbers only", "rounding only", "default changed", "implementation changed", "undetermined"]


class GateFileError(ValueError):
    """A gate's document that cannot be read; the message names the file, what is wrong and the way out."""


@dataclass(frozen=True, kw_only=True)
class EnvironmentFacts:
    """One environment.

    Attributes:
      asked: the words that named it.
      key: what tells its packages from any other's.
      target: Python and platform, such as `CPython 3.11.7 on linux-x86_64`.
      versions: distribution -> version.
    """

    asked: tuple[str, ...]
    key: str
    python: str
    target: str
    versions: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class RunPair:
    """Two runs of one seed, by their ids.

    Attributes:
      bit_equal: whether their trajectories, final weights and evaluations are equal to the bit.
      broken: side -> why its run failed.
    """

    index: int
    seed: int
    baseline: str
    candidate: str
    bit_equal: bool
    broken: Mapping[GateSide, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Where the first pair of a cell parts, and what that means.

    Attributes:
      says: the first divergence in a sentence.
      stage, step, layer, tensor: of the first difference; step None outside the steps, layer and tensor empty where
        the stage has none.
      size: relative difference of that tensor, None where it was not measured.
      moved: the class of the change; None where nobody could look.
      meanings: every difference in meaning, the first one first.
      failed: why something was not looked at; empty where nothing failed.
    """

    says: str
    stage: str
    step: int | None = None
    layer: str = ""
    tensor: str = ""
    size: float | None = None
    moved: Moved | None = None
    meanings: tuple[str, ...] = ()
    distances: tuple[str, ...] = ()
    failed: str = ""

    @property
    def semantic(self) -> bool | None:
        """Whether more than rounding and random numbers changed; None where that is not known."""
        if self.moved is None or self.moved == "undetermined":
            return None
        return self.moved in ("default changed", "implementation changed")


@dataclass(frozen=True, kw_only=True)
class InitialWeights:
    """How the natural initial weights of both sides compare, for a cell that leaves them to the framework.

    Attributes:
      equal: whether those of one seed are equal to the bit.
      test: the comparison of many builds a side where they are not.
    """

    equal: bool
    test: InitialiserTest | None = None


@dataclass(frozen=True, kw_only=True)
class Costs:
    """Medians over a side's runs, for information: nothing is judged by them."""

    startup_sec: float
    compile_sec: float
    peak_host_bytes: float


@dataclass(frozen=True, kw_only=True)
class GateCell:
    """What was done for a planned cell.

    Attributes:
      margins: metric -> the loss that matters, in the metric's unit or as a ratio minus one on a log scale.
      not_timed: side -> why it could not be timed.
      costs: side -> what its runs cost besides the training.
    """

    cell: str
    margins: Mapping[str, float]
    pairs: tuple[RunPair, ...] = ()
    blocks: tuple[Block, ...] = ()
    finding: Finding | None = None
    initial_weights: InitialWeights | None = None
    not_timed: Mapping[GateSide, str] = field(default_factory=dict)
    costs: Mapping[GateSide, Costs] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Gate:
    """The document.

    Attributes:
      code: digest of what the children ran.
      as_of: the day that `--as-of` named; empty where it named none.
    """

    key: str
    created: str
    trainband_version: str
    code: str
    host_class: str
    suite: str
    baseline: EnvironmentFacts
    candidate: EnvironmentFacts
    cells: tuple[GateCell, ...]
    as_of: str = ""
    version: int = field(default=GATE_VERSION)


def write_gate(path: Path, gate: Gate) -> None:
    """Write the document whole; raises OSError."""
    atomic_write_text(path, json.dumps(encode(gate), indent=1, allow_nan=False) + "\n")


def read_gate(path: Path) -> Gate:
    """The document at `path`; raises OSError, or GateFileError where it is none of this version."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        version = data.get("version") if isinstance(data, dict) else None
        if version != GATE_VERSION:
            raise CodecError(f"version = {version!r}: this release reads version {GATE_VERSION}")
        return decode(Gate, data)
    except (json.JSONDecodeError, UnicodeDecodeError, CodecError) as error:
        raise GateFileError(f"{path}: {error}; remove its folder to begin that gate anew") from error


def differing_versions(baseline: EnvironmentFacts, candidate: EnvironmentFacts) -> list[tuple[str, str, str]]:
    """Packages whose versions differ, as (name, baseline's, candidate's); "" where a side does not have it."""
    ours, theirs = baseline.versions, candidate.versions
    names = sorted({*ours, *theirs} - {"trainband"})
    return [(n, ours.get(n, ""), theirs.get(n, "")) for n in names if ours.get(n) != theirs.get(n)]
