"""What a run leaves beside its record, in short: from stored files, and from none and damaged ones."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from trainband.benchmarks.run_extras import POINTS, run_extras
from trainband.benchmarks.run_spec import RECEIPT_FILE, TRACE_FILE
from trainband.benchmarks.trace.files import read_trace, write_trace

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(GOLDEN / "trace_v1.npz", tmp_path / TRACE_FILE)
    shutil.copy(GOLDEN / "receipt_v1.json", tmp_path / RECEIPT_FILE)
    return tmp_path


def test_a_short_trace_is_shown_step_by_step_and_a_receipt_says_why(folder: Path) -> None:
    trace = read_trace(folder / TRACE_FILE)
    found = run_extras(folder)
    assert found.trace is not None
    assert found.trace.steps == tuple(range(trace.steps))
    assert found.trace.losses == pytest.approx([float(loss) for loss in trace.losses])
    assert dict(found.trace.facts)["Steps"] == str(trace.steps)
    receipt = dict(found.receipt)
    assert (receipt["Replay of"], receipt["Answer"]) == ("A", "within noise")
    assert receipt["Where the two part"] == "the state before step 1 is equal, its forward is not"


def test_a_long_trace_is_thinned_out_to_means_and_a_loss_that_is_none_is_left_out(folder: Path) -> None:
    trace = read_trace(folder / TRACE_FILE)
    steps = 10 * POINTS
    losses = np.linspace(5.0, 1.0, steps, dtype=np.float32)
    losses[-1] = np.nan
    long = {
        "losses": losses,
        "gradient_norms": np.ones(steps, np.float32),
        "learning_rates": np.full(steps, 0.1, np.float32),
        "logits": np.zeros((steps, 2), np.uint32),
        "batches": np.zeros(steps, np.uint32),
        "draws": np.zeros(steps, np.uint32),
    }
    with open(folder / TRACE_FILE, "wb") as file:
        write_trace(file, type(trace)(**{**vars(trace), **long}))
    found = run_extras(folder).trace
    assert found is not None
    assert len(found.steps) == POINTS
    assert found.losses[0] == pytest.approx(losses[:10].mean())
    assert found.losses[-1] is None
    assert set(found.gradient_norms) == {1.0}


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 no archive", None])
def test_what_cannot_be_read_is_said(folder: Path, damage: bytes | None) -> None:
    for name in (TRACE_FILE, RECEIPT_FILE):
        if damage is None:
            (folder / name).unlink()
        else:
            (folder / name).write_bytes(damage)
    found = run_extras(folder)
    assert found.trace is None
    assert "trace" in found.no_trace
    assert [name for name, _ in found.receipt] == ([] if damage is None else ["Receipt"])
