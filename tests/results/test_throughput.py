"""Throughput's own word: a baseline of several quiet days, or the exact reason why there is none."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

from trainband.results.index_rows import run_row
from trainband.results.records import Record
from trainband.results.run_columns import run_columns
from trainband.results.throughput import ThroughputPoint, throughput_point, throughput_word
from trainband.results.throughput_history import throughput_judgements

Run = Callable[..., Record]


@pytest.fixture
def night(make_run: Run) -> Callable[..., Record]:
    """A run of 2026-03-20 with the speeds given."""

    def make(*, cpu: float | None = 1500.0, wall: float | None = 2000.0, **fields: Any) -> Record:
        record = make_run("night", **{"created": "2026-03-20T04:00:00+00:00", **fields})
        assert record.measurement is not None
        throughput = replace(record.measurement.throughput, examples_per_cpu_sec=cpu, examples_per_sec=wall)
        return replace(record, measurement=replace(record.measurement, throughput=throughput))

    return make


def history(
    night: Callable[..., Record],
    n: int = 20,
    *,
    days: int = 10,
    cpu_cv: float = 0.02,
    wall_cv: float = 0.02,
    **changes: Any,
) -> list[ThroughputPoint]:
    points = []
    for index in range(n):
        score = NormalDist().inv_cdf((index + 0.5) / n)
        record = night(
            cpu=1500.0 * math.exp(cpu_cv * score),
            wall=2000.0 * math.exp(-wall_cv * score),
            created=f"2026-03-{1 + index % days:02d}T04:{index:02d}:00+00:00",
        )
        point = throughput_point(record)
        assert point is not None
        points.append(replace(point, **{"run_id": f"r{index}", **changes}))
    return points


def test_the_usual_speed_is_ok_on_both_bases(night: Callable[..., Record]) -> None:
    judged = throughput_word(night(), history(night))
    assert (judged.word, judged.ratio) == ("ok", pytest.approx(1.0))
    assert [basis.basis for basis in judged.bases] == ["cpu", "wall"]
    # 20 logs at the normal's quantiles with sd 0.02: 2.7523 x 0.01988
    assert judged.bases[0].upper == pytest.approx(math.exp(2.7523 * 0.01988), rel=1e-4)


@pytest.mark.parametrize(
    ("cpu", "wall", "word", "ratio"),
    [
        (1350.0, 2000.0, "slower", 0.9),
        (1650.0, 2000.0, "faster", 1.1),
        (1500.0, 1800.0, "slower", 0.9),
        (1650.0, 1800.0, "slower", 0.9),
        (1450.0, 2050.0, "ok", 1450 / 1500),
    ],
)
def test_either_basis_moves_the_word_and_slower_wins(
    night: Callable[..., Record], cpu: float, wall: float, word: str, ratio: float
) -> None:
    judged = throughput_word(night(cpu=cpu, wall=wall), history(night))
    assert (judged.word, judged.ratio) == (word, pytest.approx(ratio))


@pytest.mark.parametrize(
    ("n", "days", "cv", "reason"),
    [
        (0, 10, 0.02, "0 of 5 days"),
        (20, 3, 0.02, "3 of 5 days"),
        (9, 9, 0.02, "9 of 10 runs"),
        (20, 10, 0.12, "noisy host: cv 12%"),
    ],
)
def test_without_a_baseline_the_reason_is_exact(
    night: Callable[..., Record], n: int, days: int, cv: float, reason: str
) -> None:
    judged = throughput_word(night(), history(night, n, days=days, cpu_cv=cv))
    assert (judged.word, judged.reason, judged.ratio) == ("no_baseline", reason, None)


def test_a_noisy_wall_clock_leaves_the_cpu_seconds_to_judge(night: Callable[..., Record]) -> None:
    judged = throughput_word(night(wall=900.0), history(night, wall_cv=0.3))
    assert (judged.word, judged.bases[1].word) == ("ok", "no_baseline")
    assert judged.bases[1].reason.startswith("noisy host: cv")


def test_on_an_accelerator_wall_seconds_alone_judge(night: Callable[..., Record]) -> None:
    gpu = {"profile_spec": {"device": "gpu"}}
    judged = throughput_word(night(cpu=1.0, **gpu), history(night))
    assert (judged.word, [basis.basis for basis in judged.bases]) == ("ok", ["wall"])


@pytest.mark.parametrize(
    "changes",
    [
        {"cell": "other:smoke@cpu"},
        {"recipe_hash": "0" * 64},
        {"host_class": "elsewhere"},
        {"contended": ("jobs=2",)},
        {"faults": ("sleep",)},
        {"created": "2026-03-21T04:00:00+00:00"},
        {"run_id": "night"},
        {"examples_per_cpu_sec": None},
    ],
)
def test_only_comparable_earlier_runs_are_history(night: Callable[..., Record], changes: dict[str, Any]) -> None:
    assert throughput_word(night(), history(night, **changes)).reason == "0 of 5 days"


def test_a_contended_run_says_so_whatever_its_speed(night: Callable[..., Record]) -> None:
    judged = throughput_word(night(contended=("jobs=2", "steal 12%")), [])
    assert (judged.word, judged.reason) == ("contended", "jobs=2; steal 12%")


def test_a_run_without_speed_has_no_baseline(make_run: Run, night: Callable[..., Record]) -> None:
    assert throughput_word(make_run(outcome="error"), []).reason == "outcome error: no speed was measured"
    assert throughput_word(night(cpu=None), history(night)).reason == "no window of this run closed"


def test_many_runs_at_once_get_the_words_that_each_gets_alone(night: Callable[..., Record]) -> None:
    rng = np.random.default_rng(4)
    records = []
    for index in range(60):
        record = night(
            cpu=float(1500.0 * np.exp(0.02 * rng.standard_normal())) if index % 7 else None,
            wall=float(2000.0 * np.exp((0.02 if index < 40 else 0.06) * rng.standard_normal())),
            created=f"2026-03-{1 + index // 3:02d}T04:{index:02d}:00+00:00",
            host_class="host" if index % 5 else "another",
            contended=("busy",) if index % 11 == 3 else (),
            faults=("slow",) if index % 13 == 5 else (),
        )
        records.append(replace(record, run_id=f"r{index}"))
    points = [point for record in records if (point := throughput_point(record)) is not None]
    together = throughput_judgements(records, run_columns([run_row(record) for record in reversed(records)]))
    words = set()
    for record in records:
        alone = throughput_word(record, points)
        found = together[record.run_id]
        assert (found.word, found.reason) == (alone.word, alone.reason)
        assert [basis.upper for basis in found.bases] == pytest.approx([basis.upper for basis in alone.bases])
        words.add(found.word)
    assert words >= {"ok", "no_baseline", "contended"}
