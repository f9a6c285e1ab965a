"""Writing files so that a reader, or a power cut, finds the old content or the new one and nothing between."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import IO

TEMPORARY_SUFFIX = ".tmp"


def atomic_write_text(path: Path, text: str, *, durable: bool = True) -> None:
    """Replaces the file at `path` by `text` (UTF-8): see `atomic_write`."""
    atomic_write_bytes(path, text.encode("utf-8"), durable=durable)


def atomic_write_bytes(path: Path, content: bytes, *, durable: bool = True) -> None:
    """`atomic_write` of a whole content."""
    atomic_write(path, lambda file: file.write(content), durable=durable)


def atomic_write(path: Path, write: Callable[[IO[bytes]], object], *, durable: bool = True) -> None:
    """Replaces the file at `path` by what `write` writes; its folder must exist.

    It goes to a hidden file in the same folder, which is then renamed. On failure that file is removed.

    Args:
      durable: flush it to disk, so that it outlives a power cut; what can be made again does without.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}{TEMPORARY_SUFFIX}")
    try:
        with temporary.open("xb") as file:
            write(file)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if durable:
        sync_path(path.parent)


def sync_path(path: Path) -> None:
    """Flushes a file, or a folder's list of names, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
