"""What the committed audit must show: a fault that is new, or that `diff` names no more, makes it incomplete."""

from __future__ import annotations

from importlib import resources

import pytest

from trainband.benchmarks.audit import CELLS
from trainband.benchmarks.bands_on_disk import reference_bands
from trainband.benchmarks.faults.registry import audited
from trainband.results.audits import AUDIT_FILE, Audit, read_audit


@pytest.fixture(scope="module")
def audit() -> Audit:
    with resources.as_file(resources.files("trainband.results").joinpath("reference", AUDIT_FILE)) as path:
        return read_audit(path)


def test_it_has_every_fault_on_both_cells(audit: Audit) -> None:
    assert [(row.fault, row.stage, row.title) for row in audit.faults[:: len(CELLS)]] == [
        (fault.name, fault.stage, fault.title) for fault in audited()
    ]
    assert [row.cell for row in audit.faults] == list(CELLS) * len(audited())


def test_every_fault_has_a_place_in_one_of_the_cells_at_least(audit: Audit) -> None:
    placed = {row.fault for row in audit.faults if row.no_place is None}
    assert placed == {fault.name for fault in audited()}


def test_diff_names_the_stage_of_every_fault_in_every_run(audit: Audit) -> None:
    named = [row.named for row in audit.faults if row.no_place is None]
    assert all(share is not None and share.whole and share.n == len(audit.seeds) >= 10 for share in named)


def test_no_two_healthy_runs_of_one_seed_are_parted(audit: Audit) -> None:
    assert [cell.cell for cell in audit.cells] == list(CELLS)
    assert all((cell.alarms.count, cell.alarms.n) == (0, len(audit.seeds)) for cell in audit.cells)
    assert audit.passed


def test_it_was_judged_by_the_committed_bands(audit: Audit) -> None:
    for cell in audit.cells:
        model, _, tier = cell.cell.partition("@")[0].partition(":")
        band = reference_bands().read(model, tier)
        assert band is not None
        assert (band.digest, band.evidence.recipe_hash) == (cell.band_digest, cell.recipe_hash)
