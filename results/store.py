"""The store: a directory that keeps what sweeps leave behind, safe against full disks, kills and a second sweep.

* `runs/<run_id>/record.json`, `spec.json`, ...: a run; the directory appears whole or not at all
* `judgements/<judgement_id>.json`: a verdict with the records it rests on
* `sweeps/<sweep_id>.json`, `<sweep_id>.lock`: what was asked for, and who is at it
* `checkpoints/<key>/checkpoint.npz`: the state of a run that was killed (`results.checkpoint_folders`)
* `regressions/<id>.json`, `nights/<night_id>.json`, `canaries/<key>/canary.json`: what nights made of it (`results.history`)
* `tmp/<run_id>/run`, `tmp/<run_id>/owner`: a run in the making, and its process
* `index.sqlite`: a copy for questions, remade from the directories at will
* `VERSION`: version of this arrangement, and the store's id
"""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import filelock

from trainband.results.files import atomic_write_text
from trainband.results.index_rows import (
    ALL_JUDGEMENTS,
    ALL_RUNS,
    Entries,
    JudgementFilter,
    Problem,
    RunFilter,
    RunRow,
    check_judgement,
    run_row,
    utc_text,
)
from trainband.results.layout import locked, open_layout, parse_store_location, safe_name
from trainband.results.making import Making
from trainband.results.records import Record, record_to_json
from trainband.results.store_errors import IndexUnavailable, RunNotFound, StoreError, explained, shortened
from trainband.results.store_index import StoreIndex
from trainband.results.store_scan import UNREADABLE, describe, read_object, read_run, sweep_problems

__all__ = [
    "IndexUnavailable",
    "JudgementFilter",
    "Problem",
    "RunFilter",
    "RunNotFound",
    "RunRow",
    "Store",
    "StoreError",
    "parse_store_location",
]

T = TypeVar("T")

_SWEEP_KEYS = ("sweep_id", "created", "status")

_LOG = logging.getLogger(__name__)


