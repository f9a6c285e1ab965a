"""TensorFlow and TensorBoard read what was exported for them, in a process of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trainband.results.exports.formats import write
from trainband.results.exports.rows import ExportRow

pytestmark = [pytest.mark.backend("tensorflow"), pytest.mark.slow]


def test_tensorflow_reads_the_entries_of_its_own_benchmarks(
    rows: dict[str, ExportRow], frameworks: Callable[[str], Any], tmp_path: Path
) -> None:
    path = tmp_path / "entries.json"
    write("tfbenchmark", list(rows.values()), path)
    entries = frameworks("tensorflow").result("export_readers.py", "benchmark_entries", path=str(path))
    found = {entry["name"].partition("@")[2]: entry for entry in entries}
    assert {name: entry["verdict"] for name, entry in found.items()} == {
        name: row.verdict for name, row in rows.items()
    }
    healthy = found["pass"]
    assert (healthy["iters"], healthy["wall_time"]) == (22, 3.0)
    value, lower, upper = healthy["metrics"]["accuracy"]
    assert (value, lower, upper) == (0.95, pytest.approx(0.92538, abs=1e-5), pytest.approx(0.97462, abs=1e-5))
    assert healthy["metrics"]["examples_per_sec"] == [2000.0, None, None]
    assert [found["diverged"]["metrics"][name][0] for name in ("accuracy", "log_loss")] == ["nan", "inf"]
    assert found["error"]["metrics"] == {}


def test_tensorboard_reads_curves_numbers_and_verdicts(
    rows: dict[str, ExportRow], frameworks: Callable[[str], Any], tmp_path: Path
) -> None:
    written = write("tensorboard", list(rows.values()), tmp_path)
    assert written.left_out == {"skipped": 2, "planned": 1}
    found = frameworks("tensorflow").result("export_readers.py", "event_files", folder=str(tmp_path))
    by_profile = {run.split("/")[2]: shown for run, shown in found.items()}
    assert {name: shown["texts"]["trainband/verdict"] for name, shown in by_profile.items()} == {
        name: row.verdict for name, row in rows.items() if row.record is not None
    }
    healthy = by_profile["pass"]
    assert healthy["first"] == 1772506800.5
    assert healthy["scalars"]["test/accuracy"] == [[0, pytest.approx(0.1)], [22, pytest.approx(0.95)]]
    assert healthy["scalars"]["train/loss"] == [[22, pytest.approx(0.25)]]
    assert healthy["scalars"]["final/accuracy (fraction)"] == [[22, pytest.approx(0.95)]]
    assert healthy["scalars"]["speed/examples_per_sec (examples/s)"] == [[22, 2000.0]]
    assert by_profile["diverged"]["scalars"]["final/accuracy (fraction)"] == [[22, "nan"]]
    assert by_profile["error"]["scalars"] == {}
