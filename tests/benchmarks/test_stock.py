"""A stock recipe: what the framework gives whoever states nothing, seeded, kept and handed on to other runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainband.benchmarks.bands_on_disk import reference_bands
from trainband.benchmarks.cells import Cell
from trainband.benchmarks.diff.explain import explain
from trainband.benchmarks.diff.inputs import input_differences
from trainband.benchmarks.diff.refine import Rerunner, read_side
from trainband.benchmarks.diff.trajectory import compare_traces
from trainband.benchmarks.faults.fault import NoPlace
from trainband.benchmarks.faults.registry import audited
from trainband.benchmarks.replay.replay import Replayer
from trainband.benchmarks.run_spec import INITIAL_FILE, stored_spec
from trainband.benchmarks.runner import Runner, RunRequest, Transplant
from trainband.benchmarks.weights_file import WeightsError, read_weights, write_weights
from trainband.models.catalog import find_model
from trainband.models.specs import StockOptimizer
from trainband.platforms.profiles import find_profile
from trainband.results.records import FactorSeeds, Record

BACKENDS = [pytest.param(name, marks=pytest.mark.backend(name)) for name in ("tensorflow", "jax", "torch")]
PROFILE_OF = {"tensorflow": "cpu", "jax": "cpu_jax", "torch": "cpu_torch"}
STOCK = find_model("stock_digits")
NAMES = ("conv/kernel", "conv/bias")
VALUES = (np.arange(6, dtype=np.float32).reshape(2, 3), np.zeros(3, np.float32))
SHAPES = [("conv/kernel", (2, 3)), ("conv/bias", (3,))]


@pytest.mark.parametrize("backend", BACKENDS)
def test_it_trains_as_keras_does_with_nothing_stated(frameworks: Any, backend: str) -> None:
    """The same initial weights, masks and updates as `set_random_seed`, `compile(optimizer="adam")`, `train_on_batch`."""
    profile = find_profile(PROFILE_OF[backend])
    found = frameworks(backend).result("stock.py", "trained", profile=profile, seed=5)
    assert max(found["before"].values()) == 0.0
    assert found["moved"] > 1e-3
    # Adam divides by the gradient's size: where it is next to nothing, its rounding is as large as a step.
    assert max(found["after"].values()) < 1e-4, found["after"]


@pytest.mark.backend("tensorflow")
def test_its_rate_and_hyper_parameters_are_the_optimizers_own(frameworks: Any) -> None:
    found = frameworks("tensorflow").result("stock.py", "trained", profile=find_profile("cpu"), seed=5)
    assert found["rates"] == pytest.approx([found["default_rate"]] * 3)
    held = found["hyper_parameters"]
    assert {name: held[name] for name in ("beta_1", "beta_2", "epsilon", "amsgrad", "use_ema", "ema_momentum")} == {
        name: pytest.approx(float(found["config"][name]))
        for name in ("beta_1", "beta_2", "epsilon", "amsgrad", "use_ema", "ema_momentum")
    }


@pytest.mark.parametrize("backend", BACKENDS)
def test_initial_weights_and_draws_have_seeds_of_their_own(frameworks: Any, backend: str) -> None:
    profile = find_profile(PROFILE_OF[backend])
    pairs = [[5, 5], [5, 9], [9, 9], [5, 5]]
    both, draws, other, again = frameworks(backend).result("stock.py", "seeded", profile=profile, pairs=pairs)
    assert both == again
    assert both["weights"] == draws["weights"] != other["weights"]
    assert both["generators"] != draws["generators"] == other["generators"]


@pytest.mark.parametrize(
    "fault", [fault for fault in audited() if fault.stage == "hyper-parameters"], ids=lambda fault: fault.name
)
def test_a_fault_in_what_no_recipe_states_has_no_place(fault: Any) -> None:
    with pytest.raises(NoPlace):
        fault.recipe(STOCK.recipe("smoke"))


def cell_of(optimizer: str = "adam") -> Cell:
    """Two epochs, reproducible."""
    recipe = replace(STOCK.recipe("smoke"), epochs=2, optimizer=StockOptimizer(stock=optimizer))  # type: ignore[arg-type]
    return Cell(model=replace(STOCK, recipes=(recipe,)), recipe=recipe, profile=find_profile("cpu_deterministic"))


def final(record: Record) -> tuple[str, str]:
    assert record.measurement is not None, record.failure
    return record.measurement.weights.initial_digest, record.measurement.weights.final_digest


@pytest.fixture(scope="module")
def donor(lab: Any) -> Record:
    record: Record = lab.run(seed=5, cell=cell_of())
    return record


@pytest.fixture(scope="module")
def heir(lab: Any, donor: Record) -> Record:
    """Begins with the donor's weights; its own seed would draw others."""
    weights = lab.store.run_path(donor.run_id) / INITIAL_FILE
    record: Record = lab.runner.run(
        RunRequest(
            cell=cell_of(),
            seed=9,
            seed_role="pinned",
            factor_seeds=FactorSeeds(batches=5, draws=5),
            transplant=Transplant(run_id=donor.run_id, weights=weights),
        )
    )
    return record


