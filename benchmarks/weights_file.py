"""The file of a model's variables, from which another run may begin: `initial.npz` in the folder of a stock recipe's run.

A NumPy archive, not compressed; version 1.

| array | dtype, shape | what |
|---|---|---|
| header | uint8 [bytes] | JSON, UTF-8: `version`, and `names`, those of the variables in model order |
| N | as they are | the N-th variable |
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

WEIGHTS_VERSION = 1


class WeightsError(ValueError):
    """A file that this model cannot begin with; the message names it and says why."""


def write_weights(path: Path, names: Sequence[str], values: Sequence[np.ndarray]) -> None:
    """Write the variables `names` to `path`."""
    header = json.dumps({"version": WEIGHTS_VERSION, "names": list(names)}).encode()
    arrays: dict[str, Any] = {str(place): value for place, value in enumerate(values)}
    np.savez(path, header=np.frombuffer(header, np.uint8), **arrays)


def read_weights(path: Path, shapes: Sequence[tuple[str, tuple[int, ...]]]) -> list[np.ndarray]:
    """The variables in the file at `path`, in model order.

    Args:
      shapes: name and shape of each variable of the model that is to begin with them.

    Raises:
      WeightsError: the file cannot be read, or holds other variables.
    """
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as stored:
            header = json.loads(stored["header"].tobytes())
            version = header["version"]
            values = [stored[str(place)] for place in range(len(header["names"]))]
    except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise WeightsError(f"{path} holds no weights: {type(error).__name__}: {error}") from error
    if version != WEIGHTS_VERSION:
        raise WeightsError(f"{path} has version {version}; this release reads {WEIGHTS_VERSION}")
    held = [(name, value.shape) for name, value in zip(header["names"], values, strict=True)]
    apart = [f"{ours} | {theirs}" for ours, theirs in zip(held, shapes, strict=False) if ours != theirs]
    if apart or len(held) != len(shapes):
        raise WeightsError(
            f"{path} holds {len(held)} variables, this model has {len(shapes)}" + (f": {apart[0]}" if apart else "")
        )
    return values
