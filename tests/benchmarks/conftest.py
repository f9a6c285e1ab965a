"""One store, one runner and one pool of children for all tests that train: a fork server takes seconds to start."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import psutil
import pytest

from trainband.benchmarks.cells import Cell
from trainband.benchmarks.children import ChildPool
from trainband.benchmarks.runner import Runner, RunRequest
from trainband.models.catalog import find_model
from trainband.models.specs import ReferenceModel
from trainband.platforms.profiles import find_profile
from trainband.results.records import Record
from trainband.results.store import Store


def digits_model(name: str, *, epochs: int, **changes: Any) -> ReferenceModel:
    """The perceptron of the catalog under another name, with a recipe of `epochs` at tier smoke."""
    model = find_model("mlp_digits")
    return replace(model, name=name, recipes=(replace(model.recipe("smoke"), epochs=epochs, **changes),))


def smoke_cell(model: ReferenceModel, profile: str = "cpu") -> Cell:
    return Cell(model=model, recipe=model.recipe("smoke"), profile=find_profile(profile))


TINY = digits_model("tiny_digits", epochs=1)


class SteadyRunner(Runner):
    """A runner whose children do not see which test is running: one fork server serves one environment."""

    def run(self, request: RunRequest) -> Record:
        with pytest.MonkeyPatch.context() as patch:
            patch.delenv("PYTEST_CURRENT_TEST", raising=False)
            return super().run(request)


@dataclass
class Lab:
    """What the tests train with.

    Attributes:
      cell: one epoch of the perceptron, the cheapest training there is.
    """

    runner: Runner
    cell: Cell

    @property
    def store(self) -> Store:
        return self.runner.store

    @cached_property
    def healthy(self) -> Record:
        """The record of an honest run."""
        return self.run(seed=7)

    def run(self, *faults: str, seed: int = 0, cell: Cell | None = None, **runner: Any) -> Record:
        """Train once; `runner` changes attributes of the runner for this run."""
        request = RunRequest(cell=cell or self.cell, seed=seed, seed_role="sweep", faults=faults)
        return replace(self.runner, **runner).run(request)

    def endless(self) -> Cell:
        """A training that only a signal or a time limit ends."""
        return smoke_cell(digits_model("endless_digits", epochs=100_000))

    def variant(self, **recipe: Any) -> Cell:
        """The cell with another recipe."""
        return smoke_cell(digits_model("tiny_digits", epochs=1, **recipe))

    def children(self) -> list[psutil.Process]:
        """The processes that train: children of the pool's fork servers."""
        servers = [
            child for child in psutil.Process().children() if "trainband.benchmarks.fork_server" in child.cmdline()
        ]
        return [child for server in servers for child in server.children(recursive=True)]

    def unfinished(self) -> list[str]:
        """Run directories in the making: none between runs."""
        return [path.name for path in (self.store.root / "tmp").glob("[!.]*")]


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory, digits_root: str) -> Iterator[Lab]:
    store = Store(tmp_path_factory.mktemp("lab") / "store")
    with ChildPool() as pool:
        yield Lab(runner=SteadyRunner(store=store, pool=pool, cache_root=Path(digits_root)), cell=smoke_cell(TINY))
    store.close()
