"""The file of a checkpoint: the state of a run after some steps, from which a killed run goes on to the same end.

A NumPy archive, not compressed, one array of which is a JSON header; version 1. It is there whole or not at all.

| array | dtype, shape | what |
|---|---|---|
| header | uint8 [bytes] | `Place` as JSON, UTF-8 |
| variables/N | as they are | the model's N-th variable, in the adapter's order |
| optimizer/N | as they are | the optimizer's N-th variable, in its own order |
| generators/NAME | as they are | see `Adapter.generator_states` |
| losses, gradient_norms, learning_rates, logits | as in a trace | of each step so far, see `Signals` |
| checksums, fed_checksums, draw_checksums | uint32 [steps] | of each batch so far, see `BatchSource` |
| state_steps, state_digests, state_norms | as in a trace | of each state that was looked at so far |
| disturbed | int32 [evaluations] | steps after which an evaluation changed the running statistics |
| probe_sec | float64 [probes] | see `Progress` |
| windows | float64 [windows, 4] | steps, wall, CPU and input-wait seconds of each window so far |
"""

from __future__ import annotations

import json
import tokenize
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from trainband.benchmarks.diff.mappings import names_that_differ
from trainband.results.codec import decode, encode
from trainband.results.files import atomic_write
from trainband.results.records import CurvePoint

CHECKPOINT_VERSION = 1
SIGNALS = ("losses", "gradient_norms", "learning_rates", "logits")
STEP_HISTORY = (*SIGNALS, "checksums", "fed_checksums", "draw_checksums")
HISTORY = (*STEP_HISTORY, "state_steps", "state_digests", "state_norms", "disturbed", "probe_sec", "windows")
_SHOWN = 3
# What reading a file that anything may have damaged raises.
_UNREADABLE = (
    *(OSError, EOFError, ValueError, LookupError, TypeError, RuntimeError, MemoryError),
    *(zipfile.BadZipFile, tokenize.TokenError),
)


class CheckpointError(ValueError):
    """A checkpoint that cannot be gone on from; the message names the file, why, and the way out."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """What one process of a run spent beside its steady steps.

    Attributes:
      first_step_sec: its first step, compilation included.
      eval_sec: wall seconds of each of its evaluations, compilation included in the first.
    """

    first_step_sec: float
    eval_sec: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a run stands, and what it has kept beside arrays.

    Attributes:
      identity: name -> value of all that the parent knows the rest of the run to depend on.
      content: the same of what the child alone knows.
      initial_digest: of the weights before the first step.
      untrained: metrics before the first step.
      step: steps taken.
      examples: rows that these steps were fed, as they were counted.
      resumed_at_steps: where its earlier processes began, but for the first.
      parts: of the processes so far.
      contended: why the throughput so far would not count.
      state_cpu_sec: see `StateRecorder`.
    """

    identity: Mapping[str, str]
    content: Mapping[str, str]
    initial_digest: str
    untrained: Mapping[str, float]
    step: int = 0
    examples: int = 0
    resumed_at_steps: tuple[int, ...] = ()
    parts: tuple[Part, ...] = ()
    curve: tuple[CurvePoint, ...] = ()
    contended: tuple[str, ...] = ()
    startup_sec: float = 0.0
    train_wall_sec: float = 0.0
    train_cpu_sec: float = 0.0
    state_cpu_sec: float = 0.0
    version: int = field(default=CHECKPOINT_VERSION)


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A place and the arrays that the module's table names; `history` holds those of `HISTORY`."""

    place: Place
    variables: Sequence[np.ndarray]
    optimizer: Sequence[np.ndarray]
    generators: Mapping[str, np.ndarray]
    history: Mapping[str, np.ndarray]


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Replace the file at `path`, in one go and flushed to disk; raises OSError, and the old one still stands then."""
    arrays = _arrays(checkpoint)
    atomic_write(path, lambda file: np.savez(file, **arrays))  # type: ignore[arg-type] # `file` is no array's name


def read_checkpoint(path: Path) -> Checkpoint:
    """The checkpoint in the file at `path`; raises CheckpointError."""
    with _opened(path) as stored:
        place = _place(path, stored)
        checkpoint = Checkpoint(
            place=place,
            variables=_group(stored, "variables/"),
            optimizer=_group(stored, "optimizer/"),
            generators={name.partition("/")[2]: stored[name] for name in stored if name.startswith("generators/")},
            history={name: stored[name] for name in HISTORY},
        )
        if set(stored) != _arrays(checkpoint).keys():
            raise ValueError(f"it holds other arrays than it should: {', '.join(stored)}")
        wrong = [name for name in STEP_HISTORY if len(checkpoint.history[name]) != place.step]
        if wrong:
            raise ValueError(f"{wrong[0]} has {len(checkpoint.history[wrong[0]])} rows after {place.step} steps")
    return checkpoint


def read_place(path: Path) -> Place:
    """The header alone; raises CheckpointError."""
    with _opened(path) as stored:
        return _place(path, stored)


def verified_place(path: Path) -> Place:
    """The header, once every array was read and its checksum was right; raises CheckpointError."""
    with _opened(path) as stored:
        for name in stored:
            _ = stored[name]
        return _place(path, stored)


def refuse_other(path: Path, was: Mapping[str, str], now: Mapping[str, str]) -> None:
    """Raise CheckpointError where what the checkpoint at `path` depends on is not what it was."""
    names = names_that_differ(was, now)
    if names:
        changes = [f"{name} was {was.get(name, 'none')} and is {now.get(name, 'none')}" for name in names[:_SHOWN]]
        more = f", and {len(names) - _SHOWN} more differ" if len(names) > _SHOWN else ""
        raise CheckpointError(
            f"{path} is of another run: {', '.join(changes)}{more}; "
            f"bring that back, or remove {path.parent} to begin anew"
        )


def _arrays(checkpoint: Checkpoint) -> dict[str, np.ndarray]:
    """By their names in the file."""
    header = json.dumps(encode(checkpoint.place), allow_nan=False).encode()
    return {
        "header": np.frombuffer(header, np.uint8),
        **{f"variables/{place}": array for place, array in enumerate(checkpoint.variables)},
        **{f"optimizer/{place}": array for place, array in enumerate(checkpoint.optimizer)},
        **{f"generators/{name}": array for name, array in checkpoint.generators.items()},
        **checkpoint.history,
    }


def _group(stored: Any, prefix: str) -> list[np.ndarray]:
    count = sum(name.startswith(prefix) for name in stored)
    return [stored[f"{prefix}{place}"] for place in range(count)]


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The archive; whatever goes wrong in the block is a CheckpointError."""
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as stored:
            if any(member.compress_type != zipfile.ZIP_STORED for member in stored.zip.infolist()):
                raise ValueError("a member is compressed")
            yield stored
    except CheckpointError:
        raise
    except _UNREADABLE as error:
        reason = f"{type(error).__name__}: {error}"
        raise CheckpointError(
            f"{path} is no readable checkpoint: {reason}; remove {path.parent} to begin anew"
        ) from error


def _place(path: Path, stored: Any) -> Place:
    raw = json.loads(stored["header"].tobytes())
    version = raw.get("version")
    if version != CHECKPOINT_VERSION:
        raise CheckpointError(
            f"{path} has checkpoint version {version!r}; this trainband reads version {CHECKPOINT_VERSION}: "
            f"use the one that wrote it, or remove {path.parent} to begin anew"
        )
    return decode(Place, raw)
