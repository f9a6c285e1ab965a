"""The file of a trace: compressed NumPy arrays, one of them a JSON header with the names; version 1.

| array | dtype, shape | what |
|---|---|---|
| header | uint8 [bytes] | `Header` as JSON, UTF-8 |
| losses, gradient_norms, learning_rates | float32 [steps] | see `Signals` |
| logits | uint32 [steps, 2] | digest of the training logits of each step |
| batches, draws | uint32 [steps] | CRC-32 of each batch as fed and its labels; of the keys of its random layers |
| state_steps | int32 [states] | -1 before training, else the step after which the state was seen |
| state_digests | uint8 [states, tensors, 16] | of each tensor of `Header.tensors`, see `StateDigests` |
| state_norms | float64 [states, tensors] | |
| top_classes | uint16 [test examples, ...] | of the final evaluation |
| example_losses | float16 [test examples] | of the final evaluation |
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

import numpy as np

from trainband.benchmarks.trace.tensors import DIGEST_BYTES, TensorKey
from trainband.results.codec import CodecError, decode, encode

TRACE_VERSION = 1


class TraceError(ValueError):
    """A trace that cannot be read; the message names the file and why."""


@dataclass(frozen=True, kw_only=True)
class Header:
    """What a trace is of.

    Attributes:
      data: content digest of each array as it was trained and evaluated on, such as `train_inputs`.
      hyper_parameters: what rules the update beside the learning rate, as the optimizer held it.
      evaluated: digest of the rows of the final evaluation as they were fed.
      examples: how many those were.
      generators: states of the framework's own random generators at the end; none of ours draws from them.
      state_cpu_sec: CPU seconds that the digests of the state took.
      disturbed: steps after which an evaluation changed the running statistics; INITIAL before training.
      planted: fault -> the layer that it sits in, "" for none or all.
    """

    run_id: str
    backend: str
    steps_per_epoch: int
    data: Mapping[str, str]
    hyper_parameters: Mapping[str, float]
    evaluated: str
    examples: int
    tensors: tuple[TensorKey, ...]
    generators: Mapping[str, str]
    state_cpu_sec: float
    disturbed: tuple[int, ...] = ()
    planted: Mapping[str, str] = field(default_factory=dict)
    version: int = TRACE_VERSION


@dataclass(frozen=True, kw_only=True)
class Trace:
    """A header and the arrays that the module's table names."""

    header: Header
    losses: np.ndarray
    gradient_norms: np.ndarray
    learning_rates: np.ndarray
    logits: np.ndarray
    batches: np.ndarray
    draws: np.ndarray
    state_steps: np.ndarray
    state_digests: np.ndarray
    state_norms: np.ndarray
    top_classes: np.ndarray
    example_losses: np.ndarray

    @property
    def steps(self) -> int:
        return len(self.losses)

    def up_to(self, steps: int) -> Trace:
        """The trace of the first `steps` steps, with the evaluation of the whole run."""
        seen = self.state_steps < steps
        cut = {name: getattr(self, name)[:steps] for name in STEP_ARRAYS}
        cut |= {name: getattr(self, name)[seen] for name in STATE_ARRAYS}
        return replace(self, **cut)


STEP_ARRAYS = ("losses", "gradient_norms", "learning_rates", "logits", "batches", "draws")
STATE_ARRAYS = ("state_steps", "state_digests", "state_norms")
_ARRAYS = (*STEP_ARRAYS, *STATE_ARRAYS, "top_classes", "example_losses")


def write_trace(file: IO[bytes], trace: Trace) -> None:
    """Write `trace` in the newest version."""
    header = json.dumps(encode(trace.header), allow_nan=False).encode()
    arrays = {name: getattr(trace, name) for name in _ARRAYS}
    np.savez_compressed(file, header=np.frombuffer(header, np.uint8), **arrays)


def read_trace(path: Path) -> Trace:
    """The trace in the file at `path`; raises TraceError."""
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        raw = json.loads(arrays.pop("header").tobytes())
        if raw.get("version") != TRACE_VERSION:
            raise TraceError(
                f"{path}: trace version {raw.get('version')!r}; this trainband reads version {TRACE_VERSION}"
            )
        trace = Trace(header=decode(Header, raw), **arrays)
    except FileNotFoundError as error:
        raise TraceError(f"{path}: there is no trace; the run ended before it could leave one") from error
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, CodecError) as error:
        if isinstance(error, TraceError):
            raise
        raise TraceError(f"{path}: not a readable trace: {type(error).__name__}: {error}") from error
    _check_shapes(path, trace)
    return trace


def _check_shapes(path: Path, trace: Trace) -> None:
    steps, states, tensors = trace.steps, len(trace.state_steps), len(trace.header.tensors)
    expected: dict[str, tuple[int, ...]] = dict.fromkeys(STEP_ARRAYS, (steps,))
    expected["logits"] = (steps, 2)
    expected["state_digests"] = (states, tensors, DIGEST_BYTES)
    expected["state_norms"] = (states, tensors)
    for name, shape in expected.items():
        if getattr(trace, name).shape != shape:
            raise TraceError(f"{path}: {name} has shape {getattr(trace, name).shape}, expected {shape}")
