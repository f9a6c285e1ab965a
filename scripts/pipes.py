"""Output whose reader may go away: `trainband sweep | head` must not end the sweep, nor change its exit status."""

from __future__ import annotations

import io
import os
import sys
from typing import Any, TextIO


class _PatientFile(io.FileIO):
    """A file descriptor that goes on into nothing once nobody reads it any more."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, self.fileno())
            os.close(nothing)
            return len(data)


def outlive_readers() -> None:
    """Make standard output and standard error patient, for the rest of the process."""
    sys.stdout, sys.stderr = _patient(sys.stdout), _patient(sys.stderr)


def _patient(stream: TextIO) -> TextIO:
    try:
        number, terminal = stream.fileno(), stream.isatty()
    except (AttributeError, OSError, ValueError):  # closed, or no file at all
        return stream
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(_PatientFile(number, "w", closefd=False)),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=terminal or stream is sys.stderr,
    )
