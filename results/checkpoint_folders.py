"""Where a store keeps the checkpoints of runs that are not finished: `checkpoints/<key>/`, for one process at a time."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import filelock

from trainband.results.files import TEMPORARY_SUFFIX
from trainband.results.layout import locked, safe_name
from trainband.results.store_errors import StoreError, explained

CHECKPOINT_FILE = "checkpoint.npz"
_FOLDER = "checkpoints"
_LOCK = "lock"


@contextlib.contextmanager
def held(root: Path, key: str) -> Iterator[Path]:
    """The folder of `key` in the store at `root`, held for this process; freed by the process's death, too.

    What writers that were killed left half-written in it is removed; a folder without a checkpoint does not stay.

    Raises:
      StoreError: another process holds it, or the disk refuses.
    """
    folder = root / _FOLDER / safe_name("key", key)
    lock = locked(folder / _LOCK, wait_sec=0)
    with explained("lock the checkpoint's folder", folder):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire()
        except filelock.Timeout as error:
            raise StoreError(
                f"this run is in progress: another process holds {folder}; wait for it to end, or give another --seed"
            ) from error
    try:
        _remove_half_written(folder)
        yield folder
    finally:
        _remove_if_empty(folder)
        lock.release()


def left_behind(root: Path) -> list[Path]:
    """The checkpoints of runs that no process is at, newest first."""
    found = []
    for path in (root / _FOLDER).glob(f"*/{CHECKPOINT_FILE}"):
        with contextlib.suppress(OSError), locked(path.parent / _LOCK, wait_sec=0):  # else a process is at it
            found.append((path.stat().st_mtime, path))
    return [path for _, path in sorted(found, reverse=True)]


def clean(root: Path) -> None:
    """Removes what dead processes left: files half-written, and folders without a checkpoint."""
    for folder in (root / _FOLDER).glob("*"):
        with contextlib.suppress(OSError), locked(folder / _LOCK, wait_sec=0):
            _remove_half_written(folder)
            _remove_if_empty(folder)


def _remove_half_written(folder: Path) -> None:
    for path in folder.glob(f".*{TEMPORARY_SUFFIX}"):
        path.unlink(missing_ok=True)


def _remove_if_empty(folder: Path) -> None:
    if not (folder / CHECKPOINT_FILE).exists():
        shutil.rmtree(folder, ignore_errors=True)
