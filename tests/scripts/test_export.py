"""One small sweep that tells a chat what it came to, and its export in every format."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from trainband.__main__ import entry
from trainband.results.exports.formats import FORMATS

CELLS = ["mlp_digits:smoke@cpu", "mlp_digits:smoke@gpu"]
EVERY_FORMAT = """
import json, sys
from trainband.__main__ import entry
status = {name: entry(["export", name, *sys.argv[2:]]) for name in json.loads(sys.argv[1])}
heavy = {"tensorflow", "keras", "jax", "torch", "tensorflow_datasets"} & set(sys.modules)
print("\\n" + json.dumps([status, sorted(heavy)]))
"""


@pytest.mark.backend("tensorflow")
@pytest.mark.slow
def test_a_sweep_notifies_and_is_exported_in_every_format_without_a_framework(trainband: Any, hook: Any) -> None:
    swept = trainband.json("sweep", *CELLS, "--seed=3", f"--notify={hook.url()}")
    assert swept["notified"] is True
    [message] = hook.messages
    assert message["text"] == "trainband: 1 pass, 1 skipped"
    assert swept["page"] in message["blocks"][-1]["elements"][0]["text"]

    names = [name for name in FORMATS if name != "mlflow"]
    arguments = [json.dumps(names), f"--store={trainband.store}", f"--sweep={swept['sweep_id']}"]
    found = subprocess.run(
        [sys.executable, "-P", "-c", EVERY_FORMAT, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=trainband.environ,
    )
    status, heavy = json.loads(found.stdout.splitlines()[-1])
    assert (set(status.values()), heavy) == ({0}, []), found.stderr
    assert {path.name for path in (trainband.store / "exports").iterdir()} == set(names)

    told = trainband.json("export", "mlperf")
    assert (told["format"], told["rows"], told["left_out"]) == ("mlperf", 1, {"skipped": 1})
    assert [Path(path).is_file() for path in told["files"]] == [True]
    assert trainband("export", "markdown", "--out=-").stdout.startswith("## trainband: 1 pass, 1 skipped\n")


def test_help_names_every_format(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry(["export", "--help"]) == 0
    words = capsys.readouterr().out.replace(",", " ").replace(".", " ").split()
    assert set(FORMATS) <= set(words)