@pytest.mark.backend("tensorflow")
@pytest.mark.slow
def test_a_run_that_is_given_weights_batches_and_draws_of_another_is_that_run(donor: Record, heir: Record) -> None:
    assert final(heir) == final(donor)
    assert (donor.initial_weights_from, heir.initial_weights_from) == (None, donor.run_id)
    assert heir.command.endswith(f"--seed=9 --init-from={donor.run_id} --batches-seed=5 --draws-seed=5")
    differs = {each.name: each.values for each in input_differences(donor, heir)}
    assert differs["initial_weights_from"] == (None, donor.run_id)


@pytest.mark.backend("tensorflow")
@pytest.mark.slow
def test_it_is_replayed_with_the_weights_that_lie_in_its_own_folder(
    lab: Any, donor: Record, heir: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = lab.store.run_path(donor.run_id) / INITIAL_FILE
    hidden = kept.rename(kept.with_suffix(".hidden"))
    side = read_side(lab.store, heir.run_id)
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    runner = Runner(store=lab.store, pool=lab.runner.pool, cache_root=lab.runner.cache_root)
    replayer = Replayer(runner=runner, bands=reference_bands(), source="present")
    again, receipt = replayer.replay(side, stored_spec(side.folder))
    hidden.rename(kept)
    assert receipt.answer == "bit-exact"
    assert again.initial_weights_from == donor.run_id


@pytest.mark.backend("tensorflow")
@pytest.mark.slow
def test_the_zoom_sees_its_masks_and_its_sparse_gradients_as_the_step_had_them(
    lab: Any, donor: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Adam against AdamW: of equal inputs, masks of the framework's own included, the update alone differs."""
    other = lab.run(seed=5, cell=cell_of("adamw"))
    a, b = (read_side(lab.store, record.run_id) for record in (donor, other))
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    found = explain(a, b, Rerunner(pool=lab.runner.pool, cache_root=lab.runner.cache_root), layers=True)
    assert found.failed == ""
    assert found.zoomed is not None
    assert found.zoomed.at_a_distance == ()
    assert {each.stage for each in found.zoomed.semantic} == {"update"}
    assert all(each.narrow == 0.0 for each in found.zoomed.differences if each.stage != "update")


@pytest.mark.backend("tensorflow")
@pytest.mark.slow
def test_masks_that_the_framework_draws_from_another_seed_are_another_draw(lab: Any, donor: Record) -> None:
    other = lab.runner.run(RunRequest(cell=cell_of(), seed=5, seed_role="pinned", factor_seeds=FactorSeeds(draws=9)))
    a, b = (read_side(lab.store, record.run_id) for record in (donor, other))
    found = compare_traces(a.trace, b.trace).divergence
    assert found is not None
    assert (found.stages, found.first_step, found.names) == (("random draw",), 0, ("keras0", "keras1"))


@pytest.mark.backend("tensorflow")
def test_the_zoom_calls_a_layer_as_training_does_where_its_model_did_not_say_so(frameworks: Any) -> None:
    assert frameworks("tensorflow").result("stock.py", "call_options") == {
        "norm": {"training": True},
        "drop": {"training": True},
        "flat": {},
        "frozen": {"training": False},
    }


def test_weights_survive_their_file(tmp_path: Path) -> None:
    write_weights(tmp_path / "w.npz", NAMES, VALUES)
    found = read_weights(tmp_path / "w.npz", SHAPES)
    assert [value.tolist() for value in found] == [value.tolist() for value in VALUES]
    assert [value.dtype for value in found] == [np.float32, np.float32]


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (SHAPES[:1], "holds 2 variables, this model has 1"),
        ([SHAPES[0], ("conv/bias", (4,))], r"\('conv/bias', \(3,\)\) \| \('conv/bias', \(4,\)\)"),
        ([("dense/kernel", (2, 3)), SHAPES[1]], r"'conv/kernel', \(2, 3\)\) \| \('dense/kernel'"),
    ],
)
def test_weights_of_another_model_are_refused(tmp_path: Path, shapes: Any, message: str) -> None:
    write_weights(tmp_path / "w.npz", NAMES, VALUES)
    with pytest.raises(WeightsError, match=message):
        read_weights(tmp_path / "w.npz", shapes)


@pytest.mark.parametrize("content", [b"", b"no archive", None])
def test_a_file_without_weights_is_refused_by_name(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "w.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"w\.npz holds no weights"):
        read_weights(path, SHAPES)
