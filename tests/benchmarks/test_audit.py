"""The audit at work: faults are trained beside healthy runs, and named; nothing that stands in the store is trained again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from trainband.__main__ import entry
from trainband.benchmarks.audit import CELLS, QUARTERS, quarter
from trainband.benchmarks.diff.inputs import input_differences
from trainband.benchmarks.faults.registry import audited
from trainband.results.audits import Audit, read_audit
from trainband.results.records import Record
from trainband.results.store import Store

needs_tensorflow = pytest.mark.backend("tensorflow")
Verb = Callable[..., tuple[Audit, list[Record]]]


@pytest.fixture
def audit(tmp_path: Path, digits_root: str, monkeypatch: pytest.MonkeyPatch) -> Verb:
    """The verb with one run of each fault: what it writes, and the records of all runs that it has made."""

    def audit(*flags: str) -> tuple[Audit, list[Record]]:
        monkeypatch.delenv("PYTEST_CURRENT_TEST", raising=False)
        status = entry(["audit", "--seeds=1", "--jobs=2", f"--store={tmp_path}/store", *flags])
        found = read_audit(tmp_path / "store" / "audit.json")
        assert status == 0, [(row.fault, row.cell, dict(row.causes)) for row in found.faults]
        return found, list(Store(tmp_path / "store" / "audit").records())

    return audit


def check(audit: Audit, records: list[Record]) -> None:
    """Every fault with a place is named, and beside it the records do not differ from a healthy one's."""
    assert audit.passed
    assert all(row.no_place or (row.named and row.named.whole) for row in audit.faults)
    assert [record for record in records if len(record.faults) > 1] == []
    healthy = {record.cell: record for record in records if not record.faults}
    for record in records:
        if record.failure is None:
            different = {(each.group, each.name) for each in input_differences(healthy[record.cell], record)}
            known = {("data", "data.shared_rows")} if "test_rows_in_train" in record.faults else set()
            assert different == known | ({("fault", "faults")} if record.faults else set())


def test_four_quarters_are_all_faults() -> None:
    parts = [fault for number in range(1, QUARTERS + 1) for fault in quarter(audited(), number)]
    assert sorted(fault.name for fault in parts) == sorted(fault.name for fault in audited())


@needs_tensorflow
@pytest.mark.slow
def test_every_fault_of_one_cell_is_named(audit: Verb, tmp_path: Path) -> None:
    found, records = audit(f"--cell={CELLS[0]}")
    check(found, records)
    assert {row.fault for row in found.faults} == {fault.name for fault in audited()}
    assert len(records) == 2 + len(found.faults)
    assert (tmp_path / "store" / "audit.html").is_file()
    again, more = audit(f"--cell={CELLS[0]}")
    assert len(more) == len(records)
    assert again.faults == found.faults


@needs_tensorflow
@pytest.mark.nightly
def test_every_fault_is_named(audit: Verb) -> None:
    found, records = audit()
    check(found, records)
    assert {row.fault for row in found.faults if not row.no_place} == {fault.name for fault in audited()}


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--fault=untrained"], "--fault=untrained: no fault of the audit; there are flipped_labels, "),
        (["--cell=cnn_digits:smoke@cpu"], "profile cpu is not deterministic"),
        (["--quarter=5"], "quarter"),
        (["cnn_digits:smoke@cpu"], "name cells with --cell"),
    ],
)
def test_a_wrong_command_line_is_one_line(
    flags: list[str], said: str, tmp_path: Path, digits_root: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert entry(["audit", f"--store={tmp_path}/store", *flags]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert len(err.splitlines()) == 1
