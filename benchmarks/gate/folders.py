"""Folders of experiments that go on where they were: one process at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import filelock

from trainband.results.layout import locked
from trainband.results.store_errors import StoreError, explained


@contextlib.contextmanager
def held_folder(folder: Path) -> Iterator[Path]:
    """`folder`, made if need be and held for this process.

    Raises:
      StoreError: another process is at it, or the disk refuses.
    """
    with explained("make the experiment's folder", folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = locked(folder / "lock", wait_sec=0)
        try:
            lock.acquire()
        except filelock.Timeout as error:
            raise StoreError(
                f"this experiment is in progress: another process holds {folder}; wait for it to end"
            ) from error
    try:
        yield folder
    finally:
        lock.release()
