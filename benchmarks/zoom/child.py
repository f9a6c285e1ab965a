"""The child's part of a zoom: train up to a step, take it layer by layer, and feed the layers with the reference's inputs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from trainband.benchmarks.backends.base import Adapter
from trainband.benchmarks.run_spec import (
    OWN_FILE,
    REFERENCE_FILE,
    SUBSTITUTED_FILE,
    TRACE_FILE,
    RunSpec,
    Zoom,
)
from trainband.benchmarks.setting_up import Feed, Inputs, build, plant
from trainband.benchmarks.trace.files import write_trace
from trainband.benchmarks.trace.recorder import StateRecorder
from trainband.benchmarks.trace.rerun import rerun
from trainband.benchmarks.zoom.dump import Reference, read_reference, write_reference, write_tensors
from trainband.benchmarks.zoom.own_step import StepLook
from trainband.benchmarks.zoom.substitution import substitute

EVALUATED_ROWS = 64


def zoom(spec: RunSpec, adapter: Adapter, inputs: Inputs, folder: Path) -> None:
    """Write what the spec asks for into `folder`; `adapter` is not built yet."""
    if spec.zoom is None or spec.window is None:
        raise ValueError(f"run {spec.run_id}: a zoom needs a step")
    reference = read_reference(Path(spec.zoom.reference)) if spec.zoom.reference else None
    if spec.zoom.own:
        own = _own_step(spec, spec.zoom, adapter, inputs, folder, reference)
        reference = reference or own
    else:
        build(spec, adapter)
        plant(adapter, inputs.faults)
    if reference is None:
        raise ValueError(f"run {spec.run_id}: nothing to be looked at")
    write_tensors(folder / SUBSTITUTED_FILE, substitute(adapter, reference))


def _own_step(
    spec: RunSpec, asked: Zoom, adapter: Adapter, inputs: Inputs, folder: Path, reference: Reference | None
) -> Reference:
    looks: list[StepLook] = []
    step = spec.window[1] if spec.window else 0

    def watch(recorder: StateRecorder, feed: Feed) -> StepLook:
        rows, _ = feed.evaluated(inputs.evaluated)
        evaluated = next(rows.evaluated(min(EVALUATED_ROWS, len(rows))))[0]
        kept = reference.rows if reference is not None else None
        look = StepLook(adapter, recorder, batch=feed.batch(step), evaluated=np.asarray(evaluated), rows=kept)
        if step == 0:
            look.look()
        looks.append(look)
        return look

    trace = rerun(spec, adapter, inputs, watch=watch)
    with open(folder / TRACE_FILE, "wb") as file:
        write_trace(file, trace)
    (look,) = looks
    if look.figures is None:
        raise ValueError(f"run {spec.run_id}: training ended before step {step}")
    write_tensors(folder / OWN_FILE, [*look.figures.tensors, *look.updates])
    write_reference(folder / REFERENCE_FILE, look.figures.reference)
    return look.figures.reference
