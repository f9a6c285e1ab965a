"""Preparing data sets: each in a child process with a time limit, written aside, checked, then moved into the cache."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout

from trainband.benchmarks.data import sources
from trainband.benchmarks.data.cache import (
    CACHE_VARIABLE,
    MANIFEST,
    DataError,
    DataMissingError,
    cache_root,
    dataset_path,
    load,
    load_folder,
)
from trainband.benchmarks.data.child import Request
from trainband.benchmarks.data.spawn import run_child
from trainband.models.dataset_spec import Dataset
from trainband.models.datasets import dataset

TIME_LIMIT_SEC = 1800.0
Progress = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class PrepareResult:
    """What `prepare` did for one data set. `source` is None where the cache held it already."""

    name: str
    version: str
    outcome: Literal["cached", "prepared"]
    source: sources.Source | None
    path: Path
    digest: str
    seconds: float


class PreparationError(DataError):
    """Some data sets could not be prepared; `failures` has each one's message, `results` the others."""

    def __init__(self, failures: dict[str, str], results: list[PrepareResult]) -> None:
        super().__init__("\n".join(failures.values()))
        self.failures = failures
        self.results = results


def prepare(
    names: Iterable[str],
    *,
    mirror: str | Path | None = None,
    data_dir: str | Path | None = None,
    root: Path | None = None,
    force: bool = False,
    time_limit_sec: float = TIME_LIMIT_SEC,
    progress: Progress = lambda line: None,
) -> list[PrepareResult]:
    """Put the named data sets into the cache; those that are there and good stay as they are.

    Args:
      mirror: folder of original archives, a sub-folder a data set; `$TRAINBAND_DATA_MIRROR` when None.
      data_dir: a TFDS data_dir that is already prepared; `$TRAINBAND_DATA_DIR` when None.
      root: the cache's root; `cache_root()` when None.
      force: prepare again what is in the cache, good or not.
      time_limit_sec: for each data set, waiting for another preparation included.
      progress: takes a line of text at each stage.

    Raises:
      KeyError: a name is not in the catalog; nothing was done.
      DataError: `mirror` or `data_dir` is not a folder; nothing was done.
      PreparationError: at least one data set failed; the others were prepared.
    """
    rows = [dataset(name) for name in dict.fromkeys(names)]
    mirror = sources.named_folder(mirror, flag="--mirror", variable=sources.MIRROR_VARIABLE)
    data_dir = sources.named_folder(data_dir, flag="--data-dir", variable=sources.DATA_DIR_VARIABLE)
    root = cache_root() if root is None else root.absolute()
    results: list[PrepareResult] = []
    failures: dict[str, str] = {}
    for row in rows:
        if row.origin == "synthetic":
            failures[row.name] = f"data set {row.name!r} is drawn anew in each run: there is nothing to prepare"
            continue
        try:
            with _locked(row, root, time_limit_sec, progress):
                results.append(
                    _prepare_one(row, mirror, data_dir, root, force=force, limit=time_limit_sec, progress=progress)
                )
        except DataError as error:
            failures[row.name] = str(error)
        except OSError as error:
            failures[row.name] = (
                f"data set {row.name!r}: cannot write the cache {root} ({error}); set {CACHE_VARIABLE} to another folder"
            )
        if row.name in failures:
            progress(f"{row.name} {row.version}: failed")
    if failures:
        raise PreparationError(failures, results)
    return results


def _prepare_one(
    row: Dataset,
    mirror: Path | None,
    data_dir: Path | None,
    root: Path,
    *,
    force: bool,
    limit: float,
    progress: Progress,
) -> PrepareResult:
    """The work on one data set, under its lock."""
    started = time.monotonic()
    source = None
    digest = None if force else _cached_digest(row, root)
    if digest is None:
        source = sources.choose(row, mirror=mirror, data_dir=data_dir)
        progress(f"{row.name} {row.version}: preparing from {source}")
        digest = _prepare_from(row, source, root, limit)
    seconds = time.monotonic() - started
    progress(f"{row.name} {row.version}: " + (f"prepared in {seconds:.1f} s" if source else "already prepared"))
    return PrepareResult(
        name=row.name,
        version=row.version,
        outcome="prepared" if source else "cached",
        source=source,
        path=dataset_path(row, root),
        digest=digest,
        seconds=seconds,
    )


def _cached_digest(row: Dataset, root: Path) -> str | None:
    try:
        return load(row, root).digest
    except DataMissingError:
        return None


def _prepare_from(row: Dataset, source: sources.Source, root: Path, limit: float) -> str:
    folder = dataset_path(row, root)
    aside_prefix = f".{row.version}-"
    for abandoned in folder.parent.glob(f"{aside_prefix}*"):  # of a preparation that was killed: we hold the lock
        shutil.rmtree(abandoned)
    with tempfile.TemporaryDirectory(prefix=aside_prefix, dir=folder.parent) as aside:
        work, out = Path(aside, "work"), Path(aside, "out")
        work.mkdir()
        out.mkdir()
        request = Request(dataset=row, way=source.way, source=source.folder, work=work, out=out)
        run_child(request, log=folder.with_name(f"{row.version}.log"), limit=limit)
        digest = load_folder(row, out).digest
        _install(out, folder)
    return digest


def _install(aside: Path, folder: Path) -> None:
    """Move a checked data set into its place, whole; over an older one, file by file, each atomically.

    Both hold the content that the catalog names, or the older one was corrupt: a reader in between sees good files.
    """
    if not folder.exists():
        aside.rename(folder)
        return
    for path in sorted(aside.iterdir(), key=lambda path: path.name == MANIFEST):
        path.replace(folder / path.name)


@contextmanager
def _locked(row: Dataset, root: Path, limit: float, progress: Progress) -> Iterator[None]:
    """Hold the data set's lock, so that two preparations at once are one and a look into the cache."""
    folder = dataset_path(row, root)
    lock = FileLock(folder.with_name(f"{row.version}.lock"))
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        progress(f"{row.name} {row.version}: waiting for another preparation")
        try:
            lock.acquire(timeout=limit)
        except Timeout:
            raise DataError(
                f"data set {row.name!r}: another preparation held {lock.lock_file} for {limit:.0f} s; wait for it"
            ) from None
    try:
        yield
    finally:
        lock.release()
