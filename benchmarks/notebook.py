"""A run's process as an executable notebook: every step of it in code, the recorded numbers beside the reproduced ones."""

from __future__ import annotations

import base64
import json
import pprint
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from trainband.benchmarks.trace.files import Trace
from trainband.results.codec import encode
from trainband.results.records import Measurement, Record


class NotebookError(ValueError):
    """A run that no notebook can be made of; the message says why."""


def make_notebook(record: Record, spec_text: str, trace: Trace, *, title: str) -> str:
    """The notebook of a completed run as the text of its file.

    Args:
      spec_text: the spec that its child was given, as JSON.
      title: of the model, for people.

    Raises:
      NotebookError: the run failed, holds planted faults, or began with weights from a file.
    """
    import nbformat
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

    if record.measurement is None:
        message = record.failure.message if record.failure else "it has no figures"
        raise NotebookError(f"run {record.run_id} did not complete: {message}")
    if record.faults:
        raise NotebookError(
            f"run {record.run_id} holds planted faults ({', '.join(record.faults)}): it shows no process"
        )
    if record.initial_weights_from is not None:
        raise NotebookError(
            f"run {record.run_id} began with weights that lie in its folder, those of {record.initial_weights_from}: "
            "take that run"
        )
    recorded = _recorded(record, record.measurement, trace)
    made: dict[str, Any] = {"markdown": new_markdown_cell, "code": new_code_cell}
    cells = [
        made[kind](source.strip("\n"))
        for kind, source in _cells(record, record.measurement, spec_text, recorded, title)
    ]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell{number}"  # not a random one: the same run gives the same file
    notebook = new_notebook(cells=cells)
    notebook["metadata"] = {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "language_info": {"name": "python"},
        "trainband": {"run_id": record.run_id},
    }
    nbformat.validate(notebook)
    return str(nbformat.writes(notebook))


def _recorded(record: Record, measured: Measurement, trace: Trace) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "initial_digest": measured.weights.initial_digest,
        "final_digest": measured.weights.final_digest,
        "data_digest": measured.data.digest,
        "evaluation_digest": measured.quality.evaluation.digest,
        "metrics": {name: metric.value for name, metric in measured.quality.metrics.items()},
        "packages": _packages(record),
        "first_batches": trace.batches[:4].tolist(),
        "losses": base64.b64encode(np.asarray(trace.losses, "<f4").tobytes()).decode(),
    }


def _packages(record: Record) -> Mapping[str, str]:
    """Of the recorded packages those that a child computes with."""
    versions = record.fingerprint.get("framework", {}).get("versions", {})
    return {name: str(versions[name]) for name in sorted(versions)}


def _cells(
    record: Record, measured: Measurement, spec_text: str, recorded: Mapping[str, Any], title: str
) -> Iterator[tuple[str, str]]:
    spec = json.dumps(json.loads(spec_text))
    numbers = pprint.pformat(encode(recorded), width=110, sort_dicts=False)
    yield "markdown", _opening(record, measured, title)
    yield "code", f"SPEC = r'''\n{spec}\n'''\nRECORDED = {numbers}"
    yield from _SETTING_UP
    yield from _TRAINING


def _opening(record: Record, measured: Measurement, title: str) -> str:
    rows = "\n".join(
        f"| {name} | {metric.value:.6g} | {metric.direction} is better |"
        for name, metric in measured.quality.metrics.items()
    )
    return f"""# {record.cell}, seed {record.seed}

{title}. Recorded on {record.created[:10]}, host class `{record.host_class}`, as run `{record.run_id}`:

| metric | recorded | |
|---|---|---|
{rows}

The cells below train it again from scratch, with the parts that the harness itself trains with, and put what was recorded
beside what they find. They need `trainband` and the profile's framework in the kernel; run them in order, in a fresh kernel.
The same in one line: `{record.command}`.
"""


