"""The packages that make the difference between two environments, and at which of their releases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from packaging.version import Version

from trainband.benchmarks.attribution.releases import every_change, first_bad
from trainband.benchmarks.attribution.search import guilty_sets
from trainband.benchmarks.attribution.trials import Laboratory, Setting
from trainband.benchmarks.attribution.vectors import Vector
from trainband.benchmarks.cells import Cell
from trainband.benchmarks.environments.asked import Environment
from trainband.benchmarks.environments.build import build
from trainband.benchmarks.environments.locks import Lock, pin, releases_between, solve
from trainband.results.attributions import Attribution, Guilty, ReleaseChange


@dataclass(kw_only=True)
class PackageSearch:
    """Searches the steps from a baseline to a candidate.

    Attributes:
      cell: trained in every environment.
      python: the interpreter that environments are made from.
    """

    vector: Vector
    laboratory: Laboratory
    cell: Cell
    python: str

    def run(self) -> Attribution:
        """The guilty packages and their releases; raises EndsError."""
        guilty = []
        for base, leaders, moved in guilty_sets(
            self.laboratory, self.vector.changed, self.vector.needs(), self._mixture
        ):
            found = Guilty(leaders=leaders, moved={name: self.vector.versions(name) for name in sorted(moved)})
            if len(leaders) == 1:
                found = replace(found, releases=self._releases(leaders[0], base, moved))
            guilty.append(found)
        self.laboratory.keep(replace(self.laboratory.found, guilty=tuple(guilty), complete=True))
        return self.laboratory.found

    def _mixture(self, moved: frozenset[str]) -> int:
        """The candidate's packages where they are `moved`, the baseline's elsewhere."""
        rows = self.vector.pins(moved)
        what = f"the baseline with {', '.join(sorted(moved))} moved" if moved else "the baseline"
        if moved == frozenset(self.vector.changed):
            what = "the candidate"
        return self._trial(what, rows, lambda: pin(rows, self.python))

    def _trial(self, what: str, rows: Sequence[str], lock: Callable[[], Lock]) -> int:
        def make() -> Setting:
            solved = lock()
            python = build(solved, self.python, cache_root=self.laboratory.cache_root)
            return Setting(self.cell, Environment(python=python, lock=solved.text))

        return self.laboratory.trial(what, rows, make)

    def _releases(self, package: str, base: frozenset[str], moved: frozenset[str]) -> tuple[ReleaseChange, ...] | None:
        """At which releases of `package`; None where a side has it from no index."""
        if self.vector.of_wheels(package):
            return None
        before, after = self.vector.versions(package)
        low, high = sorted((before, after), key=Version)
        path = releases_between(package, low, high, self.python)
        path = path if before == low else path[::-1]

        def at(release: str) -> int:
            if release in (before, after):
                return self._mixture(base if release == before else base | moved)
            return self._released(package, release, base)

        look = first_bad if self.laboratory.measure.shares_level else every_change
        return look(self.laboratory, package, path, at)

    def _released(self, package: str, release: str, base: frozenset[str]) -> int:
        """`package` at `release`; what else differs between the sides moves only as far as that release makes it."""
        settled = frozenset(self.vector.rows(base)) - frozenset(self.vector.changed) | base
        rows = [
            f"{package}=={release}" if name == package else row if name in settled else self._at_least(name)
            for name, row in self.vector.rows(base).items()
        ]
        return self._trial(f"{package} {release}", rows, lambda: solve(rows, self.python, lowest=True))

    def _at_least(self, name: str) -> str:
        """A requirement that holds at the baseline's version and up to the candidate's, where it has one."""
        before, after = self.vector.versions(name)
        if not after:
            return f"{name}>={before}"
        low, high = sorted((before, after), key=Version)
        return f"{name}>={low},<={high}"
