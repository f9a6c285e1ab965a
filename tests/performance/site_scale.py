"""What the site of a large store costs: all of it, one more night, and the overview in a browser.

The store is generated (`generated_store.py`): nothing in it was trained.

Example:
  python tests/performance/site_scale.py --cells=200 --nights=1000 --store=/tmp/generated --json=site.json
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from generated_store import add_night, generate, generated_cells
from measuring import report_surroundings, say, surroundings, write_json

from trainband.knowledge import Knowledge
from trainband.report import write_site
from trainband.results.index import Index
from trainband.results.index_rows import RunFilter
from trainband.results.layout import open_layout
from trainband.results.store import Store

LIMITS = {
    "all": 60.0,
    "one more night": 5.0,
    "one more, in nightly": 5.0,
    "nothing new": 5.0,
    "overview in Chromium": 1.0,
}
MEMORY_LIMIT = 2 * 2**30
OPENINGS = 5
NIGHTS_ADDED = 3  # one after the other: other programs on the host only ever add to a time, so the least is told


def build(store: Path, site: Path) -> float:
    """Wall seconds of `trainband report`, start included."""
    command = [sys.executable, "-P", "-m", "trainband", "report", f"--store={store}", f"--out={site}"]
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def add_one(store: Path, cells: int, nights: int) -> None:
    """The night after the `nights` that are there."""
    layout = open_layout(store, create=False)
    index = Index(f"sqlite:///{layout.index}", store_id=layout.store_id, owned=True)
    rng = np.random.default_rng(nights)
    noise = rng.standard_normal(cells)
    add_night(layout, index, generated_cells(cells), nights, nights, speed_noise=noise, rng=rng)


def written(store: Store, site: Path) -> float:
    """Wall seconds that `trainband nightly` takes for the pages, once it has trained: its store is open by then."""
    knowledge = Knowledge(SimpleNamespace(bands=None))
    about = {"models": knowledge.models, "profiles": knowledge.profiles, "available": knowledge.availability()}
    start = time.perf_counter()
    write_site(store, knowledge.bands, site, **about)
    return time.perf_counter() - start


def opened(page: Path) -> float | None:
    """Seconds from the navigation's start until the page has loaded in Chromium, the least of some openings."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        return None
    probe = page.with_name("timed.html")
    script = (
        "<script>addEventListener('load', () => setTimeout(() => {"
        "const t = performance.getEntriesByType('navigation')[0];"
        "document.title = 'loaded after ' + t.loadEventEnd.toFixed(1) + ' ms'; }, 0));</script>"
    )
    probe.write_text(page.read_text(encoding="utf-8") + script, encoding="utf-8")
    found = []
    with tempfile.TemporaryDirectory() as profile:
        flags = f"--headless --no-sandbox --disable-gpu --user-data-dir={profile} --timeout=20000 --dump-dom"
        for _ in range(OPENINGS):
            done = subprocess.run([browser, *flags.split(), probe.as_uri()], capture_output=True, text=True, check=True)
            match = re.search(r"loaded after ([\d.]+) ms", done.stdout)
            if match:
                found.append(float(match[1]) / 1e3)
    probe.unlink()
    return min(found) if found else None


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=200)
    parser.add_argument("--nights", type=int, default=1000)
    parser.add_argument("--store", type=Path, required=True, help="made there unless it exists")
    parser.add_argument("--json", help="write everything there")
    arguments = parser.parse_args(argv)
    store, site = arguments.store, arguments.store.with_name(arguments.store.name + "-site")
    say(report_surroundings(surroundings()))
    if not store.exists():
        start = time.perf_counter()
        generate(store, cells=arguments.cells, nights=arguments.nights)
        say(f"generated {arguments.cells * arguments.nights:,} records in {time.perf_counter() - start:.0f} s")
    shutil.rmtree(site, ignore_errors=True)
    there = Store(store, create=False)
    there.rows(RunFilter(limit=1))  # opens the index
    nights = sum(1 for _ in (store / "nights").glob("*.json"))
    found: dict[str, Any] = {"all": build(store, site)}
    again: dict[str, list[float]] = {"nothing new": [], "one more night": [], "one more, in nightly": []}
    for number in range(NIGHTS_ADDED):
        again["nothing new"].append(build(store, site))
        add_one(store, arguments.cells, nights + 2 * number)
        again["one more night"].append(build(store, site))
        add_one(store, arguments.cells, nights + 2 * number + 1)
        again["one more, in nightly"].append(written(there, site))
    found |= {name: min(seconds) for name, seconds in again.items()}
    found["overview in Chromium"] = opened(site / "index.html")
    for name, limit in LIMITS.items():
        took = found[name]
        word = "not measured" if took is None else f"{took:.2f} s, {'kept' if took < limit else 'BROKEN'}"
        say(f"  {name:<22} limit {limit:>4.0f} s: {word}")
    # Of the largest process that was waited for: a report's own, or one of those that it or this one forked.
    peak = 1024 * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    say(f"  peak memory of a process {peak / 2**20:.0f} MiB, limit 2 GiB for all")
    document = {"surroundings": surroundings(), "seconds": found, "each": again, "peak_bytes": peak}
    write_json(arguments.json, document)
    say(json.dumps(document["each"]))


if __name__ == "__main__":
    main(sys.argv[1:])
