"""Two traces that differ in one place: the comparison names that place, and no more than the traces show.

Where they leave an interval both sides are trained again: what a re-run shows, and what it may claim.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainband.benchmarks.diff.refine import RerunError, Rerunner, Side, first_unlike, refine
from trainband.benchmarks.diff.stages import COMPUTED, STAGES
from trainband.benchmarks.diff.trajectory import NotComparable, compare_traces
from trainband.benchmarks.environments import uv
from trainband.benchmarks.run_spec import TRACE_FILE
from trainband.benchmarks.trace.files import Header, Trace, read_trace
from trainband.benchmarks.trace.tensors import TensorKey

needs_tensorflow = pytest.mark.backend("tensorflow")
slow = pytest.mark.slow
STEPS, STATES = 20, (-1, 0, 1, 2, 4, 8, 9, 16, 19)
KINDS = ("gradient", "parameter", "statistic", "slot")
Change = Callable[[Trace], Trace]


def trace_of(steps: int = STEPS) -> Trace:
    """A trace whose every record tells it from every other."""
    rng = np.random.default_rng(steps and 1)
    states = [step for step in STATES if step < steps]
    keys = tuple(
        TensorKey(
            kind=kind, layer="norm", role="gamma", position=3, shape=(4,), dtype="float32", slot="m" * (kind == "slot")
        )  # type: ignore[arg-type]
        for kind in KINDS
    )
    header = Header(
        run_id="run",
        backend="tensorflow",
        steps_per_epoch=10,
        data={"train_inputs": "a", "test_inputs": "b"},
        hyper_parameters={"momentum": 0.9, "l2": 0.0},
        evaluated="rows",
        examples=5,
        tensors=keys,
        generators={"keras0": "s", "torch_cpu": "s"},
        state_cpu_sec=0.0,
    )
    return Trace(
        header=header,
        losses=rng.random(STEPS, np.float32)[:steps],
        gradient_norms=rng.random(STEPS, np.float32)[:steps],
        learning_rates=rng.random(STEPS, np.float32)[:steps],
        logits=rng.integers(0, 1 << 32, (STEPS, 2), dtype=np.uint32)[:steps],
        batches=rng.integers(0, 1 << 32, STEPS, dtype=np.uint32)[:steps],
        draws=rng.integers(0, 1 << 32, STEPS, dtype=np.uint32)[:steps],
        state_steps=np.array(states, np.int32),
        state_digests=rng.integers(0, 256, (len(STATES), len(KINDS), 16), dtype=np.uint8)[: len(states)],
        state_norms=rng.random((len(STATES), len(KINDS)))[: len(states)],
        top_classes=np.arange(5, dtype=np.uint16),
        example_losses=np.ones(5, np.float16),
    )


def head(**fields: Any) -> Change:
    return lambda trace: replace(trace, header=replace(trace.header, **fields))


def signal(name: str, step: int) -> Change:
    def change(trace: Trace) -> Trace:
        array = getattr(trace, name).copy()
        array[step:] = array[step:] + 1
        return replace(trace, **{name: array})

    return change


def state(kind: str, step: int) -> Change:
    """The tensor of `kind` differs from the state of `step` on."""

    def change(trace: Trace) -> Trace:
        digests = trace.state_digests.copy()
        digests[trace.state_steps >= step, KINDS.index(kind), 0] ^= 1
        return replace(trace, state_digests=digests)

    return change


@pytest.mark.parametrize(
    ("changes", "stages", "steps"),
    [
        ([], None, None),
        ([head(data={"train_inputs": "a", "test_inputs": "c"}), signal("batches", 0)], ["data"], (None, None)),
        ([state("parameter", -1), signal("logits", 0)], ["initial weights"], (None, None)),
        ([signal("batches", 5), signal("logits", 5), state("parameter", 8)], ["batch"], (5, 5)),
        ([signal("draws", 7), signal("logits", 7)], ["random draw"], (7, 7)),
        ([head(generators={"keras0": "a"}), signal("logits", 0)], ["random draw"], (0, 0)),
        ([signal("learning_rates", 3), signal("logits", 4)], ["hyper-parameters"], (3, 3)),
        ([head(hyper_parameters={"momentum": 0.8, "l2": 0.0}), state("slot", 1)], ["hyper-parameters"], (0, 0)),
        ([signal("logits", 0), state("gradient", 0)], ["forward"], (0, 0)),
        ([signal("logits", 2), signal("losses", 2)], ["forward"], (2, 2)),
        ([signal("logits", 17), signal("losses", 17)], ["forward"], (17, 17)),
        ([state("statistic", 0), state("parameter", 1)], ["statistics"], (0, 0)),
        ([signal("losses", 0), state("gradient", 0)], ["loss"], (0, 0)),
        ([signal("gradient_norms", 0), state("gradient", 0), state("parameter", 0)], ["gradient"], (0, 0)),
        ([state("parameter", 1), signal("logits", 2)], ["update"], (1, 1)),
        ([state("slot", 9)], ["update"], (9, 9)),
        ([signal("logits", 6), state("parameter", 8)], list(COMPUTED), (5, 6)),
        ([state("slot", 16)], list(COMPUTED), (10, 16)),
        ([signal("logits", 12), state("parameter", 16)], list(COMPUTED), (10, 12)),
        ([head(evaluated="others")], ["evaluation"], (None, None)),
        ([head(examples=4)], ["evaluation"], (None, None)),
        ([signal("example_losses", 2)], ["evaluation"], (None, None)),
        ([head(disturbed=(-1, 9)), state("statistic", 0), signal("example_losses", 0)], ["evaluation"], (None, None)),
        ([head(disturbed=(9,)), state("statistic", 16)], ["evaluation"], (None, None)),
        ([head(disturbed=(9,)), state("statistic", 9)], ["statistics"], (9, 9)),
        ([head(disturbed=(9,)), signal("losses", 5), state("gradient", 8)], ["loss"], (5, 5)),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) and value and isinstance(value[0], str) else None,
)
def test_the_first_divergence_is_named(changes: list[Change], stages: list[str] | None, steps: Any) -> None:
    a = b = trace_of()
    for change in changes:
        b = change(b)
    for one, other in ((a, b), (b, a)):
        found = compare_traces(one, other).divergence
        if stages is None:
            assert found is None
            continue
        assert found is not None
        assert list(found.stages) == stages
        assert (found.first_step, found.last_step) == steps
        assert found.exact == (len(stages) == 1)


def test_a_run_cut_short_differs_in_its_budget() -> None:
    compared = compare_traces(trace_of(), trace_of(10))
    assert compared.steps == 10
    assert compared.divergence is not None
    assert compared.divergence.stages == ("budget",)
    assert compared.divergence.says == "20 and 10 steps, equal as far as both go"


def test_tensors_that_differ_first_are_named_with_their_norms() -> None:
    a = trace_of()
    divergence = compare_traces(a, state("gradient", 1)(state("parameter", 1)(a))).divergence
    assert divergence is not None
    assert [(t.kind, t.name) for t in divergence.tensors] == [("gradient", "norm/gamma")]
    assert divergence.tensors[0].norms == (a.state_norms[2, 0], a.state_norms[2, 0])


def test_what_is_equal_and_what_follows_is_told_apart() -> None:
    a = trace_of()
    compared = compare_traces(a, signal("logits", 5)(signal("batches", 5)(state("parameter", 8)(a))))
    assert compared.consequences == ("forward", "update")
    assert compared.first == {"batch": 5, "forward": 5, "update": 8}
    assert set(compared.equal) == set(STAGES) - {"batch", "forward", "update"}


def test_generators_are_compared_after_equal_work_alone() -> None:
    a = trace_of()
    elsewhere = head(generators={"keras0": "a", "torch_cpu": "t"})(a)
    found = compare_traces(a, elsewhere).divergence
    assert found is not None
    assert (found.names, found.says) == (("keras0",), "the framework's own generators are in other states")
    for no_layers_own in ({"keras0": "s", "torch_cpu": "t"}, {"torch_cpu": "t"}):
        assert compare_traces(a, head(generators=no_layers_own)(a)).divergence is None
    assert "random draw" in compare_traces(a, cut(elsewhere, 8)).equal
    assert first_unlike(a, cut(elsewhere, 8)) is None
    assert compare_traces(cut(a, 8), cut(elsewhere, 8)).first == {"random draw": 0}


def test_losses_that_are_both_nan_are_equal() -> None:
    losses = trace_of().losses.copy()
    losses[4:] = np.nan
    a = replace(trace_of(), losses=losses)
    assert compare_traces(a, replace(a, losses=losses.copy())).divergence is None


def test_models_with_other_tensors_cannot_be_compared() -> None:
    a = trace_of()
    other = replace(a.header.tensors[1], shape=(5,))
    b = head(tensors=(a.header.tensors[0], other, *a.header.tensors[2:]))(a)
    with pytest.raises(NotComparable, match=r"parameter norm/gamma of shape \[[45]\] has no counterpart"):
        compare_traces(a, b)


def cut(trace: Trace, last: int) -> Trace:
    """`trace` as a re-run up to `last` leaves it: shorter, and not evaluated."""
    signals = ("losses", "gradient_norms", "learning_rates", "logits", "batches", "draws")
    kept = trace.state_steps <= last
    return replace(
        trace,
        header=replace(trace.header, evaluated="", examples=0),
        **{name: getattr(trace, name)[: last + 1] for name in signals},
        **{name: getattr(trace, name)[kept] for name in ("state_steps", "state_digests", "state_norms")},
        top_classes=np.zeros(0, np.uint16),
        example_losses=np.zeros(0, np.float16),
    )


def dense(trace: Trace, last: int) -> Trace:
    """The same with the state of each step; of those that `trace` has not, a state of their own."""
    short = cut(trace, last)
    steps = np.arange(-1, last + 1, dtype=np.int32)
    digests = np.repeat(steps.astype(np.uint8)[:, None, None], short.state_digests.shape[1], axis=1)
    digests = np.repeat(digests, 16, axis=2)
    norms = np.ones(digests.shape[:2])
    for place, step in enumerate(short.state_steps.tolist()):
        digests[step + 1], norms[step + 1] = short.state_digests[place], short.state_norms[place]
    return replace(short, state_steps=steps, state_digests=digests, state_norms=norms)


@dataclass
class Replies:
    """Stands for a rerunner whose re-runs leave these traces, one after the other."""

    traces: Sequence[Trace]
    windows: list[tuple[int, int]] = field(default_factory=list)

    def trace(self, side: Side, window: tuple[int, int]) -> Trace:
        self.windows.append(window)
        return self.traces[len(self.windows) - 1]


def side(trace: Trace, name: str) -> Side:
    record: Any = type("Named", (), {"run_id": name})
    return Side(folder=Path(name), record=record, trace=trace)


def interval() -> tuple[Trace, Trace, Any]:
    """Two traces that part somewhere in steps 5 to 8."""
    a = trace_of()
    b = state("gradient", 8)(state("parameter", 8)(a))
    divergence = compare_traces(a, b).divergence
    assert divergence is not None
    assert (divergence.stages, divergence.first_step, divergence.last_step) == (COMPUTED, 5, 8)
    return a, b, divergence


def test_re_running_names_the_stage_and_the_step() -> None:
    a, b, divergence = interval()
    seen = dense(b, 8)
    for kind in ("gradient", "parameter"):  # from step 6 on; at 8, where the record has them, they differ already
        seen = state(kind, 8)(state(kind, 6)(seen))
    replies: Any = Replies([dense(a, 8), seen])
    refined = refine(side(a, "A"), side(b, "B"), divergence, replies)
    assert replies.windows == [(5, 8)] * 2
    assert refined.unlike == ()
    assert refined.divergence.exact
    assert (refined.divergence.stages, refined.divergence.first_step) == (("gradient",), 6)
    assert [tensor.kind for tensor in refined.divergence.tensors] == ["gradient"]


def test_a_side_that_does_not_reproduce_leaves_the_interval_and_is_named() -> None:
    a, b, divergence = interval()
    replies: Any = Replies([dense(a, 8), signal("losses", 3)(state("parameter", 6)(dense(b, 8)))])
    refined = refine(side(a, "A"), side(b, "B"), divergence, replies)
    assert refined.divergence == divergence
    assert refined.unlike == ("B trained again differs from its record at step 3",)


def test_the_first_step_unlike_its_record() -> None:
    trace = trace_of()
    assert first_unlike(trace, dense(trace, 8)) is None
    assert first_unlike(trace, cut(trace, 8)) is None
    assert first_unlike(trace, signal("logits", 6)(dense(trace, 8))) == 6
    assert first_unlike(trace, state("slot", 4)(dense(trace, 8))) == 4


@pytest.fixture
def rerunner(lab: Any) -> Rerunner:
    return Rerunner(pool=lab.runner.pool, cache_root=lab.runner.cache_root)


def healthy(lab: Any) -> Side:
    folder = lab.store.run_path(lab.healthy.run_id)
    return Side(folder=folder, record=lab.healthy, trace=read_trace(folder / TRACE_FILE))


@needs_tensorflow
@slow
def test_a_run_trained_again_shows_every_step_of_the_window(
    lab: Any, rerunner: Rerunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    recorded = healthy(lab)
    again = rerunner.trace(recorded, (5, 9))
    assert again.state_steps.tolist() == [-1, 5, 6, 7, 8, 9]
    assert again.steps == 10
    assert first_unlike(recorded.trace, again) is None
    assert again.header.tensors == recorded.trace.header.tensors


@needs_tensorflow
@slow
def test_a_run_is_trained_again_where_its_packages_are_and_not_without_them(
    lab: Any, rerunner: Rerunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = healthy(lab)
    fingerprint = dict(recorded.record.fingerprint)
    moved = {**fingerprint, "python": {**fingerprint["python"], "executable": "/nowhere/python"}}
    found = rerunner.trace(replace(recorded, record=replace(recorded.record, fingerprint=moved)), (0, 1))
    assert first_unlike(recorded.trace, found) is None

    settings = tmp_path / "uv.toml"
    settings.write_text("no-index = true\n")
    monkeypatch.setenv("UV_CONFIG_FILE", str(settings))
    monkeypatch.setattr(uv, "sources_of_pip", dict)
    older = {**fingerprint, "distributions": {"keras": "3.0.0"}}
    with pytest.raises(RerunError, match=r"environment of run .* cannot be built again: cannot solve keras==3\.0\.0: "):
        rerunner.trace(replace(recorded, record=replace(recorded.record, fingerprint=older)), (0, 1))
