"""The packages by which two environments differ, and which of them cannot move without which others."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from trainband.platforms.interpreters import ask

_ASK_SEC = 60.0
_WHEEL = re.compile(r"^(\S+) @ (file:\S+\.whl)", re.MULTILINE)
# Path entries that are the working directory are a child's own, not the environment's.
_QUESTION = """
import importlib.metadata, json, sys
sys.path[:] = [entry for entry in sys.path if entry]
found = {}
for d in importlib.metadata.distributions():
    found.setdefault(str(d.metadata["Name"]), [str(d.version), list(d.requires or ())])
print(json.dumps(found))
"""


@dataclass(frozen=True, kw_only=True)
class Installed:
    """A package of an environment.

    Attributes:
      wheel: URL of the wheel of this machine that it came from; None where it came from an index.
      requires: name -> the requirement, of those that count on this Python and platform, extras aside.
    """

    version: str
    wheel: str | None = None
    requires: Mapping[str, Requirement] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Vector:
    """The steps from a baseline to a candidate, one package each.

    Attributes:
      baseline, candidate: name -> package; a name that is missing is not installed there.
    """

    baseline: Mapping[str, Installed]
    candidate: Mapping[str, Installed]

    @property
    def changed(self) -> tuple[str, ...]:
        """Packages whose versions differ, or that one side alone has."""
        names = sorted({*self.baseline, *self.candidate})
        return tuple(name for name in names if _differ(self.baseline.get(name), self.candidate.get(name)))

    def rows(self, moved: Iterable[str]) -> dict[str, str]:
        """Name -> `name==version` of every package, those of `moved` as the candidate has them, the others as the baseline.

        A wheel of this machine stands as `name @ file:///...`.
        """
        taken = set(moved)
        found = {}
        for name in sorted({*self.baseline, *self.candidate}):
            package = (self.candidate if name in taken else self.baseline).get(name)
            if package is not None:
                found[name] = f"{name} @ {package.wheel}" if package.wheel else f"{name}=={package.version}"
        return found

    def pins(self, moved: Iterable[str]) -> list[str]:
        """The requirements of `rows`."""
        return list(self.rows(moved).values())

    def versions(self, name: str) -> tuple[str, str]:
        """The baseline's and the candidate's version, "" where a side does not have it."""
        before, after = self.baseline.get(name), self.candidate.get(name)
        return before.version if before is not None else "", after.version if after is not None else ""

    def of_wheels(self, name: str) -> bool:
        """Whether a side lacks the package, or has it from a wheel of this machine: there are no releases between."""
        sides = self.baseline.get(name), self.candidate.get(name)
        return any(side is None or side.wheel is not None for side in sides)

    def needs(self) -> dict[str, frozenset[str]]:
        """Change -> the other changes without which its move would break a requirement."""
        return {name: frozenset(self._needed(name)) for name in self.changed}

    def _needed(self, moving: str) -> Iterator[str]:
        changed = set(self.changed) - {moving}
        arrived = self.candidate.get(moving)
        if arrived is not None:
            for name, requirement in arrived.requires.items():
                if name in changed and not _meets(self.baseline.get(name), requirement):
                    yield name
        for name in changed & set(self.baseline):
            stays = self.baseline[name].requires.get(moving)
            if stays is not None and not _meets(arrived, stays):
                yield name


def installed(python: str, lock: str | None) -> dict[str, Installed]:
    """The packages of the environment of `python`, ours aside; raises InterpreterError where it does not answer.

    Args:
      lock: the lock's text where there is one: it says which of them are wheels of this machine.
    """
    wheels = dict(_WHEEL.findall(lock or ""))
    answer: Mapping[str, tuple[str, list[str]]] = ask(
        python, _QUESTION, (), environ=os.environ, time_limit_sec=_ASK_SEC
    )
    return {
        canonicalize_name(name): Installed(
            version=version, requires=dict(_counting(requires)), wheel=wheels.get(canonicalize_name(name))
        )
        for name, (version, requires) in answer.items()
        if canonicalize_name(name) != "trainband"
    }


def _differ(a: Installed | None, b: Installed | None) -> bool:
    return (a.version, a.wheel) != (b.version, b.wheel) if a is not None and b is not None else a is not b


def _counting(requires: Iterable[str]) -> Iterator[tuple[str, Requirement]]:
    for text in requires:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield canonicalize_name(requirement.name), requirement


def _meets(package: Installed | None, requirement: Requirement) -> bool:
    return package is not None and requirement.specifier.contains(package.version, prereleases=True)
