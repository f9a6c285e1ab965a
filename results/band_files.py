"""Band files: `results/reference/<model>/<tier>.json`, the same text whenever the same band is written."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from trainband.results.bands import BAND_VERSION, Band, band_to_json
from trainband.results.codec import CodecError, decode_document


def band_path(root: Path, model: str, tier: str) -> Path:
    """Where the band of (model, tier) lies below `root`."""
    return root / model / f"{tier}.json"


def band_from_json(text: str) -> Band:
    """The band in `text`.

    Raises:
      CodecError: not JSON, a version that this release does not know, or keys that its version does not have.
    """
    return decode_document(Band, text, name="band", version=BAND_VERSION)


def read_band(path: Path) -> Band:
    """The band in the file at `path`.

    Raises:
      FileNotFoundError: there is none.
      CodecError: its text is no band; the message names the file.
    """
    try:
        return band_from_json(path.read_text(encoding="utf-8"))
    except (CodecError, UnicodeDecodeError) as error:
        raise CodecError(f"{path}: {error}") from error


def write_band(path: Path, band: Band) -> None:
    """Writes `band` to `path`, whole or not at all; folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(band_to_json(band))
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
