"""The child: reads its spec, trains, writes its answer, exits. It does nothing else.

`python -m trainband.benchmarks.worker FOLDER` trains what `FOLDER/spec.json` says.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from trainband.benchmarks.data.cache import DataError
from trainband.benchmarks.faults.fault import NO_PLACE, NoPlace
from trainband.benchmarks.faults.registry import planted
from trainband.benchmarks.run_spec import (
    ANSWER_FILE,
    INITIAL_FILE,
    SPEC_FILE,
    TRACE_FILE,
    Answer,
    RunSpec,
    spec_from_json,
    to_json,
)
from trainband.platforms.device_report import framework_build_info
from trainband.results.records import Failure

if TYPE_CHECKING:
    from trainband.benchmarks.trace.files import Trace

_PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int) -> None:
    """Ask the kernel to kill this process when `parent` ends; exits at once if it already has."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def train_folder(folder: Path) -> None:
    """Train what the folder's spec says and write the answer beside it.

    Failures that have a name become answers; anything else is a crash, whose traceback is in the log.
    """
    spec = spec_from_json((folder / SPEC_FILE).read_text(encoding="utf-8"))
    for fault in planted(spec.faults):
        fault.process(str(folder))
    answer = _train(spec, folder)
    partial = folder / (ANSWER_FILE + ".partial")
    partial.write_text(to_json(answer), encoding="utf-8")
    partial.replace(folder / ANSWER_FILE)


def _train(spec: RunSpec, folder: Path) -> Answer:
    from trainband.benchmarks.backends.base import BackendError, create_adapter
    from trainband.benchmarks.checkpoints import CheckpointError
    from trainband.benchmarks.measure import measure
    from trainband.benchmarks.setting_up import read_inputs
    from trainband.benchmarks.trace.rerun import rerun

    cores = limit_cores(spec)
    try:
        inputs = read_inputs(spec, planted(spec.faults))
        adapter = create_adapter(inputs.profile, inputs.recipe, loss=spec.model.loss)
        if spec.zoom is not None:
            from trainband.benchmarks.zoom.child import zoom

            zoom(spec, adapter, inputs, folder)
            return Answer(run_id=spec.run_id, versions=adapter.versions(), rerun=True)
        if spec.builds is not None:
            from trainband.benchmarks.gate.builds_child import write_builds

            write_builds(spec, spec.builds, adapter, folder)
            return Answer(run_id=spec.run_id, versions=adapter.versions(), rerun=True)
        if spec.timing is not None:
            from trainband.benchmarks.gate.timing_child import time_blocks

            time_blocks(spec, spec.timing, adapter, inputs)
            return Answer(run_id=spec.run_id, versions=adapter.versions(), rerun=True)
        if spec.window is not None:
            _write_trace(folder, rerun(spec, adapter, inputs))
            return Answer(run_id=spec.run_id, versions=adapter.versions(), rerun=True)
        result = measure(spec, adapter, inputs, cores=cores)
    except DataError as error:
        return Answer(run_id=spec.run_id, failure=Failure(kind="data", message=str(error)))
    except BackendError as error:
        return Answer(run_id=spec.run_id, failure=Failure(kind="backend", message=str(error)))
    except NoPlace as error:
        return Answer(run_id=spec.run_id, failure=Failure(kind=NO_PLACE, message=str(error)))
    except CheckpointError as error:
        return Answer(run_id=spec.run_id, failure=Failure(kind="checkpoint", message=str(error)))
    except MemoryError as error:
        return Answer(run_id=spec.run_id, failure=Failure(kind="memory", message=str(error) or "out of memory"))
    _write_trace(folder, result.trace)
    if result.initial_weights is not None:
        from trainband.benchmarks.weights_file import write_weights

        write_weights(folder / INITIAL_FILE, [entry.name for entry in adapter.variables], result.initial_weights)
    return Answer(
        run_id=spec.run_id,
        versions=result.versions,
        build_info=framework_build_info(spec.profile.backend),
        measurement=result.measurement,
    )


def _write_trace(folder: Path, trace: Trace) -> None:
    from trainband.benchmarks.trace.files import write_trace

    with open(folder / TRACE_FILE, "wb") as file:
        write_trace(file, trace)


def limit_cores(spec: RunSpec) -> int:
    """Bind this process to the spec's cores, so that every library's pool is that small; returns their number."""
    threads = spec.profile.threads
    if not hasattr(os, "sched_getaffinity"):
        return threads or os.cpu_count() or 1
    usable = sorted(os.sched_getaffinity(0))
    chosen = spec.cores or (usable[-threads:] if threads else usable)
    os.sched_setaffinity(0, chosen)
    return len(chosen)


def main(arguments: list[str]) -> int:
    """Entry of the stand-alone child."""
    die_with_parent(os.getppid())
    train_folder(Path(arguments[1]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
