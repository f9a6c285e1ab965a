"""From a step to a layer: both sides take the step layer by layer, and each layer is fed with one side's inputs."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trainband.benchmarks.diff.refine import Rerunner, Side, first_unlike
from trainband.benchmarks.diff.rounding import LayerDifference, Shown, layer_differences
from trainband.benchmarks.digests import array_digest
from trainband.benchmarks.run_spec import OWN_FILE, REFERENCE_FILE, SUBSTITUTED_FILE, TRACE_FILE, Zoom
from trainband.benchmarks.trace.files import Trace, read_trace
from trainband.benchmarks.trace.tensors import DIGEST_BYTES
from trainband.benchmarks.zoom.dump import Reference, read_reference, read_tensors


@dataclass(frozen=True, kw_only=True)
class Zoomed:
    """What the layers of one step show.

    Attributes:
      rows: how many of the batch's examples the layers were fed with.
      at_a_distance: why a side's step is seen through something that rounds in another way, one sentence each.
    """

    step: int
    rows: int
    differences: tuple[LayerDifference, ...]
    at_a_distance: tuple[str, ...] = ()

    @property
    def first(self) -> LayerDifference | None:
        """The first tensor in which the two runs themselves differ."""
        return next((each for each in self.differences if each.own), None)

    @property
    def semantic(self) -> tuple[LayerDifference, ...]:
        """Every difference in meaning, the first one first."""
        return tuple(each for each in self.differences if each.verdict == "semantic")


def zoom(a: Side, b: Side, step: int, rerunner: Rerunner) -> Zoomed:
    """Look at `step` of both sides; raises RerunError where a side cannot be trained again."""
    with tempfile.TemporaryDirectory(prefix="trainband-zoom-") as name:
        folders = [Path(name) / side for side in "AB"]
        reference = folders[0] / REFERENCE_FILE
        shown = []
        distances: list[str] = []
        for side, folder in zip((a, b), folders, strict=True):
            given = None if folder == folders[0] else str(reference)
            shown.append(_shown(side, folder, step, given, str(reference), rerunner))
            distances += _distances(side, folder)
        return Zoomed(
            step=step,
            rows=read_reference(reference).rows,
            differences=layer_differences(*shown),
            at_a_distance=tuple(distances),
        )


def _shown(side: Side, folder: Path, step: int, given: str | None, reference: str, rerunner: Rerunner) -> Shown:
    wide = folder / "float64"
    wide.mkdir(parents=True)
    window = (step, step)
    rerunner.train(side, folder, window=window, zoom=Zoom(own=True, reference=given))
    rerunner.train(side, wide, window=window, zoom=Zoom(own=False, reference=reference))
    return Shown(
        own=read_tensors(folder / OWN_FILE),
        narrow=read_tensors(folder / SUBSTITUTED_FILE),
        wide=read_tensors(wide / SUBSTITUTED_FILE),
    )


def _distances(side: Side, folder: Path) -> list[str]:
    """Why what was seen of `side` is not the recorded step to the bit."""
    again, own = read_trace(folder / TRACE_FILE), read_reference(folder / REFERENCE_FILE)
    found = []
    unlike = first_unlike(side.trace, again)
    if unlike is not None:
        found.append(f"{side.record.run_id} trained again differs from its record at step {unlike}")
    if not _is_the_compiled_step(own, again):
        found.append(f"{side.record.run_id}: taken layer by layer, step {own.step} rounds in another way than compiled")
    return found


def _is_the_compiled_step(own: Reference, again: Trace) -> bool:
    """Whether logits and gradients, taken layer by layer, are those of the compiled step."""
    places = [place for place, key in enumerate(again.header.tensors) if key.kind == "gradient"]
    [seen] = np.flatnonzero(again.state_steps == own.step)
    digests = [bytes.fromhex(array_digest(gradient))[:DIGEST_BYTES] for gradient in own.gradients]
    if [again.state_digests[seen, place].tobytes() for place in places] != digests:
        return False
    return bool((own.logits == again.logits[own.step]).all())
