"""Every fault by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from trainband.benchmarks.diff.stages import STAGES
from trainband.benchmarks.faults import data, evaluation, gross, layers, loop, process
from trainband.benchmarks.faults.fault import Fault

_ROWS = (*gross.ROWS, *data.ROWS, *layers.ROWS, *loop.ROWS, *evaluation.ROWS, *process.ROWS)
FAULTS: Mapping[str, Fault] = {fault.name: fault for fault in _ROWS}


def planted(names: Sequence[str]) -> tuple[Fault, ...]:
    """The faults called `names`; raises ValueError with the names that there are."""
    for name in names:
        if name not in FAULTS:
            raise ValueError(f"no fault {name!r}; there are {', '.join(FAULTS)}")
    return tuple(FAULTS[name] for name in names)


def audited() -> tuple[Fault, ...]:
    """The faults of the audit, stage by stage."""
    return tuple(fault for stage in STAGES for fault in FAULTS.values() if fault.stage == stage)
