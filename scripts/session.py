"""What the training verbs need in common: registry, profiles, availability, data, bands and a runner."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from trainband.benchmarks.cells import Cell, find_cell
from trainband.benchmarks.children import ChildPool
from trainband.benchmarks.data.cache import cache_root
from trainband.benchmarks.environments.asked import Environment, asked_environment
from trainband.benchmarks.runner import Runner
from trainband.command_line import UsageError, open_store, optional_path
from trainband.knowledge import Knowledge
from trainband.platforms.host_facts import HostFacts, gather_host_facts
from trainband.platforms.profiles import Profile
from trainband.results.store import Store


class NotHere(RuntimeError):
    """A cell that this host cannot train; the message names it and why."""


@dataclass
class Session(Knowledge):
    """One command's view of the world; `environment` is what its children run under."""

    environment: Environment = field(default_factory=Environment)

    @cached_property
    def host(self) -> HostFacts:
        python = self.environment.python
        return gather_host_facts(environ=os.environ, python=None if python == sys.executable else python)

    @cached_property
    def store(self) -> Store:
        store = open_store(self.values, create=True)
        store.sweep_leftovers()
        return store

    def check_bands(self, cells: Iterable[Cell]) -> None:
        """Read what will judge these cells, so that what cannot be read is told before hours of training."""
        if not self.bands.committed and not self.bands.root.is_dir():
            raise UsageError(f"--bands={self.bands.root}: there is no such folder; `trainband calibrate` makes one")
        for model, tier in dict.fromkeys((cell.model.name, cell.recipe.tier) for cell in cells):
            self.bands.read(model, tier)
        _ = self.bands.waivers

    def check_trainable(self, cells: Iterable[Cell]) -> None:
        """That all profiles of `cells` can train here; raises NotHere."""
        for profile in {cell.profile.name: cell.profile for cell in cells}.values():
            availability = self.available(profile)
            if not availability.available:
                raise NotHere(f"profile {profile.name} cannot train here: {availability.reason}")

    def take_environment(self, profile: Profile) -> None:
        """Train `profile` under what `--environment` names, built if need be; nothing where it names nothing.

        Raises:
          RequirementError, EnvironmentFailure: see `asked_environment`.
        """
        if self.values.environment:
            self.environment = asked_environment(
                self.values.environment,
                profile.backend,
                as_of=day_of(self.values.as_of),
                cache_root=cache_root(),
                say=lambda line: print(line, file=sys.stderr, flush=True),
            )
        elif self.values.as_of:
            raise UsageError("--as-of limits what --environment solves: give both")

    def prepare_data(self, cells: Iterable[Cell]) -> list[str]:
        """Make the data of the cells that can train here ready; returns what failed, one line each."""
        from trainband.benchmarks.data.state import status
        from trainband.models.datasets import DATASETS

        here = [cell for cell in cells if self.available(cell.profile).available]
        asked = dict.fromkeys(cell.model.dataset_of(cell.recipe.tier) for cell in here)
        names = [name for name in asked if name in DATASETS]
        absent = [found.name for found in status(names) if found.state == "absent"]
        return self._prepare(absent) if absent else []

    def _prepare(self, names: list[str]) -> list[str]:
        from trainband.benchmarks.data.prepare import PreparationError, prepare

        try:
            prepare(
                names,
                mirror=optional_path(self.values.mirror),
                data_dir=optional_path(self.values.data_dir),
                progress=lambda line: print(line, file=sys.stderr),
            )
        except PreparationError as error:
            return [str(error)]
        return []

    def banded_cell(self, name: str) -> Cell:
        """The cell of that name, its data ready; for verbs that need its quality.

        Raises:
          UsageError: there is no such cell, or it is trained for its speed alone.
          NotHere: it cannot train on this host.
        """
        cell = find_cell(name, self.models, self.profiles)
        if cell.recipe.throughput_only:
            raise UsageError(f"{cell.name} trains on synthetic data for its speed alone: it has no quality to measure")
        availability = self.available(cell.profile)
        if not availability.available:
            raise NotHere(f"{cell.name} cannot train here: {availability.reason}")
        for line in self.prepare_data([cell]):
            print(line, file=sys.stderr)
        return cell

    @contextmanager
    def runner(self, *, checkpoint_every_sec: float | None = None) -> Iterator[Runner]:
        """A runner whose children end with this block; it keeps checkpoints where it is told how often."""
        with ChildPool() as pool:
            yield Runner(
                store=self.store,
                pool=pool,
                cache_root=cache_root(),
                environment=self.environment,
                time_limit_sec=self.values.time_limit,
                checkpoint_every_sec=checkpoint_every_sec,
                on_wait=say_waiting,
                on_resume=say_resuming,
            )


def day_of(text: str | None) -> date | None:
    """The day that `--as-of` names, if it names one."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise UsageError(f"--as-of={text}: no day of the form 2024-06-28") from None


def say_waiting() -> None:
    """Tell why nothing happens: trainings on one host go one after another."""
    print("waiting: another training holds this host", file=sys.stderr)


def say_building(run_id: str) -> None:
    """Tell why nothing trains yet: packages are being installed."""
    print(f"building the environment of run {run_id}", file=sys.stderr, flush=True)


def say_resuming(step: int | None) -> None:
    """Tell whether a run that keeps checkpoints found one."""
    print(
        "no checkpoint of this run: it begins anew" if step is None else f"going on from step {step}", file=sys.stderr
    )
