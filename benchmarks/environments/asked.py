"""The environment that a user names for a cell: an interpreter, a file of requirements or a lock, or requirements."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from packaging.utils import canonicalize_name

from trainband.benchmarks.environments.build import build
from trainband.benchmarks.environments.locks import (
    Lock,
    RequirementError,
    day_of_newest,
    parsed,
    solve,
    target_of,
    wheel_requirement,
)
from trainband.platforms.probes import NEEDED


@dataclass(frozen=True, kw_only=True)
class Environment:
    """What children run under.

    Attributes:
      python: path of the interpreter.
      lock: the lock's text where the environment was built from one.
      words: flags of the command line that ask for it again.
    """

    python: str = sys.executable
    lock: str | None = None
    words: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Solved:
    """An environment that was solved and may have to be built: what is in it, or the interpreter that it is.

    Attributes:
      python: path of the interpreter, None where it is to be built from the lock.
    """

    python: str | None = None
    lock: Lock | None = None
    words: tuple[str, ...] = ()


def asked_environment(
    asked: Sequence[str], backend: str, *, as_of: date | None, cache_root: Path, say: Callable[[str], None]
) -> Environment:
    """The environment that `asked` names, built if need be; see `solved_environment`."""
    return built_environment(solved_environment(asked, backend, as_of=as_of, say=say), cache_root=cache_root, say=say)


def built_environment(solved: Solved, *, cache_root: Path, say: Callable[[str], None]) -> Environment:
    """The environment itself; raises EnvironmentFailure where it cannot be built."""
    if solved.lock is None:
        return Environment(python=solved.python or sys.executable, words=solved.words)
    python = build(solved.lock, sys.executable, cache_root=cache_root, on_build=lambda: say("building the environment"))
    return Environment(python=python, lock=solved.lock.text, words=solved.words)


def solved_environment(asked: Sequence[str], backend: str, *, as_of: date | None, say: Callable[[str], None]) -> Solved:
    """What `asked` names, with its packages; nothing is built yet.

    Args:
      asked: one path, or requirements; several of them may stand in one string, with spaces between.
      backend: what the environment must bring besides; requirements that leave it or Keras out get them.
      as_of: see `solve`; None is the day of the newest release that is pinned by `==`.
      say: told what was solved.

    Raises:
      RequirementError: it is neither.
      EnvironmentFailure: it cannot be solved.
    """
    file = _file(asked)
    if file is not None and os.access(file, os.X_OK):
        if as_of is not None:
            raise RequirementError(f"a date limits what is solved, and {file} is an interpreter")
        return Solved(python=str(file), words=(f"--environment={file}",))
    words = _lines(file) if file is not None else _requirements(asked)
    if any("--hash=" in word for word in words):
        if as_of is not None:
            raise RequirementError(f"a date limits what is solved, and {file} is a lock")
        lock = Lock("\n".join([f"# {target_of(sys.executable)}", *words]) + "\n")
    else:
        day = as_of or day_of_newest(words, sys.executable)
        lock = solve(with_backend(words, backend), sys.executable, as_of=day)
        as_of = day
    say(_solved(lock, backend, as_of))
    again = [f"--environment={each}" for each in ([file] if file else asked)] + ([f"--as-of={as_of}"] if as_of else [])
    return Solved(lock=lock, words=tuple(again))


def with_backend(requirements: Sequence[str], backend: str) -> list[str]:
    """`requirements`, and those of the backend's packages that they leave out; raises RequirementError."""
    named = {canonicalize_name(parsed(each).name) for each in requirements}
    return [*requirements, *(names[0] for names in NEEDED[backend] if named.isdisjoint(names))]


def _requirements(asked: Sequence[str]) -> list[str]:
    """The requirements among words; a wheel's path becomes one."""
    words = [part for each in asked for part in ([each] if "@" in each else each.split())]
    return [wheel_requirement(_wheel(word)) if word.endswith(".whl") and "@" not in word else word for word in words]


def _wheel(word: str) -> Path:
    path = Path(word).expanduser().absolute()
    if not path.is_file():
        raise RequirementError(f"there is no wheel {word}")
    return path


def _file(asked: Sequence[str]) -> Path | None:
    """The file that is named; an interpreter's path is not resolved, since a link is what makes it an environment's."""
    files = [
        path
        for path in (Path(each).expanduser().absolute() for each in asked)
        if path.is_file() and path.suffix != ".whl"
    ]
    if files and len(asked) > 1:
        raise RequirementError(f"{files[0]} stands for a whole environment: name nothing beside it")
    lost = [
        each
        for each in asked
        if not files and (os.sep in each or each.endswith(".txt")) and "@" not in each and ".whl" not in each
    ]
    if lost:
        raise RequirementError(
            f"there is no file {lost[0]}: name an interpreter, a file of requirements, or requirements"
        )
    return files[0] if files else None


def _lines(file: Path) -> list[str]:
    """The requirements in `file`, one a line with its hashes."""
    joined = re.sub(r"\\\n\s*", " ", file.read_text(encoding="utf-8"))
    lines = [" ".join(re.sub(r"(^|\s+)#.*", "", line).split()) for line in joined.splitlines()]
    options = [line for line in lines if line.startswith("-")]
    if options:
        raise RequirementError(f"{file}: {options[0]!r} is no requirement; set indexes up for uv or pip instead")
    return [line for line in lines if line]


def _solved(lock: Lock, backend: str, as_of: date | None) -> str:
    names = ["numpy", *(name for names in NEEDED[backend] for name in names)]
    main = ", ".join(f"{name} {lock.versions[name]}" for name in reversed(names) if name in lock.versions)
    until = f" as of {as_of}" if as_of else ""
    return f"{main} ({len(lock.versions)} packages{until}, {lock.target})"
