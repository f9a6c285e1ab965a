"""A run's process as a notebook: executed for real, it arrives at the recorded weights, or says that it did not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from trainband.benchmarks.notebook import NotebookError, make_notebook
from trainband.benchmarks.run_spec import SPEC_FILE, TRACE_FILE
from trainband.benchmarks.trace.files import Trace, read_trace
from trainband.platforms.profiles import find_profile
from trainband.results.records import Failure, Record

pytestmark = [pytest.mark.backend("tensorflow"), pytest.mark.slow]


def parts(lab: Any, record: Record) -> tuple[str, Trace]:
    folder = lab.store.run_path(record.run_id)
    return (folder / SPEC_FILE).read_text("utf-8"), read_trace(folder / TRACE_FILE)


def executed(text: str) -> str:
    """What the cells print, in order; raises where one of them does."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.reads(text, as_version=4)
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    return "".join(
        output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", ()) if "text" in output
    )


# Of the packages that run a kernel, on Python 3.11 to 3.13.
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning", "ignore::ResourceWarning")
def test_the_notebook_of_a_run_arrives_at_its_weights(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    cell = replace(lab.cell, profile=find_profile("cpu_deterministic"))
    record = lab.run(seed=11, cell=cell)
    spec, trace = parts(lab, record)
    text = make_notebook(record, spec, trace, title="Digits")
    assert text == make_notebook(record, spec, trace, title="Digits")
    monkeypatch.setenv("TRAINBAND_CACHE", str(lab.runner.cache_root))
    said = executed(text)
    assert f"final weights {record.measurement.weights.final_digest}" in said
    assert "bit-exact" in said.splitlines()
    steps = record.measurement.steps
    assert f"{steps} of {steps} steps equal" in said


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning", "ignore::ResourceWarning")
@pytest.mark.nightly
def test_another_end_is_an_error_on_a_deterministic_profile(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from nbclient.exceptions import CellExecutionError

    record = lab.run(seed=11, cell=replace(lab.cell, profile=find_profile("cpu_deterministic")))
    weights = replace(record.measurement.weights, final_digest="0" * 64)
    moved = replace(record, measurement=replace(record.measurement, weights=weights))
    monkeypatch.setenv("TRAINBAND_CACHE", str(lab.runner.cache_root))
    with pytest.raises(CellExecutionError, match="a deterministic profile, and another end"):
        executed(make_notebook(moved, *parts(lab, record), title="Digits"))


def test_a_run_that_failed_or_holds_a_fault_has_no_notebook(lab: Any) -> None:
    spec, trace = parts(lab, lab.healthy)
    failure = Failure(kind="data", message="a file differs")
    failed = replace(lab.healthy, outcome="error", measurement=None, failure=failure)
    with pytest.raises(NotebookError, match="did not complete: a file differs"):
        make_notebook(failed, spec, trace, title="Digits")
    with pytest.raises(NotebookError, match="holds planted faults"):
        make_notebook(replace(lab.healthy, faults=("untrained",)), spec, trace, title="Digits")
