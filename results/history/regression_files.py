"""The regressions of a store: `regressions/<id>.json`, one file each, replaced whole, under one lock for all writers."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from trainband.results.codec import CodecError, decode_document, encode
from trainband.results.files import atomic_write_text
from trainband.results.history.regressions import REGRESSION_VERSION, Regression, RegressionError
from trainband.results.index_rows import Problem
from trainband.results.layout import locked, safe_name
from trainband.results.store_errors import explained


@dataclass(frozen=True)
class RegressionFolder:
    """The folder `regressions` of the store at `store_root`; made when the first one is written."""

    store_root: Path

    @property
    def root(self) -> Path:
        return self.store_root / "regressions"

    def read(self, regression_id: str) -> Regression:
        """The regression of that id, or of the one id that begins so; raises RegressionError."""
        names = sorted(path.stem for path in self.root.glob("[!.]*.json"))
        found = [regression_id] if regression_id in names else [n for n in names if n.startswith(regression_id)]
        if len(found) != 1:
            known = ", ".join(names[-8:]) or "none"
            how_many = "several regressions begin" if found else "no regression begins"
            raise RegressionError(f"{how_many} with {regression_id!r}; there are {known}")
        try:
            return _read(self.root / f"{found[0]}.json")
        except CodecError as error:
            raise RegressionError(str(error)) from error

    def all(self) -> tuple[list[Regression], list[Problem]]:
        """Every regression, the newest alarm first, and the files that cannot be read."""
        found, problems = [], []
        for path in sorted(self.root.glob("[!.]*.json")):
            try:
                found.append(_read(path))
            except (OSError, CodecError) as error:
                problems.append(Problem(path=f"regressions/{path.name}", message=str(error)))
        return sorted(found, key=lambda each: (each.raised, each.regression_id), reverse=True), problems

    def add(self, regression: Regression) -> Regression:
        """File a new one; where its alarm is filed already, what stands there is kept and returned."""
        with self.writing():
            path = self._path(regression)
            if path.exists():
                return self.read(regression.regression_id)
            self._write(path, regression)
        return regression

    def replace(self, regression: Regression) -> None:
        """Write the newer form of one that is filed; to be called while `writing`, after it was read."""
        self._write(self._path(regression), regression)

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Nobody else writes meanwhile; raises StoreError."""
        with explained("write the regressions in", self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            lock = locked(self.root / "lock")
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def _path(self, regression: Regression) -> Path:
        return self.root / f"{safe_name('regression_id', regression.regression_id)}.json"

    def _write(self, path: Path, regression: Regression) -> None:
        with explained("write", path):
            atomic_write_text(path, regression_to_json(regression))


def regression_to_json(regression: Regression) -> str:
    """The regression as its file's text."""
    return json.dumps(encode(regression), indent=1, sort_keys=True, allow_nan=False) + "\n"


def regression_from_json(text: str) -> Regression:
    """The regression in `text`; raises CodecError."""
    return decode_document(Regression, text, name="regression", version=REGRESSION_VERSION)


def _read(path: Path) -> Regression:
    try:
        found = regression_from_json(path.read_text(encoding="utf-8"))
    except (CodecError, UnicodeDecodeError) as error:
        raise CodecError(f"{path}: {error}") from error
    if found.regression_id != path.stem:
        raise CodecError(f"{path}: regression_id = {found.regression_id!r}: the file has another name")
    return found
