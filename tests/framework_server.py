"""Has a framework imported, with nothing executed, and answers each request in a fork of itself.

`python framework_server.py BACKEND` reads `{"script": path, "function": name, "arguments": {...}}` lines from standard
input; each answer is a line with the function's `result`, or the traceback of its `error`.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import sys
import tempfile
import traceback
import warnings
from typing import Any


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    importlib.import_module("trainband.benchmarks.measure")
    importlib.import_module(f"trainband.benchmarks.backends.{sys.argv[1]}")
    warnings.filterwarnings("ignore", message="os.fork", category=RuntimeWarning)
    for line in sys.stdin:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "answer.json")
            pid = os.fork()
            if pid == 0:
                _child(json.loads(line), path)
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            answer = {"error": f"the job's process ended with {code} and no answer"}
            if os.path.exists(path):
                with open(path, encoding="utf-8") as file:
                    answer = json.load(file)
        print(json.dumps(answer), file=answers, flush=True)


def _child(request: dict[str, Any], path: str) -> None:
    """Never returns: unwinding into the loop would make a second server."""
    try:
        sys.path.insert(0, os.path.dirname(request["script"]))
        function = runpy.run_path(request["script"])[request["function"]]
        answer = {"result": function(**request["arguments"])}
        text = json.dumps(answer)
    except BaseException:  # noqa: BLE001 - the process ends here whatever happened; the test shows what it was
        text = json.dumps({"error": traceback.format_exc()})
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
