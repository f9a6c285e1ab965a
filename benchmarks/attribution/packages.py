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
            trial = self._released(package, release, moved) if release != after else self._at(self.base | moved)
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

    def _released(self, package: str, release: str, moved: frozenset[str]) -> Trial:
        """`package` at `release`, the others that move with it anywhere between their two versions, the rest as it is."""
        tied = [_between(name, self.vector.versions(name)) for name in sorted(moved - {package})]
        fixed = [row for name, row in self.vector.rows(self.base).items() if name not in moved]
        rows = [f"{package}=={release}", *(row for row in tied if row), *fixed]
        return self.laboratory.trial(f"{package} {release}", rows, lambda: solve(rows, self.laboratory.python))


def _between(name: str, versions: tuple[str, str]) -> str:
    """A requirement that holds at both versions and all between; empty for a package that one side does not have."""
    if not all(versions):
        return ""
    low, high = sorted(map(Version, versions))
    return f"{name}>={low},<={high}"


def _also(package: str, before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
    names = sorted({*before, *after} - {package})
    return tuple(
        f"{name} {before.get(name, '-')} {after.get(name, '-')}"
        for name in names
        if before.get(name) != after.get(name)
    )
