"""The audit at work: faults are trained beside healthy runs, and named; nothing that stands in the store is trained again."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from trainband.__main__ import entry
from trainband.benchmarks.audit import CELLS, CONTENDED, QUARTERS, AuditExperiment, quarter
from trainband.benchmarks.bands_on_disk import reference_bands
from trainband.benchmarks.cells import find_cell
from trainband.benchmarks.diff.inputs import input_differences
from trainband.benchmarks.faults.fault import Fault
from trainband.benchmarks.faults.registry import FAULTS, audited
from trainband.benchmarks.side_by_side import SideBySide
from trainband.models.catalog import load_catalog
from trainband.platforms.profiles import load_profiles
from trainband.results.audits import Audit
from trainband.results.records import Record
from trainband.results.store import Store

TODAY = datetime.now(UTC).date().toordinal() % QUARTERS + 1
AUDIT_CELLS = [find_cell(name, load_catalog(), load_profiles()) for name in CELLS]
needs_tensorflow = pytest.mark.backend("tensorflow")
Audited = Callable[..., tuple[Audit, list[Record]]]


@pytest.fixture
def audit_of(tmp_path: Path, digits_root: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Audited]:
    """Audits on one store, with the records of what each trained."""
    store = Store(tmp_path / "store")
    with SideBySide(
        store=store, cache_root=Path(digits_root), python=sys.executable, jobs=2, contended=CONTENDED
    ) as runners:

        def audit(faults: Sequence[Fault], cells: Sequence[Any] = AUDIT_CELLS) -> tuple[Audit, list[Record]]:
            monkeypatch.delenv("PYTEST_CURRENT_TEST", raising=False)
            experiment = AuditExperiment(
                cells=cells,
                faults=faults,
                seeds=(0,),
                store=store,
                bands=reference_bands(),
                runners=runners,
                cache_root=Path(digits_root),
            )
            trained: list[Record] = []
            return experiment.run(lambda record, done, total: trained.append(record)), trained

        yield audit
    store.close()


def check(audit: Audit, trained: list[Record]) -> None:
    """Every fault with a place is named, and beside it the records do not differ from a healthy one's."""
    assert audit.passed, [(row.fault, row.cell, dict(row.causes)) for row in audit.faults]
    assert all(row.no_place or row.named for row in audit.faults)
    healthy = {record.cell: record for record in trained if not record.faults}
    for record in trained:
        if record.failure is None:
            different = {(each.group, each.name) for each in input_differences(healthy[record.cell], record)}
            known = {("data", "data.shared_rows")} if "test_rows_in_train" in record.faults else set()
            assert different == known | ({("fault", "faults")} if record.faults else set())


def test_four_quarters_are_all_faults() -> None:
    parts = [fault for number in range(1, QUARTERS + 1) for fault in quarter(audited(), number)]
    assert sorted(fault.name for fault in parts) == sorted(fault.name for fault in audited())


@needs_tensorflow
@pytest.mark.slow
def test_todays_quarter_of_the_faults_is_named(audit_of: Audited) -> None:
    faults = quarter(audited(), TODAY)
    audit, trained = audit_of(faults)
    check(audit, trained)
    assert len(trained) == 2 * (len(CELLS) + len(faults))
    again, more = audit_of(faults)
    assert more == []
    assert again.faults == audit.faults


@needs_tensorflow
@pytest.mark.nightly
def test_every_fault_is_named(audit_of: Audited) -> None:
    audit, trained = audit_of(audited())
    check(audit, trained)
    assert {row.fault for row in audit.faults if not row.no_place} == {fault.name for fault in audited()}


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
    assert "untrained" in FAULTS
    assert entry(["audit", f"--store={tmp_path}/store", *flags]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert len(err.splitlines()) == 1
