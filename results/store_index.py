"""The index as a store uses it: opened when first needed, kept in step with the directories, never in a run's way."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from trainband.results.folder_names import differences, paths_of
from trainband.results.index_rows import Entries
from trainband.results.kept_columns import forget_kept
from trainband.results.layout import Layout, locked
from trainband.results.store_errors import IndexDamaged, IndexUnavailable, StoreError
from trainband.results.store_scan import listing, read_entries

if TYPE_CHECKING:
    from trainband.results.index import Index

T = TypeVar("T")

_LOG = logging.getLogger(__name__)


class StoreIndex:
    """The index of the store at `layout`: its own `index.sqlite`, or the database at `url`.

    The directories are the truth. On opening, names are compared and what differs is read again or dropped, so whatever
    could not be written to the index earlier is in it from the next opening on. Where the store's own file cannot be
    used (read-only or full disk), questions are answered from an index in memory, read from the directories. A database
    that the user named is never replaced so: its failure is raised to whoever asks.
    """

    def __init__(self, layout: Layout, url: str | None) -> None:
        self._layout = layout
        self._url = url
        self._index: Index | None = None

    def require(self) -> None:
        """Opens the index; raises IndexUnavailable if the user named a database and it cannot be used."""
        self._opened()

    def ask(self, question: Callable[[Index], T]) -> T:
        """The answer of the index, or of one in memory where the store's own file fails."""
        try:
            return question(self._opened())
        except IndexUnavailable as error:
            if self._url is not None:
                raise
            return question(self._in_memory(error))

    def add(self, entries: Entries) -> None:
        """Files what already stands in the directories; a failure is logged, and mended on the next opening."""
        try:
            self._opened().put(entries)
        except StoreError as error:
            _LOG.warning(
                "%s; what was written stands in %s and is indexed on the next opening", error, self._layout.root
            )
            self.close()

    def rebuild(self) -> Entries:
        """Reads every directory again and returns what was found; raises IndexUnavailable if it cannot be written."""
        self.close()
        forget_kept(self._layout.root)
        index = self._open()
        found = read_entries(self._layout, paths_of(listing(self._layout)))
        index.reload(found, lambda: listing(self._layout))
        self._index = index
        return found

    def close(self) -> None:
        """Forgets the open index; the next question opens it again."""
        if self._index is not None:
            self._index.close()
            self._index = None

    def _opened(self) -> Index:
        if self._index is not None:
            return self._index
        try:
            self._index = self._open()
        except IndexUnavailable as error:
            if self._url is not None:
                raise
            return self._in_memory(error)
        return self._index

    def _open(self) -> Index:
        index = self._new(self._url or f"sqlite:///{self._layout.index}")
        try:
            index.prepare()
        except IndexDamaged as error:
            if self._url is not None:
                raise
            _LOG.warning("%s; it is made anew from the run directories", error)
            self._remove_file(index)
            index.prepare()
        self._catch_up(index)
        return index

    def _new(self, url: str) -> Index:
        from trainband.results.index import Index  # imports SQLAlchemy: paid once an index is opened, not by every verb

        return Index(url, store_id=self._layout.store_id, owned=self._url is None)

    def _remove_file(self, index: Index) -> None:
        """Removes a damaged index file, unless another process has replaced it while this one waited."""
        try:
            with locked(self._layout.root / "store.lock"):
                try:
                    index.prepare()
                except IndexDamaged:
                    for suffix in ("", "-wal", "-shm"):
                        self._layout.index.with_name(self._layout.index.name + suffix).unlink(missing_ok=True)
        except OSError as error:
            raise IndexUnavailable(f"the damaged index {self._layout.index} cannot be removed: {error}") from error

    def _catch_up(self, index: Index) -> None:
        """Reads the entries that the index lacks and drops those that the directories lack."""
        with ThreadPoolExecutor(
            1
        ) as aside:  # a large table takes as long as the folders, and its reader holds up nobody
            known = aside.submit(index.known_names)
            present = listing(self._layout)
        new, gone = differences(present, known.result())
        if gone:
            index.reload(read_entries(self._layout, new), lambda: listing(self._layout))
        elif new:
            index.put(read_entries(self._layout, new))

    def _in_memory(self, error: IndexUnavailable) -> Index:
        _LOG.warning("%s; this process reads the run directories instead", error)
        self.close()
        index = self._new("sqlite://")
        index.prepare()
        self._catch_up(index)
        self._index = index
        return index
