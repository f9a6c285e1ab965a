"""One run from its spec to its measurement: data, model, training, evaluation, figures."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from trainband.benchmarks.backends.base import Adapter
from trainband.benchmarks.device_load import DeviceLoad
from trainband.benchmarks.evaluate import EvalResult, evaluate
from trainband.benchmarks.host_load import LoadSample, contention
from trainband.benchmarks.run_spec import RunSpec, recipe_hash
from trainband.benchmarks.setting_up import Feed, Inputs, build, weights_digest
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
    """A measurement, its trace, and the versions of what computed."""

    measurement: Measurement
    versions: Mapping[str, str]
    trace: Trace


def measure(spec: RunSpec, adapter: Adapter, inputs: Inputs, *, cores: int) -> Result:
    """Train and evaluate.

    Args:
      adapter: constructed and not yet built.
      cores: cores this process may use, for the share of stolen time.

    Raises:
      BackendError: the model does not lie on the profile's device.
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
        self.planted = build(self.spec, adapter, self.inputs.faults)
        initial = weights_digest(self.adapter)
        self.feed = Feed(self.spec, adapter, self.inputs)
        self.source = self.feed.source()
        self.recorder = StateRecorder(adapter, steps_per_epoch=self.source.steps_per_epoch)
        self.recorder.observe()
        self.loop = Loop(adapter, self.source, observer=self.recorder)
        untrained = self._evaluate().metrics
        self.startup_sec = time.time() - self.spec.submitted_at - sum(self.eval_sec)
        with self.device_load:
            contended = self._watched(self._train)
        weights = Weights(
            initial_digest=initial, final_digest=weights_digest(self.adapter), parameters=self._parameters()
        )
        final = self._final_evaluation()
        quality = self._quality(untrained, final)
        if self.loop.progress.diverged_at_step is None:
            contended += self._watched(lambda: self.loop.extra(self.feed.source(), self.inputs.recipe.epochs))
        return self._result(quality, weights, self._throughput(contended), self._trace(final))

    def _watched(self, timed: Callable[[], None]) -> tuple[str, ...]:
        """Why the throughput of what `timed` does would not count."""
        before = LoadSample.now()
        timed()
        return contention(before, LoadSample.now(), self.cores)

    def _train(self) -> None:
        recipe, progress = self.inputs.recipe, self.loop.progress
        for epoch in range(recipe.epochs):
            done = len(progress.losses)
            self.loop.epoch(epoch)
            if progress.diverged_at_step is not None:
                break
            last = epoch + 1 == recipe.epochs
            if (epoch + 1) % recipe.eval_every_epochs == 0 and not last:
                self._curve_point(epoch + 1, done, self._evaluate().metrics)
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
            eval_sec=self.eval_sec,
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
            trained_examples=min(self.source.examples_handed_out, steps * self.inputs.recipe.batch_size),
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
            recipe_hash=recipe_hash(self.spec.model, self.spec.recipe, self.adapter.structure()),
            device=self.adapter.device(),
        )
        return Result(
            measurement=measurement,
            versions={**self.feed.train.versions(), **self.adapter.versions()},
            trace=trace,
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
