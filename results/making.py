"""Run directories in the making: `tmp/<run_id>/run`, with the process that makes it in `tmp/<run_id>/owner`."""

from __future__ import annotations

import contextlib
import logging
import shutil
import time
from pathlib import Path

import filelock

from trainband.results import checkpoint_folders
from trainband.results.files import TEMPORARY_SUFFIX, sync_path
from trainband.results.layout import Layout, locked, safe_name
from trainband.results.owners import is_alive, read_owner, this_process
from trainband.results.store_errors import StoreError, explained

# A leftover of another host, whose processes cannot be looked up from here, is taken for dead after this long.
FOREIGN_LEFTOVER_SEC = 7 * 24 * 3600.0
_HALF_WRITTEN_SEC = 3600.0

_LOG = logging.getLogger(__name__)


class Making:
    """The run directories of `layout` that are not yet part of the store."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def begin(self, run_id: str) -> Path:
        """Makes the directory of a new run; StoreError if it is being made, stored already, or the disk refuses."""
        place = self._place(run_id)
        with explained("make a run directory in", self._layout.tmp), self._lock():
            if (self._layout.runs / run_id).exists():
                raise already_stored(self._layout, run_id)
            if not self._removed_if_left_over(place):
                raise StoreError(f"run {run_id} is being made in {place} by a process that is alive; use another id")
            try:
                place.mkdir()
                (place / "owner").write_text(this_process().to_json(), encoding="utf-8")
                (place / "run").mkdir()
            except OSError:
                remove(place)
                raise
        return place / "run"

    def finish(self, run_id: str, record_text: str) -> Path:
        """Adds record.json, flushes all files and moves the directory to its place among the runs."""
        place = self._place(run_id)
        making, target = place / "run", self._layout.runs / run_id
        if not making.is_dir():
            raise StoreError(f"cannot store run {run_id}: there is no {making}; call begin_run first")
        with explained("write the record to", making):
            (making / "record.json").write_text(record_text, encoding="utf-8")
            for path in (*making.rglob("*"), making):
                if path.is_dir() or path.is_file():
                    sync_path(path)
        if target.exists():
            raise already_stored(self._layout, run_id)
        with explained("move the run to", target):
            making.rename(target)
            sync_path(self._layout.runs)
        shutil.rmtree(place, ignore_errors=True)  # the run is stored; sweep_leftovers takes what stays
        return target

    def discard(self, run_id: str) -> None:
        """Removes the directory; nothing if there is none."""
        place = self._place(run_id)
        with explained("remove", place):
            remove(place)

    def sweep_leftovers(self) -> list[str]:
        """Removes what dead processes left, in the making and half-written; returns the run ids."""
        removed = []
        with explained("clean", self._layout.tmp), self._lock():
            for place in sorted(self._layout.tmp.glob("[!.]*")):
                try:
                    if self._removed_if_left_over(place):
                        removed.append(place.name)
                except OSError as error:
                    _LOG.warning("cannot remove the leftover %s: %s", place, error)
        self._remove_half_written()
        checkpoint_folders.clean(self._layout.root)
        return removed

    def _place(self, run_id: str) -> Path:
        return self._layout.tmp / safe_name("run_id", run_id)

    def _lock(self) -> filelock.BaseFileLock:
        return locked(self._layout.tmp / ".lock")

    def _remove_half_written(self) -> None:
        """Removes the temporary files of writers that were killed more than an hour ago."""
        for folder in (self._layout.root, self._layout.judgements, self._layout.sweeps):
            for path in folder.glob(f".*{TEMPORARY_SUFFIX}"):
                with contextlib.suppress(OSError):  # another process took it, or holds the folder: next time
                    if time.time() - path.stat().st_mtime > _HALF_WRITTEN_SEC:
                        path.unlink()

    def _removed_if_left_over(self, place: Path) -> bool:
        """Removes `place` unless its process may live; True if nothing is left there. To be called under the lock.

        The owner is written under the lock that made the directory, so a directory without one has a dead owner.
        """
        owner = read_owner(place / "owner")
        if owner is not None:
            alive = is_alive(owner)
            if alive or (alive is None and time.time() - owner.since < FOREIGN_LEFTOVER_SEC):
                return False
        remove(place)
        return True


def already_stored(layout: Layout, run_id: str) -> StoreError:
    return StoreError(f"run {run_id} exists in {layout.runs}; a run is never written twice: use another id")


def remove(path: Path) -> None:
    """Removes a file, or a folder with all in it; nothing if there is none."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
