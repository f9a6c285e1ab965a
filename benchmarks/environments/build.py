"""A lock as an environment on disk: built aside, moved into place whole, and built once."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import filelock

from trainband.benchmarks.environments.locks import LOCK_FILE, Lock
from trainband.benchmarks.environments.uv import EnvironmentFailure, run_uv


def build(lock: Lock, python: str, *, cache_root: Path, on_build: Callable[[], None] = lambda: None) -> str:
    """The path of the interpreter of the environment that `lock` describes, under `cache_root`.

    Args:
      python: the interpreter to make it from, the one that the lock was solved for.
      on_build: called once where nothing built before can be taken.

    Raises:
      EnvironmentFailure: a package cannot be had or is not what the lock says, or the disk refuses.
    """
    root = cache_root / "environments"
    target = root / lock.key
    try:
        root.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(root / f"{lock.key}.lock"):
            if not _interpreter(target).exists():  # nothing is there, or the Python that it was made from is gone
                on_build()
                shutil.rmtree(target, ignore_errors=True)
                _build_aside(lock, python, target)
    except OSError as error:
        raise EnvironmentFailure(f"cannot build an environment in {root}: {error}") from error
    return str(_interpreter(target))


def _build_aside(lock: Lock, python: str, target: Path) -> None:
    """Build beside `target`, and move it there when it is complete."""
    partial = target.with_name(f"{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)  # of a process that was killed
    try:
        # Relocatable: the scripts of packages must not name the path that it is built at.
        flags = ("--quiet", "--relocatable", "--no-project", f"--python={python}")
        run_uv("venv", *flags, str(partial), doing="cannot make an environment")
        file = partial / LOCK_FILE
        file.write_text(lock.text, encoding="utf-8")
        # Bytecode now: the first import of a framework takes twice as long without.
        flags = ("--require-hashes", "--no-deps", "--compile-bytecode", f"--python={_interpreter(partial)}")
        run_uv("pip", "install", "--quiet", *flags, "-r", str(file), doing="cannot install the locked packages")
        partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _interpreter(folder: Path) -> Path:
    return folder / "bin" / "python"
