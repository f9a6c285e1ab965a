"""The band guards: each planted defect of a real training is found, by its level or by its structure."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from trainband.__main__ import entry
from trainband.benchmarks.bands_on_disk import reference_bands
from trainband.benchmarks.cells import find_cell
from trainband.benchmarks.rejudge import rejudge
from trainband.benchmarks.seeds import sweep_seed
from trainband.benchmarks.sweep import FRESH_SEEDS, Sweep, SweepEvent, plan_sweep
from trainband.models.catalog import load_catalog
from trainband.platforms.probes import Availability
from trainband.platforms.profiles import load_profiles
from trainband.results.exit_status import exit_status
from trainband.results.judgements import Judgement
from trainband.results.store import RunFilter

pytestmark = [pytest.mark.slow, pytest.mark.backend("tensorflow")]

MODELS, PROFILES = load_catalog(), load_profiles()
CELL = find_cell("cnn_digits:smoke@cpu", MODELS, PROFILES)
Judge = Callable[..., Judgement]


@pytest.fixture(scope="module")
def sweep_of(lab: Any) -> Callable[..., Sweep]:
    def make(*faults: str) -> Sweep:
        return Sweep(
            plan=plan_sweep([CELL], suite=None, seeds=1, faults=faults),
            runner=lab.runner,
            bands=reference_bands(),
            models=MODELS,
            profiles=PROFILES,
            available=lambda profile: Availability(available=True, reason="", devices=1),
        )

    return make


@pytest.fixture(scope="module")
def judged(sweep_of: Callable[..., Sweep]) -> Judge:
    """The judgement of a sweep with the faults named; each is made once."""
    known: dict[tuple[str, ...], Judgement] = {}

    def judge(*faults: str) -> Judgement:
        if faults not in known:
            [known[faults]] = sweep_of(*faults).run()
        return known[faults]

    return judge


def test_a_healthy_run_passes(judged: Judge) -> None:
    found = judged()
    assert found.verdict == "pass", found.reason
    assert exit_status([found]) == 0
    assert {metric.name for metric in found.metrics} == {"accuracy", "log_loss"}
    assert all(metric.inside for metric in found.metrics if metric.confirmed is None)
    assert (found.in_sample, found.band_path) == (False, "results/reference/cnn_digits/smoke.json")


@pytest.mark.parametrize("fault", ["untrained", "zero_learning_rate", "shuffled_labels", "no_eval_normalization"])
def test_a_model_that_did_not_learn_what_it_should_fails_after_two_fresh_seeds(judged: Judge, fault: str) -> None:
    found = judged(fault)
    assert found.verdict in ("fail_low", "diverged"), found.reason
    assert exit_status([found]) == 1
    assert len(found.records) == 1 + FRESH_SEEDS
    assert sum(fault in note for note in found.notes) == 1 + FRESH_SEEDS


def test_an_exploding_training_is_diverged(judged: Judge) -> None:
    found = judged("exploding")
    assert found.verdict == "diverged"
    assert "training met NaN or inf at step" in found.reason
    assert exit_status([found]) == 1


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("test_rows_in_train", "data.shared_rows = 360: test rows found in the training split, 0 are known"),
        ("evaluate_on_train", "the metrics are of other rows"),
    ],
)
def test_a_leak_is_an_error_whatever_its_level(judged: Judge, fault: str, reason: str) -> None:
    found = judged(fault)
    assert found.verdict == "error"
    assert reason in found.reason
    assert exit_status([found]) == 3
    assert len(found.records) == 1


def test_the_fresh_seeds_are_those_of_the_place_in_the_sweep(judged: Judge, lab: Any) -> None:
    found = judged("untrained")
    records = [lab.store.read_record(run_id) for run_id in found.records]
    assert [record.seed_role for record in records] == ["sweep", "confirmation", "confirmation"]
    assert [record.seed for record in records] == [
        sweep_seed(found.sweep_id or "", CELL.name, 0, attempt=attempt) for attempt in range(3)
    ]


def test_an_interrupt_before_the_confirmation_costs_no_training(sweep_of: Callable[..., Sweep], lab: Any) -> None:
    def interrupt(event: SweepEvent) -> None:
        if event.kind == "confirming":
            raise KeyboardInterrupt

    sweep = sweep_of("untrained")
    with pytest.raises(KeyboardInterrupt):
        replace(sweep, watch=interrupt).run()
    [trigger] = lab.store.rows(RunFilter(sweep_id=sweep.plan.sweep_id))
    [found] = sweep.run()
    assert found.records[0] == trigger.run_id
    assert len(lab.store.rows(RunFilter(sweep_id=sweep.plan.sweep_id))) == 1 + FRESH_SEEDS


@pytest.mark.parametrize("fault", ["untrained", "shuffled_labels", "exploding", "evaluate_on_train"])
def test_check_comes_to_the_same_verdict_and_status_and_trains_nothing(
    judged: Judge, lab: Any, fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    stored = judged(fault)
    before = len(lab.store.rows())
    status = entry(["check", f"--store={lab.store.root}", f"--sweep={stored.sweep_id}", "--json"])
    [item] = json.loads(capsys.readouterr().out)["checked"]
    again = item["judgement"]
    assert (again["verdict"], status) == (stored.verdict, exit_status([stored]))
    assert again["records"][0] == stored.records[0]
    assert sorted(again["records"]) == sorted(stored.records)
    assert again["band_digest"] == stored.band_digest
    assert len(lab.store.rows()) == before


def test_a_tighter_band_changes_the_verdict_of_a_stored_run(judged: Judge, lab: Any, tmp_path: Any) -> None:
    """The bounds are moved by hand, as a reviewer of a changed band file would see it."""
    stored = judged()
    source = reference_bands().path("cnn_digits", "smoke")
    document = json.loads(source.read_text())
    for metric in document["metrics"]:
        if metric["name"] == "log_loss":
            metric["lower"], metric["upper"] = 0.01, 0.02
    target = tmp_path / "cnn_digits" / "smoke.json"
    target.parent.mkdir()
    target.write_text(json.dumps(document))
    verdicts = {}
    for bands in (reference_bands(), reference_bands(tmp_path)):
        [checked] = rejudge(lab.store, bands, models=MODELS, profiles=PROFILES, sweep_id=stored.sweep_id)
        verdicts[bands.root] = checked.judgement.verdict
    # A healthy seed in twenty or more has brought its two fresh runs along, which confirm nothing.
    assert list(verdicts.values()) == ["pass", "undecided" if len(stored.records) == 1 else "pass"]
