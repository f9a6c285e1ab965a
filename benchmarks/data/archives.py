"""Checks of original archives before the official builder starts: a wrong one is named at once."""

from __future__ import annotations

import hashlib
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from trainband.benchmarks.data.cache import DataError

REACH_TIMEOUT_SEC = 10.0
_WEB_PAGE_STARTS = (b"<!doctype", b"<html", b"<?xml")


@dataclass(frozen=True, kw_only=True)
class Archive:
    """An original archive as TFDS registers it."""

    url: str
    filename: str
    size: int
    sha256: str


def check_mirror(name: str, folder: Path, archives: Mapping[str, Archive]) -> None:
    """Raise DataError unless `folder` holds every archive of data set `name` with its registered hash."""
    missing = [archive.filename for archive in archives.values() if not (folder / archive.filename).is_file()]
    if missing:
        raise DataError(
            f"data set {name!r}: the mirror folder {folder} lacks {', '.join(missing)}; put the original "
            f"archives there under these names, or leave --mirror out to download them"
        )
    for archive in archives.values():
        _check_archive(name, folder / archive.filename, archive)


def check_reachable(name: str, archives: Mapping[str, Archive], *, ways_out: str) -> None:
    """Raise DataError if a server of the archives does not answer; any answer at all will do."""
    for url in {urlsplit(url).netloc: url for url in archives}.values():
        try:
            with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=REACH_TIMEOUT_SEC):
                pass
        except urllib.error.HTTPError:
            continue
        except OSError as error:
            raise DataError(f"data set {name!r}: cannot reach {url} ({error}); {ways_out}") from error


def _check_archive(name: str, path: Path, archive: Archive) -> None:
    with path.open("rb") as file:
        start = file.read(16).lower().lstrip()
        file.seek(0)
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    if sha256 == archive.sha256:
        return
    what = "is a web page, not the archive" if start.startswith(_WEB_PAGE_STARTS) else "is not the original archive"
    raise DataError(
        f"data set {name!r}: {path} {what}: {path.stat().st_size} bytes, sha256 {sha256}; "
        f"TFDS registers {archive.size} bytes, sha256 {archive.sha256}; fetch it again from {archive.url}"
    )
