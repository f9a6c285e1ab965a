"""A cell's values of one quantity on one class of hosts, night after night, in eras that each have a baseline."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, overload

from trainband.results.run_columns import RunColumns
from trainband.results.statistics import Side

Kind = Literal["quality", "speed"]
Trend = Literal["worse", "better"]


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """What is measured: a metric of the model, or a speed."""

    name: str
    kind: Kind
    unit: str
    direction: Literal["higher", "lower"]
    scale: Literal["linear", "log"]

    def scaled(self, value: float) -> float:
        """`value` on the scale on which runs scatter evenly."""
        return math.log(value) if self.scale == "log" else value

    def unscaled(self, value: float) -> float:
        """The inverse of `scaled`."""
        return math.exp(value) if self.scale == "log" else value

    def trend(self, side: Side) -> Trend:
        """What values beyond that side are."""
        return "worse" if (side == "lower") == (self.direction == "higher") else "better"


class Point(NamedTuple):
    """One run's value, in the quantity's unit."""

    run_id: str
    created: str
    value: float
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class Points(Sequence[Point]):
    """Points in the order of time; those who want one thing of all of them take its column."""

    run_ids: Sequence[str]
    created: Sequence[str]
    values: Sequence[float]
    faults: Sequence[tuple[str, ...]]

    def at(self, places: Sequence[int]) -> Points:
        """The points at these ascending places."""
        if len(places) == len(self):
            return self
        columns: tuple[Sequence[Any], ...] = (self.run_ids, self.created, self.values, self.faults)
        return Points(*([column[place] for place in places] for column in columns))

    def __len__(self) -> int:
        return len(self.run_ids)

    @overload
    def __getitem__(self, place: int) -> Point: ...
    @overload
    def __getitem__(self, place: slice) -> Points: ...
    def __getitem__(self, place: int | slice) -> Point | Points:
        if isinstance(place, slice):
            return Points(self.run_ids[place], self.created[place], self.values[place], self.faults[place])
        return Point(self.run_ids[place], self.created[place], self.values[place], self.faults[place])


def points_of(runs: RunColumns, values: Sequence[Any]) -> Points:
    """The points of `runs`, all of which have one of `values`."""
    faults = [setting.faults for setting in runs.settings]
    return Points(runs.run_ids, runs.created, values, [faults[setting] for setting in runs.made_with])


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """What values are held against, pinned as long as its era lasts.

    Attributes:
      mean, sd: on the quantity's scale.
      n: values behind the mean.
      of: where it comes from, in words.
      newest_run: the newest of the runs that made it; empty where a band did.
    """

    mean: float
    sd: float
    n: int
    of: str
    newest_run: str = ""


@dataclass(frozen=True, kw_only=True)
class Era:
    """Consecutive points that have one baseline: a new one begins with a known change, and is no regression.

    Attributes:
      first: place of its first point in the series.
      judged_from: place of the first point that is held against the baseline; those before it made it.
      because: the known change, in words.
      why_not: why there is no baseline; empty where there is one.
    """

    first: int
    judged_from: int
    because: str
    baseline: Baseline | None
    why_not: str = ""


@dataclass(frozen=True, kw_only=True)
class Series:
    """Points in the order of time; the last era is the one that goes on."""

    cell: str
    quantity: Quantity
    host_class: str
    points: Points
    eras: tuple[Era, ...]

    @property
    def era(self) -> Era:
        return self.eras[-1]

    def end_of(self, era: Era) -> int:
        """The place after the era's last point."""
        later = [other.first for other in self.eras if other.first > era.first]
        return min(later, default=len(self.points))

    def scores(self, era: Era) -> list[float]:
        """The judged points of `era` as distances from its baseline; empty where it has none."""
        if era.baseline is None:
            return []
        import numpy as np

        values = np.array(self.points.values[era.judged_from : self.end_of(era)], dtype=float)
        scaled = np.log(values) if self.quantity.scale == "log" else values
        scores: list[float] = ((scaled - era.baseline.mean) / era.baseline.sd).tolist()
        return scores
