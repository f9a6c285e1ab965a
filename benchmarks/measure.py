"""One run from its spec to its measurement: data, model, training, evaluation, figures."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from trainband.benchmarks.backends.base import Adapter
from trainband.benchmarks.checkpoints import Checkpoint, Part, Place, read_checkpoint, refuse_other
from trainband.benchmarks.device_load import DeviceLoad
from trainband.benchmarks.evaluate import EvalResult, evaluate
from trainband.benchmarks.host_load import LoadSample, contention
from trainband.benchmarks.keeping import CheckpointKeeper, Moving, put_back, taken
from trainband.benchmarks.run_spec import RunSpec, recipe_hash
from trainband.benchmarks.setting_up import Feed, Inputs, build, plant, weights_digest
from trainband.benchmarks.throughput_figures import throughput_of
from trainband.benchmarks.trace.files import Trace
from trainband.benchmarks.trace.making import trace_of
from trainband.benchmarks.trace.recorder import StateRecorder
from trainband.benchmarks.train import Loop
from trainband.models.metrics import Metric
from trainband.results.records import (
    CurvePoint,
    DataIdentity,
    Evaluation,
    Measurement,
    MetricValue,
    Quality,
    Throughput,
    Weights,
)


@dataclass(frozen=True, kw_only=True)
class Result:
    """A measurement, its trace, and the versions of what computed.

    Attributes:
      initial_weights: of a stock recipe, which nobody can draw again without the framework; None otherwise.
    """

    measurement: Measurement
    versions: Mapping[str, str]
    trace: Trace
    initial_weights: Sequence[np.ndarray] | None = None


def measure(spec: RunSpec, adapter: Adapter, inputs: Inputs, *, cores: int) -> Result:
    """Train and evaluate.

    Args:
      adapter: constructed and not yet built.
      cores: cores this process may use, for the share of stolen time.

    Raises:
      BackendError: the model does not lie on the profile's device.
      CheckpointError: the spec's checkpoint cannot be gone on from.
    """
    return _Run(spec, adapter, inputs, cores).result()


class _Run:
    """The state of `measure`, so that its parts need not pass a dozen values around."""

    def __init__(self, spec: RunSpec, adapter: Adapter, inputs: Inputs, cores: int) -> None:
        self.spec, self.adapter, self.inputs, self.cores = spec, adapter, inputs, cores
        self.metrics: tuple[Metric, ...] = spec.model.judged_by(spec.tier)
        self.device_load = DeviceLoad(spec.profile)
        self.eval_sec: list[float] = []
        self.curve: list[CurvePoint] = []

    def result(self) -> Result:
        adapter = self.adapter
        self.peak_before = adapter.matmul_flops_per_sec()
        build(self.spec, adapter)
        self.recipe_hash = recipe_hash(self.spec.model, self.spec.recipe, adapter.structure())
        self.planted = plant(adapter, self.inputs.faults)
        self.initial_weights = adapter.weights() if self.inputs.recipe.stock else None
        self.feed = Feed(self.spec, adapter, self.inputs)
        self.source = self.feed.source()
        self.recorder = StateRecorder(adapter, steps_per_epoch=self.source.steps_per_epoch)
        keeping = self.spec.keeping
        self.keeper = CheckpointKeeper(Path(keeping.path), keeping.every_sec, self._checkpoint) if keeping else None
        self.loop = Loop(adapter, self.source, observer=self.recorder, keeper=self.keeper)
        self.began = self._begin()
        self.startup_sec = self.began.startup_sec + time.time() - self.spec.submitted_at - sum(self.eval_sec)
        self.load_before = LoadSample.now()
        with self.device_load:
            self._train()
        contended = self._contended()
        weights = Weights(
            initial_digest=self.began.initial_digest,
            final_digest=weights_digest(adapter),
            parameters=self._parameters(),
        )
        final = self._final_evaluation()
        quality = self._quality(self.began.untrained, final)
        if self.loop.progress.diverged_at_step is None:
            contended += self._watched(lambda: self.loop.extra(self.feed.source(), self.inputs.recipe.epochs))
        return self._result(quality, weights, self._throughput(contended), self._trace(final))

    @property
    def moving(self) -> Moving:
        return Moving(adapter=self.adapter, source=self.source, recorder=self.recorder, loop=self.loop)

    def _begin(self) -> Place:
        """Where this process begins: before the first step, or where an earlier one left a checkpoint."""
        keeping = self.spec.keeping
        content = {"recipe hash": self.recipe_hash, "data digest": self.inputs.data.digest}
        if keeping is not None and Path(keeping.path).exists():
            return self._go_on(Path(keeping.path), {**keeping.identity, **content})
        initial = weights_digest(self.adapter)
        self.recorder.observe()
        return Place(
            identity=keeping.identity if keeping else {},
            content=content,
            initial_digest=initial,
            untrained=self._evaluate().metrics,
        )

    def _go_on(self, path: Path, identity: Mapping[str, str]) -> Place:
        found = read_checkpoint(path)
        place = found.place
        refuse_other(path, {**place.identity, **place.content}, identity)
        put_back(found, self.moving)
        self.curve = list(place.curve)
        return replace(place, resumed_at_steps=(*place.resumed_at_steps, place.step))

    def _checkpoint(self) -> Checkpoint:
        place = replace(
            self.began,
            parts=self._parts(),
            curve=tuple(self.curve),
            contended=self._contended(),
            startup_sec=self.startup_sec,
        )
        return taken(place, self.moving)

    def _parts(self) -> tuple[Part, ...]:
        own = Part(first_step_sec=self.loop.progress.first_step_sec, eval_sec=tuple(self.eval_sec))
        return (*self.began.parts, own)

    def _contended(self) -> tuple[str, ...]:
        """Why the throughput of the training so far would not count."""
        return self.began.contended + contention(self.load_before, LoadSample.now(), self.cores)

    def _watched(self, timed: Callable[[], None]) -> tuple[str, ...]:
        """Why the throughput of what `timed` does would not count."""
        before = LoadSample.now()
        timed()
        return contention(before, LoadSample.now(), self.cores)

    def _train(self) -> None:
        recipe, progress, length = self.inputs.recipe, self.loop.progress, self.source.steps_per_epoch
        for epoch in range(len(progress.losses) // length, recipe.epochs):
            self.loop.epoch(epoch, first=len(progress.losses) - epoch * length)
            if progress.diverged_at_step is not None or epoch + 1 == recipe.epochs:
                break
            if (epoch + 1) % recipe.eval_every_epochs == 0:
                self._curve_point(epoch + 1, epoch * length, self._evaluate().metrics)
            if self.keeper is not None and self.keeper.due():
                self.keeper.keep()
        self.loop.finish()

    def _curve_point(self, epoch: int, since: int, metrics: Mapping[str, float]) -> None:
        losses = self.loop.progress.losses
        mean = float(np.mean(losses[since:])) if len(losses) > since else None
        self.curve.append(CurvePoint(epoch=epoch, step=len(losses), train_loss=mean, metrics=dict(metrics)))

    def _evaluate(self, *, split: str = "test", with_digest: bool = False) -> EvalResult:
        start = time.perf_counter()
        result = evaluate(
            self.adapter.eval_step,
            *self.feed.evaluated(split),
            self.metrics,
            targets_are_inputs=self.adapter.targets_are_inputs,
            with_digest=with_digest,
        )
        self.eval_sec.append(time.perf_counter() - start)
        self.recorder.evaluated(len(self.loop.progress.losses) - 1)
        return result

    def _final_evaluation(self) -> EvalResult:
        for fault in self.inputs.faults:
            if fault.restarts_before_evaluation:
                self.adapter.initialize(self.spec.seeds.initial_weights)
            if fault.weights_at_evaluation is not None:
                rows = zip(self.adapter.variables, self.adapter.weights(), strict=True)
                self.adapter.assign([fault.weights_at_evaluation(entry.role, value) for entry, value in rows])
        return self._evaluate(split=self.inputs.evaluated, with_digest=True)

    def _quality(self, untrained: Mapping[str, float], final: EvalResult) -> Quality:
        epochs = len(self.loop.progress.losses) / self.source.steps_per_epoch
        self._curve_point(round(epochs), self.curve[-1].step if self.curve else 0, final.metrics)
        zero = CurvePoint(epoch=0, step=0, train_loss=None, metrics=untrained)
        return Quality(
            metrics={
                metric.name: MetricValue(
                    value=final.metrics[metric.name],
                    unit=metric.unit,
                    direction=metric.direction,
                    aggregation=metric.aggregation,
                )
                for metric in self.metrics
            },
            untrained=untrained,
            evaluation=Evaluation(digest=final.digest, examples=final.examples),
            curve=(zero, *self.curve),
            diverged_at_step=self.loop.progress.diverged_at_step,
        )

    def _throughput(self, contended: tuple[str, ...]) -> Throughput:
        return throughput_of(
            self.loop,
            self.adapter,
            batch=self.inputs.recipe.batch_size,
            peak_before=self.peak_before,
            parts=self._parts(),
            startup_sec=self.startup_sec,
            device_utilization=self.device_load.mean,
            contended=contended,
        )

    def _result(self, quality: Quality, weights: Weights, throughput: Throughput, trace: Trace) -> Result:
        progress = self.loop.progress
        data = self.inputs.data
        dataset = data.dataset
        steps = len(progress.losses)
        measurement = Measurement(
            quality=quality,
            throughput=throughput,
            weights=weights,
            planned_examples=self.spec.planned_examples,
            trained_examples=self.moving.examples,
            steps=steps,
            batches_digest=self.source.digest(steps),
            first_loss=progress.losses[0],
            data=DataIdentity(
                name=dataset.name,
                digest=data.digest,
                train_digest=data.split_digests["train"],
                test_digest=data.split_digests["test"],
                n_train=len(self.inputs.arrays["train_inputs"]),
                n_test=dataset.n_test,
                shared_rows=self.inputs.shared,
                shared_rows_expected=dataset.shared_rows,
            ),
            recipe_hash=self.recipe_hash,
            device=self.adapter.device(),
            resumed_at_steps=self.began.resumed_at_steps,
        )
        return Result(
            measurement=measurement,
            versions={**self.feed.train.versions(), **self.adapter.versions()},
            trace=trace,
            initial_weights=self.initial_weights,
        )

    def _trace(self, final: EvalResult) -> Trace:
        return trace_of(
            self.spec,
            self.adapter,
            self.source,
            self.recorder,
            signals=self.loop.progress.signals,
            final=final,
            inputs=self.inputs,
            planted=self.planted,
        )

    def _parameters(self) -> int:
        return sum(int(np.prod(e.variable.shape)) for e in self.adapter.variables if e.trainable)
