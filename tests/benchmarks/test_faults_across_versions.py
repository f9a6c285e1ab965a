"""Every fault, planted on one side of two TensorFlow releases that round differently, is still the cause that is named."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from trainband.benchmarks.audit import CELLS
from trainband.benchmarks.cells import find_cell
from trainband.benchmarks.children import ChildPool
from trainband.benchmarks.data.cache import cache_root
from trainband.benchmarks.diff.explain import explain
from trainband.benchmarks.diff.refine import Rerunner, Side, read_side
from trainband.benchmarks.environments.asked import Environment, asked_environment
from trainband.benchmarks.environments.uv import EnvironmentFailure
from trainband.benchmarks.faults.fault import NO_PLACE
from trainband.benchmarks.faults.registry import FAULTS, audited
from trainband.benchmarks.runner import Runner, RunRequest
from trainband.models.catalog import load_catalog
from trainband.platforms.profiles import load_profiles
from trainband.results.store import Store

pytestmark = [pytest.mark.nightly, pytest.mark.backend("tensorflow")]
# The day on which 2.16.2 was released: Keras is of that day, too.
OLD, DAY = "tensorflow==2.16.2", date(2024, 6, 28)


class Lab:
    """Healthy runs under this environment, faulty ones under the old one."""

    def __init__(self, store: Store, pool: ChildPool, old: Environment, root: Path) -> None:
        self.store, self.pool, self.old, self.root = store, pool, old, root
        self.rerunner = Rerunner(pool=pool, cache_root=root)

    def side(self, cell: str, *faults: str) -> Side | None:
        """A run of seed 0; None where the cell has no place for the fault."""
        runner = Runner(
            store=self.store,
            pool=self.pool,
            cache_root=self.root,
            environment=self.old if faults else Environment(python=sys.executable),
        )
        found = find_cell(cell, load_catalog(), load_profiles())
        record = runner.run(RunRequest(cell=found, seed=0, seed_role="pinned", faults=faults))
        if record.failure is not None:
            assert record.failure.kind == NO_PLACE, record.failure
            return None
        return read_side(self.store, record.run_id)


@pytest.fixture
def lab(tmp_path: Path, digits_root: str) -> Iterator[Lab]:
    try:
        old = asked_environment([OLD], "tensorflow", as_of=DAY, cache_root=cache_root(), say=print)
    except EnvironmentFailure as error:
        pytest.skip(f"{OLD} cannot be had here: {error}")
    with ChildPool() as pool:
        yield Lab(Store(tmp_path / "store", create=True), pool, old, Path(digits_root))


@pytest.mark.parametrize("cell", CELLS)
def test_every_fault_is_the_cause(lab: Lab, cell: str) -> None:
    healthy = lab.side(cell)
    assert healthy is not None
    wrong = []
    for fault in audited():
        faulty = lab.side(cell, fault.name)
        if faulty is None:
            continue
        found = explain(healthy, faulty, lab.rerunner, layers=True)
        cause = found.cause.meanings[0] if found.cause.meanings else None
        layer = faulty.trace.header.planted[fault.name] if fault.stage in ("forward", "initial weights") else ""
        if cause is None or cause.stage != FAULTS[fault.name].stage or (layer and cause.layer != layer):
            wrong.append((fault.name, layer, found.cause, found.failed))
    assert not wrong
