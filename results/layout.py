"""Where things lie in a store, its version, and which names may become paths in it."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from pathlib import Path

import filelock

from trainband.results.files import atomic_write_text
from trainband.results.store_errors import StoreError, explained

STORE_VERSION = 1
LOCK_WAIT_SEC = 60.0

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+@=-]{0,199}")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|sqlite:")


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The paths of a store. `store_id` tells two stores apart that share one index."""

    root: Path
    store_id: str

    @property
    def runs(self) -> Path:
        return self.root / "runs"

    @property
    def judgements(self) -> Path:
        return self.root / "judgements"

    @property
    def sweeps(self) -> Path:
        return self.root / "sweeps"

    @property
    def tmp(self) -> Path:
        return self.root / "tmp"

    @property
    def index(self) -> Path:
        return self.root / "index.sqlite"


def parse_store_location(text: str) -> Path:
    """The directory that `--store=text` names.

    Raises:
      ValueError: the text is empty, or a URL: a database may hold the index, never the store.
    """
    if not text.strip():
        raise ValueError("--store is empty; it takes a directory")
    if _URL.match(text):
        shown = re.sub(r"(://[^:/@]*):[^@]*@", r"\1:***@", text)
        raise ValueError(
            f"--store={shown} is a URL; --store takes a directory, and --index=URL moves its index to a database"
        )
    return Path(text).expanduser()


def safe_name(field: str, name: object) -> str:
    """`name` if it can be the name of a file.

    Raises:
      ValueError: it has other characters than letters, digits and `_.+@=-`, begins with a dot, or is too long.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(
            f"{field} = {name!r}: must be 1 to 200 letters, digits or _ . + @ = - and not begin with . + @ = -"
        )
    return name


def open_layout(root: Path, *, create: bool) -> Layout:
    """The layout of the store at `root`, made if it is missing and `create` is set.

    Raises:
      StoreError: there is no store and none may be made, or it has a version that this release does not know.
    """
    root = root.absolute()
    with explained("open the store", root):
        if root.exists() and not root.is_dir():
            raise StoreError(f"cannot open the store {root}: it is a file; give a directory with --store")
        store_id = _read_version(root)
        if store_id is None:
            if not create:
                raise StoreError(
                    f"no store at {root}: it has no VERSION file; give the directory of a store with --store"
                )
            store_id = _make(root)
    return Layout(root=root, store_id=store_id)


def _read_version(root: Path) -> str | None:
    """The id of the store, None if there is no VERSION file."""
    path = root / "VERSION"
    try:
        version, _, store_id = path.read_text(encoding="utf-8", errors="replace").strip().partition("\n")
    except FileNotFoundError:
        return None
    if version.strip() != str(STORE_VERSION):
        raise StoreError(
            f"{path} says store version {version.strip()!r}; this release knows version {STORE_VERSION}: "
            "use the release of trainband that wrote it, or give another directory with --store"
        )
    return store_id.strip()


def _make(root: Path) -> str:
    root.mkdir(parents=True, exist_ok=True)
    with locked(root / "store.lock"):
        known = _read_version(root)
        if known is not None:
            return known
        if any((root / "runs").glob("*")):
            raise StoreError(
                f"{root} holds runs but no VERSION file: if it is a store of version {STORE_VERSION}, write a file VERSION "
                f"with the line {STORE_VERSION} into it, or give another directory with --store"
            )
        for name in ("runs", "judgements", "sweeps", "tmp"):
            (root / name).mkdir(exist_ok=True)
        store_id = uuid.uuid4().hex
        atomic_write_text(root / "VERSION", f"{STORE_VERSION}\n{store_id}\n")
        return store_id


def locked(path: Path, *, wait_sec: float = LOCK_WAIT_SEC) -> filelock.BaseFileLock:
    """A lock on the file at `path`, to be entered with `with`; raises filelock.Timeout (an OSError) after `wait_sec`."""
    return filelock.FileLock(path, timeout=wait_sec)
