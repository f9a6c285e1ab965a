"""The packages that changed a cell's bits between two environments, and at which of their releases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from packaging.version import Version

from trainband.benchmarks.attribution.minimal import Answer, minimal_sets
from trainband.benchmarks.attribution.trials import Laboratory
from trainband.benchmarks.attribution.vectors import Vector
from trainband.benchmarks.environments.locks import pin, releases_between, solve
from trainband.results.attributions import Attribution, Guilty, ReleaseChange, Trial


class EndsError(RuntimeError):
    """The two ends do not show what is to be explained; the message says why."""


@dataclass(kw_only=True)
class PackageSearch:
    """Searches the steps from a baseline to a candidate."""

    vector: Vector
    laboratory: Laboratory

    def run(self) -> Attribution:
        """The guilty packages and their releases.

        Raises:
          EndsError: the bits of the two ends are equal, or an end says nothing.
        """
        self._check_ends()
        self.base: frozenset[str] = frozenset()
        guilty = []
        for leaders, moved in minimal_sets(self.vector.changed, self.vector.needs(), self._probe):
            found = Guilty(leaders=leaders, moved={name: self.vector.versions(name) for name in sorted(moved)})
            if len(leaders) == 1:
                found = replace(found, releases=self._scan(leaders[0], moved))
            self.base |= moved
            guilty.append(found)
        self.laboratory.keep(replace(self.laboratory.found, guilty=tuple(guilty), complete=True))
        return self.laboratory.found

    def _check_ends(self) -> None:
        ends = [self._at(frozenset()), self._at(frozenset(self.vector.changed))]
        for end in ends:
            if end.why_not:
                raise EndsError(f"{end.what}: {end.why_not}")
        if not self.laboratory.differ(*ends):
            raise EndsError(f"the bits of {self.laboratory.cell.name} are equal at both ends: nothing moved")

    def _at(self, moved: frozenset[str]) -> Trial:
        rows = self.vector.pins(moved)
        what = f"the baseline with {', '.join(sorted(moved))} moved" if moved else "the baseline"
        if moved == frozenset(self.vector.changed):
            what = "the candidate"
        return self.laboratory.trial(what, rows, lambda: pin(rows, self.laboratory.python))

    def _probe(self, base: frozenset[str], moved: frozenset[str]) -> Answer:
        differ = self.laboratory.differ(self._at(base), self._at(moved))
        return "unresolved" if differ is None else "bad" if differ else "good"

    def _scan(self, package: str, moved: frozenset[str]) -> tuple[ReleaseChange, ...] | None:
        """Every release of `package` between its two versions, one after another; None where a side has none of an index."""
        if self.vector.of_wheels(package):
            return None
        before, after = self.vector.versions(package)
        low, high = sorted((before, after), key=Version)
        path = releases_between(package, low, high, self.laboratory.python)
        path = path if before == low else path[::-1]
        found, skipped = [], []
        last = self._at(self.base)
        for release in path[1:]:
            trial = self._released(package, release) if release != after else self._at(self.base | moved)
            differ = self.laboratory.differ(last, trial)
            if differ is None:
                skipped.append(release)
                continue
            if differ:
                found.append(
                    ReleaseChange(
                        package=package,
                        before=before,
                        release=release,
                        skipped=tuple(skipped),
                        also=_also(package, last.versions, trial.versions),
                    )
                )
            before, last, skipped = release, trial, []
        return tuple(found)

    def _released(self, package: str, release: str) -> Trial:
        """`package` at `release`; what else differs between the sides moves only as far as that release makes it."""
        rows = [
            f"{package}=={release}" if name == package else row if name in self._settled else self._at_least(name)
            for name, row in self.vector.rows(self.base).items()
        ]
        return self.laboratory.trial(
            f"{package} {release}", rows, lambda: solve(rows, self.laboratory.python, lowest=True)
        )

    @property
    def _settled(self) -> frozenset[str]:
        """Packages that stay where they are: those that differ on no side, and those that moved before."""
        return frozenset(self.vector.rows(self.base)) - frozenset(self.vector.changed) | self.base

    def _at_least(self, name: str) -> str:
        """A requirement that holds at the baseline's version and up to the candidate's, where it has one."""
        before, after = self.vector.versions(name)
        if not after:
            return f"{name}>={before}"
        low, high = sorted((before, after), key=Version)
        return f"{name}>={low},<={high}"


def _also(package: str, before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
    names = sorted({*before, *after} - {package})
    return tuple(
        f"{name} {before.get(name, '-')} {after.get(name, '-')}"
        for name in names
        if before.get(name) != after.get(name)
    )
