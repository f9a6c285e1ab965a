"""A regression from its alarm to its end, as a document that several processes write."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from trainband.nightly_text import regression_line
from trainband.results.codec import CodecError
from trainband.results.gate.speed import Block
from trainband.results.history.canaries import Canary, Mark, canary_from_json, canary_to_json, sung
from trainband.results.history.candidates import new_candidates, regressions_of_verdict, restart_runs
from trainband.results.history.confirming import confirmed_by_ab, confirmed_by_runs
from trainband.results.history.looking import look_at
from trainband.results.history.night_status import night_status
from trainband.results.history.nights import Night, Waiting, night_from_json, night_to_json
from trainband.results.history.quality import quality_series
from trainband.results.history.regression_files import (
    RegressionFolder,
    regression_from_json,
    regression_to_json,
)
from trainband.results.history.regressions import (
    Confirmation,
    EnvironmentChange,
    Event,
    Regression,
    RegressionError,
    decided,
    moved_on,
)
from trainband.results.history.series import Baseline, Quantity
from trainband.results.history.speed import SPEEDS, speed_series
from trainband.results.judgements import Judgement, skipped_judgement
from trainband.results.run_columns import run_columns
from trainband.results.verdicts import judge

GOLDEN = Path(__file__).parents[2] / "golden"
CELL = "mlp_digits:smoke@cpu"
AT = "2026-03-05T04:00:00.000+00:00"
TODAY = date(2026, 3, 5)

CANDIDATE = Regression(
    regression_id="20260304-mlp_digits-smoke-cpu-accuracy-0a1b2c3d4e",
    cell=CELL,
    quantity=Quantity(name="accuracy", kind="quality", unit="fraction", direction="higher", scale="linear"),
    host_class="host",
    side="lower",
    alarm_run="run-003",
    raised="2026-03-04T03:00:00.000000+00:00",
    onset_run="run-001",
    onset="2026-03-02T03:00:00.000000+00:00",
    before=0.95,
    after=0.92,
    shift_sd=-3.1,
    baseline=Baseline(mean=0.95, sd=0.0097, n=20, of="band of 20 seeds"),
    environment=(EnvironmentChange(group="packages", name="keras", before="3.14.0", after="3.15.1"),),
    events=(Event(state="candidate", at="2026-03-04T05:00:00.000+00:00"),),
)
CONFIRMED = Confirmation(
    kind="fresh runs",
    confirmed=True,
    says="mean 0.92 of the fresh runs: confirmed",
    runs=("run-004", "run-005"),
    value=0.92,
    bound=0.9317,
)
DETECTED = decided(CANDIDATE, CONFIRMED, AT)
CANARY = Canary(
    cell=CELL,
    host_class="host",
    packages="0" * 24,
    first="2026-03-01T03:00:00.000+00:00",
    at="2026-03-04T03:00:00.000+00:00",
    digest="b" * 64,
    code="c" * 16,
    marks=(
        Mark(
            at="2026-03-04T03:00:00.000+00:00",
            before_at="2026-03-03T03:00:00.000+00:00",
            before="a" * 64,
            after="b" * 64,
            says="forward, step 0: the state before step 0 is equal, its forward is not",
        ),
    ),
)
NIGHT = Night(
    night_id="20260304T030000-nightly-0a1b2c",
    suite="nightly",
    began="2026-03-04T03:00:00.000+00:00",
    ended="2026-03-04T05:00:00.000+00:00",
    budget_sec=7200.0,
    code="c" * 16,
    judged=(CELL,),
    waiting=(Waiting(what="mlp_digits:smoke@gpu", why="the budget ended before it"),),
    candidates=(CANDIDATE.regression_id,),
    confirmed=(CANDIDATE.regression_id,),
    numerics_changed=(CELL,),
    silent=(Waiting(what="mlp_digits:smoke@cpu_jax", why="it does not repeat itself in one night"),),
    expected_false_alarms=0.001,
    exit_status=1,
)


def event(state: Any, **fields: Any) -> Event:
    return Event(state=state, at=AT, **{"owner": "kim", **fields})


def test_a_life_is_candidate_detected_and_then_what_people_say() -> None:
    assert (CANDIDATE.state, DETECTED.state) == ("candidate", "detected")
    known = moved_on(DETECTED, event("acknowledged", note="the new kernel"))
    ignored = moved_on(known, event("ignored", until="2026-03-31"))
    fixed = moved_on(ignored, event("fixed"))
    assert [each.state for each in fixed.events] == ["candidate", "detected", "acknowledged", "ignored", "fixed"]
    assert ignored.state_on(date(2026, 3, 31)) == "ignored"
    assert ignored.state_on(date(2026, 4, 1)) == "detected"
    assert decided(CANDIDATE, replace(CONFIRMED, confirmed=False), AT).state == "refuted"
    line = regression_line(known, TODAY)
    assert line.startswith(f"acknowledged by kim: {CELL} accuracy 0.95 to 0.92 (-3.1 sd) since 2026-03-02")


@pytest.mark.parametrize(
    ("regression", "next_event", "says"),
    [
        (CANDIDATE, event("acknowledged"), "is candidate and cannot become acknowledged; it can become refuted or det"),
        (moved_on(DETECTED, event("fixed")), event("ignored", until="2026-04-01"), "it can become nothing else"),
        (DETECTED, event("acknowledged", owner=" "), "acknowledged needs an owner"),
        (DETECTED, event("ignored", until="soon"), "until = 'soon': no day"),
        (DETECTED, event("ignored"), "until = None: no day"),
        (DETECTED, event("accepted"), "calibrate it anew with `trainband calibrate mlp_digits:smoke@cpu --seeds=20`"),
    ],
)
def test_what_cannot_happen_says_why(regression: Regression, next_event: Event, says: str) -> None:
    with pytest.raises(RegressionError, match=says):
        moved_on(regression, next_event)


@pytest.mark.parametrize(
    ("name", "value", "write", "read"),
    [
        (
            "regression_v1.json",
            moved_on(DETECTED, event("ignored", until="2026-03-31")),
            regression_to_json,
            regression_from_json,
        ),
        ("canary_v1.json", CANARY, canary_to_json, canary_from_json),
        ("night_v1.json", NIGHT, night_to_json, night_from_json),
    ],
)
def test_a_stored_format_is_read_as_it_was_written(name: str, value: Any, write: Any, read: Any) -> None:
    text = (GOLDEN / name).read_text(encoding="utf-8")
    assert read(text) == value
    assert write(value) == text
    with pytest.raises(CodecError, match="reads version 1"):
        read(text.replace('"version": 1', '"version": 2'))


def test_an_alarm_is_filed_once_and_a_damaged_file_is_a_problem(tmp_path: Path) -> None:
    folder = RegressionFolder(tmp_path)
    assert folder.all() == ([], [])
    folder.add(CANDIDATE)
    with folder.writing():
        folder.replace(DETECTED)
    assert folder.add(CANDIDATE) == DETECTED
    assert folder.read("20260304") == DETECTED
    (folder.root / "broken.json").write_text('{"version": 1}')
    found, [problem] = folder.all()
    assert found == [DETECTED]
    assert problem.path == "regressions/broken.json"
    assert "regression_id" in problem.message or "missing" in problem.message
    with pytest.raises(RegressionError, match=f"no regression begins with 'x'; there are {CANDIDATE.regression_id}"):
        folder.read("x")


def test_an_alarm_becomes_a_candidate_once_and_again_after_it_was_fixed(make_nights: Any, make_band: Any) -> None:
    band = make_band().metrics[0]

    def state(values: list[float], filed: list[Regression]) -> Any:
        rows = make_nights(values)
        [series] = quality_series(CELL, band, "new", run_columns(rows), {row.run_id: "new" for row in rows})
        return look_at(series, restart_runs(series, filed))

    low = band.mean - 3.0 * band.sd
    values = [0.95] * 10 + [low] * 3
    [candidate] = new_candidates(state(values, []), [], AT)
    assert (candidate.onset_run, candidate.alarm_run, candidate.side) == ("run-010", "run-012", "lower")
    assert (candidate.before, candidate.after) == pytest.approx((band.mean, low))
    assert (candidate.shift_sd, candidate.trend) == (pytest.approx(-3.0), "worse")
    longer = [*values, low, low, low]
    for filed in (candidate, decided(candidate, CONFIRMED, AT)):
        assert new_candidates(state(longer, [filed]), [filed], AT) == []
    # Refuted, the next alarm is new; fixed, those up to then belong to it, and the sums begin anew.
    refuted = decided(candidate, replace(CONFIRMED, confirmed=False), AT)
    assert [each.alarm_run for each in new_candidates(state(longer, [refuted]), [refuted], AT)] == ["run-015"]
    fixed = moved_on(decided(candidate, CONFIRMED, AT), Event(state="fixed", at="2026-01-15T12:00:00+00:00"))
    assert new_candidates(state(longer, [fixed]), [fixed], AT) == []
    assert [each.alarm_run for each in new_candidates(state([*longer, low, low], [fixed]), [fixed], AT)] == ["run-017"]
    # What was not judged for weeks is history: fresh runs of today say nothing about it.
    assert new_candidates(state(values + [0.95] * 7, []), [], AT) == []


def test_a_faster_cell_is_no_candidate_and_a_slower_one_is(make_rows: Any) -> None:
    quiet = [1500.0, 1520.0, 1480.0] * 10
    for after, count in ((1300.0, 1), (1700.0, 0)):
        [series] = speed_series(CELL, "cpu", run_columns(make_rows([*quiet, after, after, after])))
        assert len(look_at(series).changes) == 1
        assert len(new_candidates(look_at(series), [], AT)) == count


@pytest.mark.parametrize(
    ("fresh", "confirmed"),
    [
        ((-2.5, -2.5), True),
        ((-1.0, -2.7), False),  # their mean is -1.85, and the bound is -1.88
        ((-0.9, -9.0), False),  # one wild run alone
        ((2.5, 2.5), False),
    ],
)
def test_two_fresh_runs_confirm_together_and_each(
    make_run: Any, make_band: Any, fresh: tuple[float, ...], confirmed: bool
) -> None:
    band = make_band().metrics[0]
    runs = [make_run(f"fresh-{i}", accuracy=band.mean + score * band.sd) for i, score in enumerate(fresh)]
    found = confirmed_by_runs(band, "lower", runs)
    assert (found.confirmed, found.runs) == (confirmed, ("fresh-0", "fresh-1"))
    assert found.bound == pytest.approx(band.mean - 1.8833 * band.sd, rel=1e-4)


def blocks(ratios: list[float]) -> list[Block]:
    """A B B A a pair of processes, the candidate with that ratio of throughputs a CPU second and the same a wall second."""
    return [
        Block(
            pair=pair, order=order, side=side, steps=100, wall_sec=2.0, cpu_sec=4.0 / (ratio if of_candidate else 1.0)
        )
        for pair, ratio in enumerate(ratios)
        for order, of_candidate in enumerate((False, True, True, False))
        for side in ("candidate" if of_candidate else "baseline",)
    ]


@pytest.mark.parametrize(
    ("ratios", "confirmed"),
    [
        ([0.96, 0.97, 0.95, 0.96], True),  # 4% slower, and t says that it is no noise
        ([0.80, 1.10, 0.70, 1.02], False),  # 10% slower on a host that scatters by 20%
        ([1.04, 1.05, 1.06, 1.05], False),
    ],
)
def test_an_a_b_confirms_what_is_slower_beyond_its_noise(ratios: list[float], confirmed: bool) -> None:
    found = confirmed_by_ab(SPEEDS["cpu"], blocks(ratios))
    assert found is not None
    assert (found.kind, found.confirmed, found.bound) == ("A/B", confirmed, 1.0)
    assert found.value == pytest.approx(math.prod(ratios) ** 0.25)
    assert confirmed_by_ab(SPEEDS["wall"], blocks(ratios)) is None  # all pairs gave one ratio
    assert confirmed_by_ab(SPEEDS["cpu"], blocks(ratios[:3])) is None


def test_a_fresh_run_without_a_value_confirms_nothing(make_run: Any, make_band: Any) -> None:
    band = make_band().metrics[0]
    found = confirmed_by_runs(band, "lower", [make_run("a", accuracy=0.1), make_run("b", outcome="error")])
    assert (found.confirmed, found.says) == (False, "1 of 2 fresh runs gave a value of accuracy: nothing is confirmed")


def test_a_failed_verdict_is_a_regression_that_its_own_fresh_runs_confirmed(
    make_run: Callable[..., Any], make_band: Any, metrics: Any
) -> None:
    band = make_band()
    trigger, *fresh = (make_run(f"run-{seed}", accuracy=0.85, seed=seed) for seed in range(3))
    judgement = judge(judgement_id="j", created=AT, cell=CELL, trigger=trigger, fresh=fresh, band=band, metrics=metrics)
    [found] = regressions_of_verdict(judgement, trigger, band.metrics, [], AT)
    assert (found.quantity.name, found.side, found.state) == ("accuracy", "lower", "detected")
    assert found.confirmation is not None
    assert found.confirmation.runs == ("run-1", "run-2")
    assert regressions_of_verdict(judgement, trigger, band.metrics, [found], AT) == []
    fixed = moved_on(found, event("fixed"))
    assert regressions_of_verdict(judgement, replace(trigger, run_id="later"), band.metrics, [fixed], AT) != []
    assert regressions_of_verdict(replace(judgement, verdict="waived"), trigger, band.metrics, [], AT) == []


def test_a_canary_that_sings_another_song_leaves_one_mark() -> None:
    tonight = replace(CANARY, at=AT, first=AT, digest="d" * 64, marks=())
    changed = sung(CANARY, tonight, "batch, step 0")
    assert (changed.first, len(changed.marks)) == (CANARY.first, 2)
    assert (changed.marks[1].before_at, changed.marks[1].at, changed.marks[1].says) == (CANARY.at, AT, "batch, step 0")
    assert sung(changed, replace(tonight, at="2026-03-06T04:00:00.000+00:00"), "").marks == changed.marks


PASS = Judgement(judgement_id="j", created=AT, sweep_id="s", cell=CELL, verdict="pass", reason="inside")
SPEED = replace(DETECTED, quantity=replace(DETECTED.quantity, name="examples_per_sec", kind="speed"))
QUIET_NIGHT = replace(NIGHT, waiting=())


@pytest.mark.parametrize(
    ("expected", "fields"),
    [
        (0, {}),
        (1, {"filed": [DETECTED]}),
        (0, {"filed": [moved_on(DETECTED, event("acknowledged"))]}),
        (0, {"filed": [moved_on(DETECTED, event("ignored", until="2026-03-05"))]}),
        (1, {"filed": [moved_on(DETECTED, event("ignored", until="2026-03-04"))]}),
        (0, {"filed": [moved_on(DETECTED, event("fixed")), SPEED]}),
        (1, {"filed": [SPEED], "judge_speed": True}),
        (1, {"slower": True}),
        (4, {"filed": [CANDIDATE]}),
        (1, {"filed": [CANDIDATE, DETECTED]}),
        (3, {"filed": [DETECTED], "night": replace(QUIET_NIGHT, problems=("a file",))}),
        (1, {"judgements": [replace(PASS, verdict="fail_low")]}),
        (4, {"judgements": []}),
        (3, {"required": frozenset({"gpu"})}),
        (4, {"required": frozenset({"gpu"}), "night": NIGHT}),
        (3, {"required": frozenset({"gpu"}), "judgements": [PASS, "skipped"]}),
    ],
)
def test_the_status_of_a_night(expected: int, fields: dict[str, Any]) -> None:
    skipped = skipped_judgement(judgement_id="k", created=AT, cell="mlp_digits:smoke@gpu", reason="no GPU")
    given = {"night": QUIET_NIGHT, "judgements": [PASS], "filed": [], "required": frozenset(), **fields}
    judgements = [skipped if each == "skipped" else each for each in given.pop("judgements")]
    night, filed = given.pop("night"), given.pop("filed")
    rest = {"slower": False, "judge_speed": False, "today": TODAY, **given}
    assert night_status(night, judgements, filed, **rest) == expected