class Store:
    """A store on disk. Any number of processes may use one at once.

    Args:
      root: its directory.
      index_url: SQLAlchemy URL of a database for the index; None is `index.sqlite` in `root`.
      create: make the store where `root` has none.

    Raises:
      StoreError: `root` is a file, cannot be made, or holds a store of another version.
    """

    def __init__(self, root: Path, index_url: str | None = None, *, create: bool = True) -> None:
        self._layout = open_layout(root, create=create)
        self._index = StoreIndex(self._layout, index_url)
        self._making = Making(self._layout)

    @property
    def root(self) -> Path:
        return self._layout.root

    def close(self) -> None:
        """Gives up the index's connection; the store opens it again when needed."""
        self._index.close()

    # Making a run

    def begin_run(self, run_id: str) -> Path:
        """An empty directory for the files of a new run, not yet part of the store.

        Raises:
          StoreError: the run exists or is being made, the directory cannot be made, or the index named by the user
            cannot be used: better known now than after the training.
        """
        self._index.require()
        return self._making.begin(run_id)

    def commit_run(self, run_id: str, record: Record) -> Path:
        """Writes the record and moves the run's directory into the store, whole; then files it in the index.

        An index that cannot be written does not fail the run: it is logged, and the next opening mends it. After any
        error the directory still stands where `begin_run` made it.

        Raises:
          StoreError: the disk refuses, there is no directory from `begin_run`, or the run exists.
          ValueError: the record is of another run, or holds a value that cannot be stored.
        """
        if record.run_id != run_id:
            raise ValueError(f"record.run_id = {record.run_id!r}: the run is {run_id!r}")
        row = run_row(record)
        target = self._making.finish(run_id, record_to_json(record))
        self._index.add(Entries(runs=[row]))
        return target

    def discard_run(self, run_id: str) -> None:
        """Removes what `begin_run` made; nothing if there is nothing."""
        self._making.discard(run_id)

    def sweep_leftovers(self) -> list[str]:
        """Removes the run directories of processes that died while making them, and half-written files.

        Returns:
          The run ids removed.
        """
        return self._making.sweep_leftovers()

    # Runs

    def run_path(self, run_id: str) -> Path:
        """Where the run lies, or would."""
        return self._layout.runs / safe_name("run_id", run_id)

    def read_record(self, run_id: str) -> Record:
        """The record of a run.

        Raises:
          RunNotFound: there is no such run.
          StoreError: its record cannot be read; the message says why.
        """
        path = self.run_path(run_id)
        try:
            return read_run(path)
        except UNREADABLE as error:
            if not path.exists():
                raise RunNotFound(f"no run {run_id!r} in {self._layout.runs}") from None
            raise StoreError(
                f"cannot read the record of run {run_id} in {path}: {describe(error)}; restore it, or move the directory away"
            ) from error

    def find_run(self, prefix: str) -> str:
        """The id of the one run that begins with `prefix`, or that is it.

        Raises:
          RunNotFound: none does, or several do; the message names candidates.
        """
        with explained("list", self._layout.runs):
            names = sorted(path.name for path in self._layout.runs.iterdir() if path.name[0] != ".")
        if prefix in names:
            return prefix
        found = [name for name in names if name.startswith(prefix)]
        if len(found) == 1:
            return found[0]
        if found:
            raise RunNotFound(f"{len(found)} runs begin with {prefix!r}: {shortened(found)}; give more of the id")
        known = f"the {len(names)} there are: {shortened(names)}" if names else "it has no runs"
        raise RunNotFound(f"no run in {self.root} begins with {prefix!r}; {known}")

    def rows(self, where: RunFilter = ALL_RUNS) -> list[RunRow]:
        """What the index knows of the runs that `where` asks for, newest first; opens no record."""
        return self._index.ask(lambda index: index.runs(where))

    def records(self, where: RunFilter = ALL_RUNS) -> Iterator[Record]:
        """The records that `where` asks for, newest first. One that cannot be read any more becomes a problem."""
        for row in self.rows(where):
            path = self.run_path(row.run_id)
            try:
                record = read_run(path)
            except UNREADABLE as error:
                _LOG.warning("run %s is left out: %s", path, describe(error))
                self._index.add(Entries(problems=[Problem(path=f"runs/{row.run_id}", message=describe(error))]))
            else:
                yield record

    # Judgements

    def write_judgement(self, document: Mapping[str, Any]) -> Path:
        """Stores a judgement: a JSON object with at least the keys that `check_judgement` asks for.

        Raises:
          StoreError: one of this id exists, or the disk refuses.
          ValueError: a key is missing or wrong, or a value is not JSON.
        """
        check_judgement(document)
        name = safe_name("judgement_id", document["judgement_id"])
        path = self._layout.judgements / f"{name}.json"
        if path.exists():
            raise StoreError(f"judgement {name} exists in {path}; a judgement is never written twice: use another id")
        self._write_json(path, document)
        self._index.add(Entries(judgements=[document]))
        return path

    def judgements(self, where: JudgementFilter = ALL_JUDGEMENTS) -> list[dict[str, Any]]:
        """The judgements that `where` asks for, newest first."""
        return self._index.ask(lambda index: index.judgements(where))

    def ask(self, question: Callable[[Any], T]) -> T:
        """The answer to a question of `store_summaries`, which is given a connection to the index's database."""
        return self._index.ask(lambda index: index.ask(question))

    # Sweeps

    def write_sweep(self, document: Mapping[str, Any]) -> Path:
        """Stores or replaces a sweep: a JSON object with at least `sweep_id`, `created` and `status`.

        Raises:
          StoreError: the disk refuses; an older version of the document still stands then.
          ValueError: a key is missing or wrong, or a value is not JSON.
        """
        missing = [key for key in _SWEEP_KEYS if key not in document]
        if missing:
            raise ValueError(f"sweep: key {missing[0]!r} is missing; it needs {', '.join(_SWEEP_KEYS)}")
        utc_text("sweep.created", document["created"])
        path = self._sweep_path(document["sweep_id"])
        self._write_json(path, document)
        return path

    def read_sweep(self, sweep_id: str) -> dict[str, Any]:
        """A sweep's document; raises StoreError if there is none, or it cannot be read."""
        path = self._sweep_path(sweep_id)
        if not path.exists():
            raise StoreError(f"no sweep {sweep_id!r} in {self.root}; it has {shortened(self._sweep_ids()) or 'none'}")
        try:
            return read_object(path)
        except UNREADABLE as error:
            raise StoreError(f"cannot read the sweep {path}: {describe(error)}; restore it, or move it away") from error

    def sweeps(self, newest: int | None = None) -> list[dict[str, Any]]:
        """The documents of all sweeps, or of so many, newest first; one that cannot be read is logged and in `problems`."""
        sweep_ids = self._sweep_ids()
        found = []
        for sweep_id in sweep_ids if newest is None else sweep_ids[-newest:]:
            try:
                document = self.read_sweep(sweep_id)
                found.append((utc_text("sweep.created", document.get("created")), sweep_id, document))
            except (StoreError, ValueError) as error:
                _LOG.warning("%s", error)
        return [document for _, _, document in sorted(found, key=lambda item: item[:2], reverse=True)]

    @contextlib.contextmanager
    def lock_sweep(self, sweep_id: str) -> Iterator[None]:
        """Holds the sweep for this process, so that two never continue one sweep; freed by the process's death, too.

        Raises:
          StoreError: another holds it.
        """
        path = self._sweep_path(sweep_id).with_suffix(".lock")
        lock = locked(path, wait_sec=0)
        with explained("lock the sweep with", path):
            try:
                lock.acquire()
            except filelock.Timeout as error:
                raise StoreError(
                    f"sweep {sweep_id} is in progress: another process holds {path}; wait for it to end"
                ) from error
        try:
            yield
        finally:
            lock.release()

    # Upkeep

    def rebuild(self) -> list[Problem]:
        """Makes the index anew from the directories; returns what in them cannot be read, which stays where it is.

        Raises:
          IndexUnavailable: the index cannot be written.
        """
        return [*self._index.rebuild().problems, *sweep_problems(self._layout)]

    def problems(self) -> list[Problem]:
        """What cannot be read, as known since it was last looked at; `rebuild` looks at everything."""
        return [*self._index.ask(lambda index: index.problems()), *sweep_problems(self._layout)]

    def _write_json(self, path: Path, document: Mapping[str, Any]) -> None:
        try:
            text = json.dumps(dict(document), indent=1, sort_keys=True, allow_nan=False) + "\n"
        except TypeError as error:
            raise ValueError(f"{path.name}: {error}; give values that are JSON already") from error
        with explained("write", path):
            atomic_write_text(path, text)

    def _sweep_path(self, sweep_id: object) -> Path:
        return self._layout.sweeps / f"{safe_name('sweep_id', sweep_id)}.json"

    def _sweep_ids(self) -> list[str]:
        with explained("list", self._layout.sweeps):
            return sorted(path.stem for path in self._layout.sweeps.glob("[!.]*.json"))
