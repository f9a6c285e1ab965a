"""Going on with a run that was killed: which checkpoint is its own, and whether all that it depends on is as it was."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from trainband.benchmarks.cells import Cell
from trainband.benchmarks.checkpoints import CheckpointError, read_place, refuse_other, verified_place
from trainband.benchmarks.diff.mappings import flat
from trainband.benchmarks.run_spec import Keeping
from trainband.results.checkpoint_folders import CHECKPOINT_FILE, held, left_behind
from trainband.results.codec import encode
from trainband.results.records import FactorSeeds

# Paths, and which one of equal devices.
_NO_FLAGS = ("KERAS_HOME", "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES")
_MOVES_NOTHING = ("title", "kind", "source", "recipes", "notes", "time_limit_sec", "published", "smallest_drop")

_LOG = logging.getLogger(__name__)


def asked_of(cell: Cell, seed: int, faults: Sequence[str], factor_seeds: FactorSeeds) -> dict[str, str]:
    """What tells a run from the others of a store, as names and values."""
    factors = {f"{name.replace('_', ' ')} seed": str(value) for name, value in encode(factor_seeds).items()}
    return {"cell": cell.name, "seed": str(seed), "faults": ", ".join(faults), **factors}


def surroundings_of(
    cell: Cell, fingerprint: Mapping[str, Any], *, host_class: str, code: str, cores: Sequence[int] | None
) -> dict[str, str]:
    """All else that the parent knows a training to depend on, as names and values.

    Args:
      fingerprint: of the host and the interpreter that trains.
      code: digest of the staged code.
      cores: those that children are bound to.
    """
    stated = {
        f"{kind} {name}": str(value)
        for kind, each in (("model", cell.model), ("recipe", cell.recipe), ("profile", cell.profile))
        for name, value in flat({k: v for k, v in encode(each).items() if k not in _MOVES_NOTHING}).items()
    }
    flags = {name: value for name, value in fingerprint["environment"].items() if name not in _NO_FLAGS}
    return {
        **stated,
        **{f"package {name}": str(value) for name, value in fingerprint["distributions"].items()},
        **{f"variable {name}": str(value) for name, value in flags.items()},
        "python": str(fingerprint["python"]["version"]),
        "host class": host_class,
        "cores": str(cores),
        "code digest": code,
    }


@contextlib.contextmanager
def kept(
    root: Path,
    asked: Mapping[str, str],
    surroundings: Mapping[str, str],
    *,
    every_sec: float,
    on_resume: Callable[[int | None], None],
) -> Iterator[Keeping]:
    """Hold the checkpoint of a run in the store at `root`, and tell `on_resume` the step from which it goes on, if any.

    Raises:
      CheckpointError: there is one that cannot be gone on from.
      StoreError: another process is at this run, or the disk refuses.
    """
    identity = {**asked, **surroundings}
    with held(root, _key(asked)) as folder:
        path = folder / CHECKPOINT_FILE
        on_resume(_checked_step(path, identity) if path.exists() else None)
        yield Keeping(path=str(path), every_sec=every_sec, identity=identity)


def unfinished_seed(root: Path, cell: Cell, faults: Sequence[str], factor_seeds: FactorSeeds) -> int | None:
    """The seed of the newest run of `cell` that was killed and left a checkpoint, None without one."""
    for path in left_behind(root):
        try:
            known = read_place(path).identity
        except CheckpointError as error:
            _LOG.warning("%s", error)
            continue
        seed = known.get("seed", "")
        if seed.isdecimal() and asked_of(cell, int(seed), faults, factor_seeds).items() <= known.items():
            return int(seed)
    return None


def _checked_step(path: Path, identity: Mapping[str, str]) -> int:
    place = verified_place(path)
    refuse_other(path, place.identity, identity)
    return place.step


def _key(asked: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(dict(asked), sort_keys=True).encode()).hexdigest()[:16]
