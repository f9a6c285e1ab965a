"""What can go wrong with a store, and turning an operating system's error into a message with a way out."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

_WAYS_OUT = {
    errno.ENOSPC: "free space there, or give another directory with --store",
    errno.EDQUOT: "free space within the quota, or give another directory with --store",
    errno.EACCES: "change its permissions, or give a directory of your own with --store",
    errno.EPERM: "change its permissions, or give a directory of your own with --store",
    errno.EROFS: "mount it writable, or give another directory with --store",
    errno.ENOTDIR: "move the file in the way, or give another directory with --store",
    errno.EEXIST: "move what is in the way, or give another directory with --store",
}
_OTHER_WAY_OUT = "check the disk, or give another directory with --store"


class StoreError(OSError):
    """The store cannot do what was asked; the message names the path and the way out.

    Attributes:
      errno: the operating system's number where it was the cause (ENOSPC, EACCES, ...), else None.
    """

    def __init__(self, message: str, number: int | None = None) -> None:
        super().__init__(message)
        self.errno = number


class IndexUnavailable(StoreError):
    """The index's database cannot be reached, read or written."""


class IndexDamaged(IndexUnavailable):
    """The index's file is no database, or a broken one."""


class RunNotFound(LookupError):
    """A run id's prefix fits no run, or several."""

    def __str__(self) -> str:
        return str(self.args[0])


@contextlib.contextmanager
def explained(action: str, path: Path) -> Iterator[None]:
    """Raises a StoreError `cannot <action> <path>: ...` for an operating system's error in the block."""
    try:
        yield
    except StoreError:
        raise
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        way_out = _WAYS_OUT.get(error.errno or 0, _OTHER_WAY_OUT)
        raise StoreError(f"cannot {action} {path}: {reason}; {way_out}", error.errno) from error


def shortened(names: list[str], most: int = 8) -> str:
    """The first of `names`, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
