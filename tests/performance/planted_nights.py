"""A slow-down planted on real nights: does the history find it, since when, and does it say what differs?

The nights are `trainband nightly` on a moved clock (`faketime`), in a virtual environment of their own, whose Keras is exchanged
for one of which a dense layer multiplies matrices that nobody needs, and back.

Example:
  python tests/performance/planted_nights.py --folder=/tmp/nights --healthy=36 --slow=4 --after=2
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from measuring import report_surroundings, say, surroundings, write_json
from planted_keras import SLOW, planted_wheel, version

from trainband.results.environments import environment_of
from trainband.results.records import Record
from trainband.results.store import Store

ROOT = Path(__file__).parents[2]
CELLS = ("cnn_digits:smoke@cpu", "resnet_digits:smoke@cpu")
MULTIPLICATIONS = 400  # about a fifth of the speed of `cnn_digits`


class Nights:
    """One night after the other, the last of them yesterday."""

    def __init__(self, folder: Path, nights: int) -> None:
        self.folder, self.left = folder, nights
        self.python = folder / "venv" / "bin" / "python"
        subprocess.run(["uv", "venv", "-q", "--python", sys.executable, folder / "venv"], check=True)
        self.install("-r", str(ROOT / "requirements" / "base.txt"))
        self.install("--no-deps", str(ROOT))

    def install(self, *what: str) -> None:
        """Installs packages into the environment of the nights."""
        subprocess.run(["uv", "pip", "install", "-q", "--python", self.python, *what], check=True)

    def night(self) -> Iterator[str]:
        """What the next night says of regressions, a line each."""
        command = [self.python, "-P", "-m", "trainband", "nightly", f"--store={self.folder}/store", "--budget=1h"]
        command += [f"--cells={cell}" for cell in CELLS]
        environ = {**os.environ, "FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_COLOR": "1"}
        moved = ["faketime", "-f", f"-{self.left}d", *command]
        done = subprocess.run(moved, env=environ, cwd=self.folder, capture_output=True, text=True)
        if done.returncode not in (0, 1):
            raise SystemExit(f"a night ended with status {done.returncode}:\n{done.stdout}{done.stderr}")
        self.left -= 1
        words = ("candidate", "detected", "refuted")
        return (line for line in done.stderr.splitlines() + done.stdout.splitlines() if line.startswith(words))


def speed(record: Record) -> dict[str, Any]:
    """What the night of `record` measured, and under which Keras."""
    throughput = record.measurement.throughput if record.measurement else None
    return {
        "day": record.created[:10],
        "cell": record.cell,
        "role": record.seed_role,
        "examples_per_cpu_sec": throughput.examples_per_cpu_sec if throughput else None,
        "contended": bool(throughput and throughput.contended),
        "keras": environment_of(record).get("keras"),
    }


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="for the environment and the store; must not exist")
    parser.add_argument("--healthy", type=int, default=36)
    parser.add_argument("--slow", type=int, default=4)
    parser.add_argument("--after", type=int, default=2)
    parser.add_argument(
        "--work", type=int, default=MULTIPLICATIONS, help="multiplications that a dense layer makes more"
    )
    parser.add_argument("--json", help="write everything there")
    arguments = parser.parse_args(argv)
    if shutil.which("faketime") is None:
        raise SystemExit("faketime is missing: apt-get install faketime")
    say(report_surroundings(surroundings()))
    folder = arguments.folder.absolute()
    folder.mkdir(parents=True)
    planted = replace(SLOW, new=SLOW.new.replace("range(60)", f"range({arguments.work})"))
    keras = {"slow": str(planted_wheel(folder, planted)), "healthy": f"keras=={version('keras')}"}
    nights = Nights(folder, arguments.healthy + arguments.slow + arguments.after)
    plan = [("healthy", arguments.healthy), ("slow", arguments.slow), ("healthy", arguments.after)]
    said = []
    for kind, count in plan:
        nights.install("--no-deps", "--reinstall", keras[kind])
        for number in range(count):
            lines = list(nights.night())
            say(f"  {kind} night {number + 1} of {count}" + "".join(f"\n    {line}" for line in lines))
            said.append({"kind": kind, "says": lines})
    runs = [speed(record) for record in Store(folder / "store", create=False).records()]
    for cell in CELLS:
        before = [r["examples_per_cpu_sec"] for r in runs if r["cell"] == cell and r["keras"] == version("keras")]
        if len(before) > 1:
            say(f"  {cell}: cv {100 * statistics.stdev(before) / statistics.fmean(before):.1f}% without the change")
    regressions = [json.loads(path.read_text()) for path in sorted((folder / "store" / "regressions").glob("*.json"))]
    write_json(
        arguments.json, {"surroundings": surroundings(), "nights": said, "runs": runs, "regressions": regressions}
    )


if __name__ == "__main__":
    main(sys.argv[1:])
