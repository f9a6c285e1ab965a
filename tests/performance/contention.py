"""Which sign tells that others used the host: what a busy neighbour does to a model's speed, and what its counters say.

The harness's loop trains beside 0, 1 and 2 processes that do nothing but burn a core, in alternation. A sign is worth
something if no figure of the idle rounds reaches the figures of the others.

Example:
  python tests/performance/contention.py cnn_fashion_mnist --pairs=4 --json=contention.json
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from harness_overhead import Bench
from measuring import block_parser, run_blocks, say

from trainband.benchmarks.host_load import LoadSample
from trainband.models.catalog import find_model

BURNERS = (0, 1, 2)
SETTLE_SEC = 0.5


def observe(bench: Bench, burners: int) -> dict[str, float]:
    """One block of training beside so many burners."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(burners)]
    try:
        time.sleep(SETTLE_SEC)
        switches, before = _involuntary_switches(), LoadSample.now()
        block = bench.harness()
        after, switches = LoadSample.now(), _involuntary_switches() - switches
    finally:
        for other in others:
            other.kill()
            other.wait()
    own = after.process_cpu_sec - before.process_cpu_sec
    core_sec = (after.wall_sec - before.wall_sec) * len(os.sched_getaffinity(0))
    return {
        "burners": burners,
        "examples_per_sec": block.rate("wall"),
        "switches_per_cpu_sec": switches / own,
        "others_share": (after.busy_sec - before.busy_sec - own) / core_sec,
        "steal_share": (after.steal_sec - before.steal_sec) / core_sec,
    }


def _involuntary_switches() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw


def measure(name: str, *, rounds: int, block_sec: float) -> dict[str, Any]:
    bench = Bench(find_model(name), "tensorflow", block_sec)
    bench.harness()
    return {"model": name, "found": [observe(bench, burners) for _ in range(rounds) for burners in BURNERS]}


def print_result(result: Mapping[str, Any]) -> None:
    say(result["model"])
    for burners in BURNERS:
        rows = [row for row in result["found"] if row["burners"] == burners]
        say(f"  beside {burners}: " + ", ".join(f"{key} {_span(rows, key)}" for key in rows[0] if key != "burners"))


def _span(rows: list[dict[str, float]], key: str) -> str:
    values = [row[key] for row in rows]
    return f"{min(values):.4g} to {max(values):.4g}"


def main(argv: list[str]) -> None:
    arguments = block_parser(__doc__, models=("cnn_digits", "cnn_fashion_mnist")).parse_args(argv)
    run_blocks(arguments, partial(measure, rounds=arguments.pairs, block_sec=arguments.block_sec), print_result)


if __name__ == "__main__":
    main(sys.argv[1:])
