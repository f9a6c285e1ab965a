"""The nightly canary: the first steps of seed 0, equal to the bit from night to night as long as no numerics change.

One document a cell, host class and set of packages. A mark is exact and no failure: it says from which night on bits differ.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from pathlib import Path

from trainband.results.codec import CodecError, decode_document, encode
from trainband.results.files import atomic_write_text

CANARY_VERSION = 1
CANARY_STEPS = 50
CANARY_FILE = "canary.json"


@dataclass(frozen=True, kw_only=True)
class Mark:
    """`numerics changed`: on the night of `at` bits differ from those of the night of `before_at`.

    Attributes:
      says: where the two trajectories part, and what of trainband's own differs.
    """

    at: str
    before_at: str
    before: str
    after: str
    says: str


@dataclass(frozen=True, kw_only=True)
class Canary:
    """The newest night's digest and every mark so far.

    Attributes:
      packages: digest of the interpreter's version and packages.
      first, at: the first and the newest night.
      digest: of losses, logits, gradients, batches, draws and the state after the last step.
      code: digest of what the child ran.
    """

    cell: str
    host_class: str
    packages: str
    first: str
    at: str
    digest: str
    code: str
    marks: tuple[Mark, ...] = ()
    version: int = field(default=CANARY_VERSION)


def canary_key(cell: str, host_class: str, packages: str) -> str:
    """The name of its folder: nights are compared where all three are equal."""
    digest = hashlib.sha256(f"{host_class} {packages}".encode()).hexdigest()[:12]
    return f"{cell.replace(':', '-').replace('@', '-')}-{digest}"


def sung(known: Canary | None, tonight: Canary, says: str) -> Canary:
    """The document after tonight; `says` is needed where the digests differ."""
    if known is None:
        return tonight
    marks = known.marks
    if known.digest != tonight.digest:
        mark = Mark(at=tonight.at, before_at=known.at, before=known.digest, after=tonight.digest, says=says)
        marks = (*marks, mark)
    return replace(tonight, first=known.first, marks=marks)


def canary_to_json(canary: Canary) -> str:
    """The document as its file's text."""
    return json.dumps(encode(canary), indent=1, sort_keys=True, allow_nan=False) + "\n"


def canary_from_json(text: str) -> Canary:
    """The document in `text`; raises CodecError."""
    return decode_document(Canary, text, name="canary", version=CANARY_VERSION)


def read_canary(folder: Path) -> Canary | None:
    """The document in `folder`; None where there is none. Raises CodecError, whose message names the file."""
    path = folder / CANARY_FILE
    try:
        return canary_from_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (CodecError, UnicodeDecodeError) as error:
        raise CodecError(f"{path}: {error}; remove its folder to begin anew") from error


def write_canary(folder: Path, canary: Canary) -> None:
    """Replace the document in `folder`; raises OSError."""
    atomic_write_text(folder / CANARY_FILE, canary_to_json(canary))


def read_canaries(store_root: Path) -> list[Canary]:
    """Every document of a store, for the marks on its time axes; raises CodecError."""
    found = (read_canary(folder) for folder in sorted((store_root / "canaries").glob("[!.]*")))
    return [canary for canary in found if canary is not None]
