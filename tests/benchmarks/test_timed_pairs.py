"""Two children in turns: whole blocks in the planned order, and a child that cannot train is named and leaves nobody waiting."""

from __future__ import annotations

import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from trainband.benchmarks.cells import find_cell
from trainband.benchmarks.children import ChildPool
from trainband.benchmarks.gate.timed_pairs import NotTimed, TimedSide, timed_pair
from trainband.benchmarks.run_spec import RunSpec
from trainband.benchmarks.runner import RunRequest, spec_of
from trainband.models.catalog import load_catalog
from trainband.platforms.profiles import load_profiles
from trainband.results.gate.speed import GateSide, couples, speed_test

pytestmark = [pytest.mark.slow, pytest.mark.backend("tensorflow")]


def both(spec: RunSpec) -> dict[GateSide, RunSpec]:
    return {"baseline": spec, "candidate": spec}


@pytest.fixture
def pools() -> Iterator[list[ChildPool]]:
    with ChildPool() as one, ChildPool() as other:
        yield [one, other]


@pytest.fixture
def spec(digits_root: str) -> RunSpec:
    cell = find_cell("mlp_digits:smoke@cpu_deterministic", load_catalog(), load_profiles())
    return spec_of(RunRequest(cell=cell, seed=1, seed_role="gate"), "timed", cache_root=Path(digits_root))


def test_two_children_train_blocks_in_turns(pools: list[ChildPool], spec: RunSpec, digits_root: str) -> None:
    sides = [
        TimedSide(name=name, python=sys.executable, pool=pool)
        for name, pool in zip(("baseline", "candidate"), pools, strict=True)
    ]
    blocks = []
    for number in range(4):
        blocks += timed_pair(sides, both(spec), number=number, cache_root=Path(digits_root), block_sec=0.1)
    order = ["baseline", "candidate", "candidate", "baseline"]
    assert [block.side for block in blocks[:4]] == order
    assert [block.side for block in blocks[4:8]] == ["candidate", "baseline", "baseline", "candidate"]
    assert all(0.1 <= block.wall_sec < 5.0 and block.cpu_sec > 0.0 and block.steps > 1 for block in blocks)
    assert [len(pair) for pair in couples(blocks)] == [2, 2, 2, 2]
    assert 0.2 < (speed_test(blocks, "cpu").ratio or 0.0) < 5.0


def test_a_side_that_cannot_train_is_named(
    pools: list[ChildPool], spec: RunSpec, digits_root: str, tmp_path: Path
) -> None:
    bad = tmp_path / "python"
    bad.write_text("#!/bin/sh\nexit 7\n")
    bad.chmod(bad.stat().st_mode | stat.S_IXUSR)
    sides = [
        TimedSide(name="baseline", python=sys.executable, pool=pools[0]),
        TimedSide(name="candidate", python=str(bad), pool=pools[1]),
    ]
    start = time.monotonic()
    with pytest.raises(NotTimed, match="the candidate could not be timed: the child ended with exit status 1"):
        timed_pair(sides, both(spec), number=0, cache_root=Path(digits_root), block_sec=0.1)
    assert time.monotonic() - start < 120.0
