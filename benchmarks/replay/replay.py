"""Training a stored run again, as its own spec says, in its own environment."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from trainband.benchmarks.bands_on_disk import BandFolder
from trainband.benchmarks.cells import Cell
from trainband.benchmarks.diff.refine import Side
from trainband.benchmarks.environments.recorded import Source
from trainband.benchmarks.replay.receipt import Receipt, make_receipt, receipt_to_json
from trainband.benchmarks.run_spec import RECEIPT_FILE, TRACE_FILE, RunSpec
from trainband.benchmarks.runner import Runner, RunRequest, Transplant
from trainband.benchmarks.trace.files import read_trace
from trainband.results.records import Record


class ReplayError(RuntimeError):
    """The run was trained again, and that failed; its record is in the store."""


def cell_of(spec: RunSpec) -> Cell:
    """The cell as it was when the run was recorded; the catalog may have another today."""
    return Cell(model=spec.model, recipe=spec.recipe, profile=spec.profile)


@dataclass(kw_only=True)
class Replayer:
    """Trains runs again and gives receipts; the runner's environment is the recorded one.

    Attributes:
      source: where that environment was found.
    """

    runner: Runner
    bands: BandFolder
    source: Source

    def replay(self, recorded: Side, spec: RunSpec) -> tuple[Record, Receipt]:
        """Train `spec` of the run `recorded`, and store the new run with its receipt.

        Raises:
          ReplayError: the training failed.
        """
        cell = cell_of(spec)
        band = self.bands.read(cell.model.name, cell.recipe.tier)
        receipts: list[Receipt] = []

        def add_receipt(record: Record, folder: Path) -> None:
            if record.failure is not None:
                return
            again = Side(folder=folder, record=record, trace=read_trace(folder / TRACE_FILE))
            receipts.append(make_receipt(recorded, again, band, self.source))
            (folder / RECEIPT_FILE).write_text(receipt_to_json(receipts[0]), encoding="utf-8")

        request = RunRequest(
            cell=cell,
            seed=spec.seed,
            seed_role="pinned",
            faults=spec.faults,
            factor_seeds=spec.factor_seeds,
            transplant=_transplant(recorded, spec),
            recorded=replace(spec, cores=cores_here(spec.cores)),
        )
        record = self.runner.run(request, add_receipt)
        if record.failure is not None:
            raise ReplayError(
                f"run {recorded.record.run_id} trained again as {record.run_id}: {record.failure.message}"
            )
        return record, receipts[0]


def _transplant(recorded: Side, spec: RunSpec) -> Transplant | None:
    donor = recorded.record.initial_weights_from
    return Transplant(run_id=donor, weights=Path(spec.initial_weights)) if donor and spec.initial_weights else None


def cores_here(recorded: tuple[int, ...] | None) -> tuple[int, ...] | None:
    """As many cores as the run was bound to, the same ones where this process may use them; None where it was not."""
    if recorded is None or not hasattr(os, "sched_getaffinity"):
        return None
    usable = sorted(os.sched_getaffinity(0))
    return recorded if set(recorded) <= set(usable) else tuple(usable[-len(recorded) :])
