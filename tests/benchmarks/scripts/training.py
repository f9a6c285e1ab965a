"""A whole run in this process, as the worker makes it."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from trainband.benchmarks.run_spec import ANSWER_FILE, SPEC_FILE
from trainband.benchmarks.worker import train_folder


def answer(spec: dict[str, Any], again: int) -> dict[str, Any]:
    """The answer to a spec; `again` numbers repeats of one."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / SPEC_FILE).write_text(json.dumps(spec))
        train_folder(folder)
        found: dict[str, Any] = json.loads((folder / ANSWER_FILE).read_text())
    return found
