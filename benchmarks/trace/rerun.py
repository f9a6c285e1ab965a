"""A run trained again up to a step, its state looked at after each step of a window."""

from __future__ import annotations

from collections.abc import Callable

from trainband.benchmarks.backends.base import Adapter
from trainband.benchmarks.run_spec import RunSpec
from trainband.benchmarks.setting_up import Feed, Inputs, build, plant
from trainband.benchmarks.trace.files import Trace
from trainband.benchmarks.trace.making import trace_of
from trainband.benchmarks.trace.recorder import StateRecorder
from trainband.benchmarks.train import Loop, Observer


def rerun(
    spec: RunSpec,
    adapter: Adapter,
    inputs: Inputs,
    *,
    watch: Callable[[StateRecorder, Feed], Observer] = lambda recorder, feed: recorder,
) -> Trace:
    """The trace of the spec's steps up to the last of its window; `adapter` is not built yet.

    `watch` gives the observer of the steps, which tells the recorder of each.
    """
    if spec.window is None:
        raise ValueError(f"run {spec.run_id}: a re-run needs a window of steps")
    first, last = spec.window
    build(spec, adapter)
    planted = plant(adapter, inputs.faults)
    feed = Feed(spec, adapter, inputs)
    source = feed.source()
    recorder = StateRecorder(adapter, steps_per_epoch=source.steps_per_epoch, window=range(first, last + 1))
    recorder.observe()
    loop = Loop(adapter, source, observer=watch(recorder, feed))
    for epoch in range(last // source.steps_per_epoch + 1):
        loop.epoch(epoch, last=last)
        if loop.progress.diverged_at_step is not None:
            break
    return trace_of(
        spec, adapter, source, recorder, signals=loop.progress.signals, final=None, inputs=inputs, planted=planted
    )
