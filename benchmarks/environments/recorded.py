"""The environment that a run was recorded with: where it still stands, or built again from what the run kept."""

from __future__ import annotations

import hashlib
import platform
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from trainband.benchmarks.environments.build import build
from trainband.benchmarks.environments.locks import LOCK_FILE, Lock, pin, target_of
from trainband.benchmarks.environments.uv import EnvironmentFailure, run_uv
from trainband.platforms.interpreters import InterpreterError, describe_interpreter
from trainband.results.files import atomic_write_text
from trainband.results.records import Record

Source = Literal["recorded", "present", "rebuilt"]


@dataclass(frozen=True, kw_only=True)
class RecordedEnvironment:
    """Where a run can be trained again.

    Attributes:
      python: path of the interpreter.
      source: the interpreter that the run names, the one that runs this, or one that was built from a lock.
      lock: the lock's text where there is one.
    """

    python: str
    source: Source
    lock: str | None = None


def recorded_environment(
    record: Record,
    folder: Path,
    *,
    cache_root: Path,
    rebuild: bool = False,
    on_build: Callable[[], None] = lambda: None,
) -> RecordedEnvironment:
    """An environment with the packages of `record`, version for version.

    Args:
      folder: the run's, in which its lock may lie.
      rebuild: build it even where it still stands.

    Raises:
      EnvironmentFailure: it stands nowhere, and a package, or the version of Python, cannot be had any more.
    """
    held = folder / LOCK_FILE
    lock = Lock(held.read_text(encoding="utf-8")) if held.exists() else None
    text = lock.text if lock else None
    named = str(record.fingerprint["python"]["executable"])
    if not rebuild and _holds(named, record):
        return RecordedEnvironment(python=named, source="recorded", lock=text)
    if not rebuild and _holds(sys.executable, record):
        return RecordedEnvironment(python=sys.executable, source="present", lock=text)
    base = python_like(str(record.fingerprint["python"]["version"]))
    if lock is None or lock.target != target_of(base):
        lock = _pinned(record, base, cache_root)
    python = build(lock, base, cache_root=cache_root, on_build=on_build)
    return RecordedEnvironment(python=python, source="rebuilt", lock=lock.text)


def packages_of(fingerprint: Mapping[str, Any]) -> dict[str, str]:
    """Name -> version of all that the interpreter had; trainband is left out, whose code a child gets otherwise."""
    return {name: version for name, version in fingerprint["distributions"].items() if name != "trainband"}


def python_like(version: str) -> str:
    """Path of a Python of this `version`, or at least of its minor version; raises EnvironmentFailure."""
    minor, here = version.rpartition(".")[0], platform.python_version()
    if here == version:
        return sys.executable
    try:
        return _find_python(version)
    except EnvironmentFailure:
        if here.startswith(f"{minor}."):
            return sys.executable
    try:
        return _find_python(minor)
    except EnvironmentFailure as error:
        raise EnvironmentFailure(
            f"it was recorded under Python {version}, and there is none of {minor} here: {error}"
        ) from error


def _find_python(version: str) -> str:
    words = ("python", "find", "--system", "--no-project", version)
    return run_uv(*words, doing=f"uv finds no Python {version}").strip()


def _holds(python: str, record: Record) -> bool:
    """Whether the interpreter is there, with the Python and the packages of the record."""
    try:
        found = describe_interpreter(None if python == sys.executable else python)
    except InterpreterError:
        return False
    packages = {name: version for name, version in found.distributions.items() if name != "trainband"}
    return (found.version, packages) == (record.fingerprint["python"]["version"], packages_of(record.fingerprint))


def _pinned(record: Record, python: str, cache_root: Path) -> Lock:
    """The lock of the record's packages; kept, so that what was built once is found again without a network."""
    rows = [f"{name}=={version}" for name, version in sorted(packages_of(record.fingerprint).items())]
    digest = hashlib.sha256("\n".join([target_of(python), *rows]).encode()).hexdigest()[:24]
    kept = cache_root / "environments" / f"{digest}.txt"
    try:
        if kept.exists():
            return Lock(kept.read_text(encoding="utf-8"))
        lock = pin(rows, python)
        kept.parent.mkdir(parents=True, exist_ok=True)
        atomic_write_text(kept, lock.text)
    except OSError as error:
        raise EnvironmentFailure(f"cannot keep the lock of run {record.run_id} in {kept}: {error}") from error
    return lock
