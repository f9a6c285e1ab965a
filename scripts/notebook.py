"""`trainband notebook`: the process of a stored run as an executable notebook."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from absl import flags

from trainband.command_line import UsageError, Verb, define_store, open_store


def define(values: flags.FlagValues) -> None:
    """Flags of `notebook`."""
    define_store(values)
    flags.DEFINE_string("out", None, "File to write; by default the run's id with .ipynb.", flag_values=values)
    flags.DEFINE_boolean("force", False, "Write over a file that exists.", flag_values=values)


def run(values: Any, words: list[str]) -> int:
    """Write the notebook and say where."""
    from trainband.benchmarks.notebook import NotebookError, make_notebook
    from trainband.benchmarks.run_spec import SPEC_FILE, TRACE_FILE, spec_from_json
    from trainband.benchmarks.trace.files import TraceError, read_trace

    if len(words) != 1:
        raise UsageError("give one run id, or the beginning of one")
    store = open_store(values, create=False)
    run_id = store.find_run(words[0])
    path = Path(values.out or f"{run_id}.ipynb")
    if path.exists() and not values.force:
        raise UsageError(f"--out={path}: there is such a file already; name another one or give --force")
    folder = store.run_path(run_id)
    text = (folder / SPEC_FILE).read_text(encoding="utf-8")
    try:
        trace = read_trace(folder / TRACE_FILE)
        made = make_notebook(store.read_record(run_id), text, trace, title=spec_from_json(text).model.title)
        path.write_text(made, encoding="utf-8")
    except (NotebookError, TraceError) as error:
        raise UsageError(str(error)) from error
    except OSError as error:
        raise UsageError(f"--out={path}: {error.strerror}") from error
    print(json.dumps({"run": run_id, "notebook": str(path)}) if values.json else f"notebook: {path}")
    return 0


VERB = Verb(
    summary="Write the process of a run as an executable notebook, recorded numbers beside reproduced ones.",
    example="trainband notebook 20261123T0851 --out=cnn_digits.ipynb",
    define=define,
    run=run,
    words="RUN",
)
