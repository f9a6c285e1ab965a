from __future__ import annotations

import pytest

from trainband.benchmarks.cells import CellError, all_cells, find_cell, select_cells
from trainband.benchmarks.seeds import calibration_seed, sweep_seed
from trainband.models.catalog import load_catalog
from trainband.platforms.profiles import load_profiles

MODELS, PROFILES = load_catalog(), load_profiles()
CELLS = all_cells(MODELS, PROFILES)


def test_the_matrix_is_every_tier_of_every_model_on_every_profile_once() -> None:
    names = [cell.name for cell in CELLS]
    assert len(set(names)) == len(names) == sum(len(model.tiers) for model in MODELS.values()) * len(PROFILES)


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
def test_a_cell_is_found_by_its_name(cell: object) -> None:
    assert find_cell(cell.name, MODELS, PROFILES) == cell  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cnn_digit:smoke@cpu", "no model 'cnn_digit' (did you mean 'cnn_digits'?); there are 'mlp_digits', "),
        ("cnn_digits:smoke@gpuu", "no profile 'gpuu' (did you mean 'gpu'?); there are 'cpu', "),
        ("cnn_digits:full@cpu", "cell 'cnn_digits:full@cpu': model 'cnn_digits' has no tier 'full'; it has smoke"),
        ("cnn_digits", "cell 'cnn_digits': not of the form model:tier@profile, such as cnn_digits:smoke@cpu"),
        ("cnn_digits:smoke", "not of the form"),
        ("a:b:c@d", "not of the form"),
        (":smoke@cpu", "not of the form"),
        ("", "not of the form"),
    ],
)
def test_a_cell_that_does_not_exist_is_named_with_the_nearest_that_does(name: str, message: str) -> None:
    with pytest.raises(CellError) as caught:
        find_cell(name, MODELS, PROFILES)
    assert message in str(caught.value)


def test_patterns_select_in_the_order_of_the_matrix_and_each_cell_once() -> None:
    chosen = [cell.name for cell in select_cells(["cnn_digits:*@cpu", "?[ln]?_digits:smoke@cpu"], CELLS)]
    assert chosen == ["mlp_digits:smoke@cpu", "cnn_digits:smoke@cpu"]


def test_a_pattern_that_selects_nothing_is_an_error_even_beside_one_that_does() -> None:
    with pytest.raises(
        CellError, match=r"no cell matches 'cnn_digits:smoke@cpux' \(did you mean 'cnn_digits:smoke@cpu'"
    ):
        select_cells(["*", "cnn_digits:smoke@cpux"], CELLS)


def test_sweep_seeds_are_fresh_below_the_calibration_range_and_repeatable() -> None:
    places = [
        (sweep, cell, index, attempt)
        for sweep in ("a", "b")
        for cell in ("m:t@p", "m:t@q")
        for index in range(20)
        for attempt in range(3)
    ]
    seeds = [sweep_seed(sweep, cell, index, attempt=attempt) for sweep, cell, index, attempt in places]
    assert len(set(seeds)) == len(places)
    assert all(0 <= seed < 1_000_000 for seed in seeds)
    assert seeds[:2] == [sweep_seed("a", "m:t@p", 0), sweep_seed("a", "m:t@p", 0, attempt=1)]
    assert sweep_seed("a", "m:t@p", 0) == 289_607  # sha256sum of "a m:t@p 0 0", its first 8 bytes modulo 1,000,000


def test_calibration_seeds_are_reserved() -> None:
    assert [calibration_seed(index) for index in range(3)] == [1_000_000, 1_000_001, 1_000_002]
