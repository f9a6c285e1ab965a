"""Rounding or semantic: what two sides' layers make of equal inputs, in the run's own precision and in float64.

No threshold in float32 separates rounding from a real change; in float64 rounding all but vanishes and a change of
meaning stays as large as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from trainband.benchmarks.zoom.dump import DumpStage, Place, Tensors

Verdict = Literal["equal", "rounding", "below float32", "semantic", "undetermined"]

ROUNDING = 1e-12
BELOW_FLOAT32 = 2.0**-24
# A tensor that is next to nothing beside its group is measured by the group: its own relative error says nothing.
_LEAST_SHARE = 1e-6
_ROUNDING_OF_A_DIFFERENCE = 4 * 2.0**-53
_ORDER: tuple[DumpStage, ...] = ("forward", "statistics", "loss", "gradient", "update", "evaluation")

Key = tuple[DumpStage, str, str, int]


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What one side shows of a step: its own, and what it makes of the reference's inputs, as it computes and in float64."""

    own: Tensors
    narrow: Tensors
    wide: Tensors


@dataclass(frozen=True, kw_only=True)
class LayerDifference:
    """One tensor of a step on both sides.

    Attributes:
      own: relative difference of what the sides computed themselves; 0.0 where equal to the bit, None where a side has none.
      narrow: the same from equal inputs, in the precision of the runs.
      wide: the same from equal inputs, in float64; None where a side does not compute it in float64.
      says: what differs beside the numbers, such as the dtype.
    """

    stage: DumpStage
    layer: str
    tensor: str
    call: int
    own: float | None
    narrow: float | None
    wide: float | None
    verdict: Verdict
    says: str = ""

    @property
    def name(self) -> str:
        layer = self.layer + (f" (use {self.call + 1})" if self.call else "")
        return " ".join(part for part in (layer, self.tensor) if part)


def layer_differences(a: Shown, b: Shown) -> tuple[LayerDifference, ...]:
    """Every tensor that a side shows, in the order in which a step computes them."""
    found = []
    groups = {kind: _group_norms(getattr(a, kind)) for kind in ("own", "narrow", "wide")}
    ours, theirs = ({kind: _by_key(getattr(side, kind)) for kind in groups} for side in (a, b))
    for key in _ordered(ours["own"] | ours["narrow"]):
        pairs = {kind: _pair(ours[kind].get(key), theirs[kind].get(key)) for kind in groups}
        relative = {kind: _relative(pair, groups[kind]) for kind, pair in pairs.items()}
        verdict, says = _verdict(pairs["narrow"], pairs["wide"], relative)
        stage, layer, tensor, call = key
        found.append(
            LayerDifference(
                stage=stage,
                layer=layer,
                tensor=tensor,
                call=call,
                own=relative["own"],
                narrow=relative["narrow"],
                wide=relative["wide"],
                verdict=verdict,
                says=says,
            )
        )
    return tuple(found)


Shows = tuple[Place, np.ndarray]
Pair = tuple[Shows, Shows] | None


def _by_key(tensors: Tensors) -> dict[Key, Shows]:
    return {place.key: (place, array) for place, array in tensors}


def _pair(ours: Shows | None, theirs: Shows | None) -> Pair:
    return None if ours is None or theirs is None else (ours, theirs)


def _ordered(found: Mapping[Key, Shows]) -> Sequence[Key]:
    """Stage by stage; gradients in the order in which a step comes by them, from the last layer to the first."""
    keys = list(found)
    place = {key: -i if key[0] == "gradient" else i for i, key in enumerate(keys)}
    return sorted(keys, key=lambda key: (_ORDER.index(key[0]), place[key]))


def _norm(array: np.ndarray) -> float:
    return float(np.linalg.norm(np.asarray(array, np.float64).reshape(-1)))


def _group_norms(tensors: Tensors) -> dict[str, float]:
    squares: dict[str, float] = {}
    for place, array in tensors:
        squares[place.stage] = squares.get(place.stage, 0.0) + _norm(array) ** 2
    return {stage: square**0.5 for stage, square in squares.items()}


def _equal(pair: tuple[Shows, Shows]) -> bool:
    (p, x), (q, y) = pair
    return p.digest == q.digest and x.shape == y.shape and x.dtype == y.dtype and x.tobytes() == y.tobytes()


def _relative(pair: Pair, groups: Mapping[str, float]) -> float | None:
    """||A - B|| / max(||A||, 1e-6 of the norm of all tensors of the stage), less what rounding alone leaves in updates."""
    if pair is None or pair[0][1].shape != pair[1][1].shape:
        return None
    if _equal(pair):
        return 0.0
    (place, x), (_, y) = pair
    apart = _norm(np.asarray(x, np.float64) - np.asarray(y, np.float64))
    if place.base_norm and x.dtype == np.float64:
        apart = max(0.0, apart - _ROUNDING_OF_A_DIFFERENCE * place.base_norm)
    scale = max(_norm(x), _LEAST_SHARE * groups[place.stage])
    return apart / scale if scale else (0.0 if apart == 0.0 else float("inf"))


def _verdict(narrow: Pair, wide: Pair, relative: Mapping[str, float | None]) -> tuple[Verdict, str]:
    if narrow is None:
        return "undetermined", "one side does not have it"
    dtypes = narrow[0][0].dtype, narrow[1][0].dtype
    if dtypes[0] != dtypes[1]:
        return "semantic", f"computed in {dtypes[0]} | {dtypes[1]}"
    shapes = [list(array.shape) for _, array in narrow]
    if shapes[0] != shapes[1]:
        return "semantic", f"of shape {shapes[0]} | {shapes[1]}"
    if _equal(narrow):
        return "equal", ""
    apart = relative["wide"]
    if wide is None or apart is None or any(array.dtype != np.float64 for _, array in wide):
        return "undetermined", "no float64 path"
    if not apart <= BELOW_FLOAT32:
        return "semantic", ""
    if any(place.other_kernel for place, _ in wide):
        return "undetermined", "the kernel has no float64 path; what it stands for is equal in float64"
    return ("rounding" if apart <= ROUNDING else "below float32"), ""
