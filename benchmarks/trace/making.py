"""A run's trace, from what its parts have kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from trainband.benchmarks.backends.base import Adapter
from trainband.benchmarks.backends.signals import Signals, joined
from trainband.benchmarks.batches import BatchSource
from trainband.benchmarks.digests import array_digest
from trainband.benchmarks.evaluate import EvalResult
from trainband.benchmarks.run_spec import RunSpec
from trainband.benchmarks.setting_up import Inputs
from trainband.benchmarks.trace.files import Header, Trace
from trainband.benchmarks.trace.outcome import example_losses, top_classes
from trainband.benchmarks.trace.recorder import StateRecorder


def trace_of(
    spec: RunSpec,
    adapter: Adapter,
    source: BatchSource,
    recorder: StateRecorder,
    *,
    signals: Sequence[Signals],
    final: EvalResult | None,
    inputs: Inputs,
    planted: Mapping[str, str],
) -> Trace:
    """The trace of a run, or of a re-run, which has no evaluation."""
    every = joined(signals)
    return Trace(
        header=Header(
            run_id=spec.run_id,
            backend=spec.profile.backend,
            steps_per_epoch=source.steps_per_epoch,
            data=_data_digests(inputs),
            hyper_parameters=adapter.hyper_parameters(),
            evaluated=final.digest if final else "",
            examples=final.examples if final else 0,
            tensors=recorder.keys,
            generators=adapter.rng_state(),
            state_cpu_sec=recorder.cpu_sec,
            disturbed=tuple(recorder.disturbed),
            planted=planted,
        ),
        losses=every.losses,
        gradient_norms=every.gradient_norms,
        learning_rates=every.learning_rates,
        logits=every.logits,
        batches=np.array(source.fed_checksums[: len(every)], np.uint32),
        draws=np.array(source.draw_checksums[: len(every)], np.uint32),
        state_steps=np.array([state.step for state in recorder.states], np.int32),
        state_digests=np.stack([state.digests for state in recorder.states]),
        state_norms=np.stack([state.norms for state in recorder.states]),
        top_classes=top_classes(final.outputs, spec.model.loss) if final else np.zeros(0, np.uint16),
        example_losses=example_losses(final.outputs, final.targets, spec.model.loss)
        if final
        else np.zeros(0, np.float16),
    )


def _data_digests(inputs: Inputs) -> dict[str, str]:
    """Of each array as it was used; one that no fault touched was hashed when it was loaded."""
    stored = inputs.data
    return {
        name: stored.digests[name] if array is stored.arrays[name] else array_digest(array)
        for name, array in inputs.arrays.items()
    }