_SETTING_UP = (
    ("markdown", "## Environment\nA child's variables are set, and its cores bound, before any framework is imported."),
    (
        "code",
        """
import json
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import trainband
from trainband.benchmarks.child_environment import child_environment
from trainband.benchmarks.data.cache import cache_root
from trainband.benchmarks.run_spec import spec_from_json
from trainband.benchmarks.worker import limit_cores

spec = replace(spec_from_json(SPEC), cache_root=str(cache_root()))
home = Path(tempfile.mkdtemp(prefix="trainband-notebook-"))
os.environ.update(child_environment(spec.profile, os.environ, stage=Path(trainband.__file__).parent.parent, keras_home=home))
cores = limit_cores(spec)
print(f"{spec.model.name}:{spec.tier} on {spec.profile.title}, seed {spec.seed}, {cores} cores")
spec.recipe
""",
    ),
    (
        "markdown",
        "## Data\nThe prepared arrays are the very bytes that the run was trained and evaluated on, or this stops here.",
    ),
    (
        "code",
        """
from trainband.benchmarks.setting_up import Feed, build, plant, read_inputs, weights_digest

inputs = read_inputs(spec, ())
for name, array in inputs.arrays.items():
    print(f"{name:<14} {array.dtype} {list(array.shape)}")
print("digest", inputs.data.digest)
assert inputs.data.digest == RECORDED["data_digest"], "other data than the recorded run's"
""",
    ),
    (
        "markdown",
        "## Model\nEvery variable is drawn by its layer's initializer from (seed, place); in a stock recipe by the framework.",
    ),
    (
        "code",
        """
from trainband.benchmarks.backends.base import create_adapter

adapter = create_adapter(spec.profile, inputs.recipe, loss=spec.model.loss)
for name, version in adapter.versions().items():
    print(f"{name:<12} {version:<10} recorded {RECORDED['packages'].get(name)}")
build(spec, adapter)
plant(adapter, inputs.faults)
adapter.model.summary()
initial = weights_digest(adapter)
print("initial weights", initial[:16], "as recorded" if initial == RECORDED["initial_digest"] else "NOT as recorded")
""",
    ),
)
_TRAINING = (
    (
        "markdown",
        "## Batches\nOrder and augmentation are functions of (seed, epoch). The first batch, and checksums of the first four.",
    ),
    (
        "code",
        """
feed = Feed(spec, adapter, inputs)
looked_at = feed.source()
batches = looked_at.epoch(0)
first = [batch for _, batch in zip(range(min(4, looked_at.steps_per_epoch)), batches)][0]
print("labels", first.labels.reshape(-1)[:16], "learning rate", first.learning_rate)
for step, (found, recorded) in enumerate(zip(looked_at.fed_checksums, RECORDED["first_batches"])):
    print(f"batch {step}: {found:08x}, recorded {recorded:08x}")
""",
    ),
    (
        "markdown",
        "## Training\nThe mean loss of each epoch, recorded and reproduced, and how many of its steps agree to the bit.",
    ),
    (
        "code",
        """
import base64

import numpy as np

from trainband.benchmarks.train import Loop

recorded = np.frombuffer(base64.b64decode(RECORDED["losses"]), "<f4")
source = feed.source()
loop = Loop(adapter, source)
size = source.steps_per_epoch
for epoch in range(inputs.recipe.epochs):
    loop.epoch(epoch)
    ours = np.array(loop.progress.losses[epoch * size :], np.float32)
    theirs = recorded[epoch * size : epoch * size + len(ours)]
    equal = int((ours[: len(theirs)] == theirs).sum())
    print(f"epoch {epoch + 1:>3}: recorded {theirs.mean():.6f}, now {ours.mean():.6f}, {equal} of {len(ours)} steps equal")
    if loop.progress.diverged_at_step is not None:
        break
""",
    ),
    ("markdown", "## Evaluation\nOn every row of the test split, in inference mode, by metrics in float64."),
    (
        "code",
        """
from trainband.benchmarks.evaluate import evaluate

found = evaluate(
    adapter.eval_step,
    *feed.evaluated(inputs.evaluated),
    spec.model.judged_by(spec.tier),
    targets_are_inputs=adapter.targets_are_inputs,
    with_digest=True,
)
assert found.digest == RECORDED["evaluation_digest"], "other rows are evaluated than the recorded run's"
for name, value in found.metrics.items():
    print(f"{name:<20} recorded {RECORDED['metrics'][name]:.9g}, now {value:.9g}")
""",
    ),
    ("markdown", "## The end\nThe digest of all weights. On a deterministic profile it must be the recorded one."),
    (
        "code",
        """
final = weights_digest(adapter)
exact = final == RECORDED["final_digest"]
print("final weights", final)
print("recorded     ", RECORDED["final_digest"])
print("bit-exact" if exact else "not bit-exact")
assert exact or not spec.profile.deterministic, "a deterministic profile, and another end"
""",
    ),
)
