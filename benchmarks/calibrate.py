"""Calibration: many seeds of one cell, the evidence written after each, and the band that follows from it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from trainband.benchmarks.cells import Cell
from trainband.benchmarks.host_lock import host_lock
from trainband.benchmarks.judging import now_utc
from trainband.benchmarks.runner import RunRequest
from trainband.benchmarks.seeds import calibration_seed
from trainband.benchmarks.side_by_side import SideBySide
from trainband.results.band_files import read_band, write_band
from trainband.results.bands import Band, band_from_evidence
from trainband.results.evidence import Evidence, add_sample, start_evidence
from trainband.results.records import Measurement, Record
from trainband.results.store import Store

CONTENDED = "calibrated with --jobs={jobs}: runs side by side"


class CalibrationError(RuntimeError):
    """A calibration run that gives no value; the message names the run and why."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """What to calibrate, and where its evidence lies.

    Attributes:
      seeds: calibration seeds wanted in all, those of an earlier attempt included.
      jobs: one-thread runs at once; above 1 their speed is marked as contended.
      path: the band file.
      on_void: told where evidence is kept that does not hold any more.
    """

    cell: Cell
    seeds: int
    jobs: int
    path: Path
    store: Store
    cache_root: Path
    python: str
    time_limit_sec: float | None = None
    on_wait: Callable[[], None] = lambda: None
    on_void: Callable[[Path], None] = lambda kept: None

    def run(self, on_run: Callable[[Record, Band], None] = lambda record, band: None) -> Band:
        """Train the seeds that the evidence lacks, and write the band after each.

        Evidence of another recipe, data set or structure is void: it is kept aside, and begun anew by the first run that
        differs. Where every seed is there already, the first is trained again to see that the evidence still holds.

        Raises:
          CalibrationError: a run failed, or the evidence is of another profile; what was recorded before stands.
        """
        wanted = [calibration_seed(index) for index in range(self.seeds)]
        with host_lock(self.on_wait):
            band = read_band(self.path) if self.path.exists() else None
            self._check_profile(band)
            band = self._extended(band, _lacking(band, wanted) or wanted[:1], on_run)
            band = self._extended(band, _lacking(band, wanted), on_run)
        if band is None:
            raise CalibrationError(f"--seeds={self.seeds}: nothing to calibrate")
        return self._current(band)

    def _current(self, band: Band) -> Band:
        """`band`, computed anew where metrics or smallest drops were declared otherwise since its last seed."""
        current = self._band(band.evidence)
        if replace(current, created=band.created) == band:
            return band
        write_band(self.path, current)
        return current

    def _band(self, evidence: Evidence) -> Band:
        return band_from_evidence(evidence, self.cell.model.metrics, self.cell.recipe.smallest_drop, now_utc())

    def _check_profile(self, band: Band | None) -> None:
        if band is not None and band.evidence.profile != self.cell.profile.name:
            cell = f"{band.model}:{band.tier}"
            raise CalibrationError(
                f"{self.path} holds evidence of {cell}@{band.evidence.profile}, and one band has one profile: "
                f"calibrate {cell}@{band.evidence.profile}, move the file away, or name another folder with --bands"
            )

    def _extended(self, band: Band | None, seeds: Sequence[int], on_run: Callable[[Record, Band], None]) -> Band | None:
        """`band` with the runs of `seeds` added, from its first run on where the evidence is void."""
        for record in self._train(seeds):
            if band is not None and not _holds(band, record):
                self.on_void(_kept_aside(self.path))
                band = None
            if _lacking(band, [record.seed]):
                band = self._add(band, record)
                write_band(self.path, band)
                on_run(record, band)
        return band

    def _add(self, band: Band | None, record: Record) -> Band:
        _measurement(record)
        recipe = self.cell.recipe
        evidence: Evidence = band.evidence if band else start_evidence(record, published=recipe.published)
        framework = record.fingerprint.get("framework", {})
        try:
            evidence = add_sample(
                evidence,
                record,
                versions=framework.get("versions", {}),
                host=_host_facts(record),
                jobs=self.jobs,
            )
        except ValueError as error:
            raise CalibrationError(f"no evidence can be taken from this run: {error}") from error
        return self._band(evidence)

    def _train(self, seeds: Sequence[int]) -> Iterator[Record]:
        """The records of `seeds`, as they come."""
        requests = [RunRequest(cell=self.cell, seed=seed, seed_role="calibration") for seed in seeds]
        with SideBySide(
            store=self.store,
            cache_root=self.cache_root,
            python=self.python,
            jobs=self.jobs,
            contended=CONTENDED.format(jobs=self.jobs),
            time_limit_sec=self.time_limit_sec,
        ) as runners:
            yield from runners.records(requests)


def _kept_aside(path: Path) -> Path:
    """Moves a band file away from where bands are looked for, and returns its new path."""
    numbers = (f".void{number}" for number in itertools.count(1))
    target = next(kept for number in numbers if not (kept := path.with_name(path.name + number)).exists())
    return path.rename(target)


def _lacking(band: Band | None, seeds: Sequence[int]) -> list[int]:
    """Those of `seeds` that the evidence does not have."""
    have = {sample.seed for sample in band.evidence.samples} if band else set()
    return [seed for seed in seeds if seed not in have]


def _holds(band: Band, record: Record) -> bool:
    measurement = _measurement(record)
    evidence = band.evidence
    return (evidence.recipe_hash, evidence.data_digest) == (measurement.recipe_hash, measurement.data.digest)


def _measurement(record: Record) -> Measurement:
    if record.measurement is None:
        failure = record.failure
        raise CalibrationError(
            f"calibration seed {record.seed} of {record.cell} failed (run {record.run_id}): "
            f"{failure.message if failure else record.outcome}"
        )
    return record.measurement


def _host_facts(record: Record) -> dict[str, object]:
    cpu = record.fingerprint.get("cpu", {})
    return {name: cpu.get(name) for name in ("model_name", "usable_cores") if name in cpu}
