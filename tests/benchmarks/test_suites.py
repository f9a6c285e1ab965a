from __future__ import annotations

import pytest

from trainband.benchmarks.cells import all_cells
from trainband.benchmarks.suites import Suite, SuiteError, find_suite, load_suites, parse_suite
from trainband.models.catalog import load_catalog
from trainband.platforms.profiles import load_profiles

CELLS = all_cells(load_catalog(), load_profiles())
GOOD = 'name = "mine"\ntitle = "Mine"\ncells = ["cnn_digits:*@cpu"]\n'


@pytest.mark.parametrize("suite", load_suites().values(), ids=lambda suite: suite.name)
def test_every_suite_selects_cells_that_exist(suite: Suite) -> None:
    assert suite.select(CELLS)
    assert find_suite(suite.name) == suite


def test_the_quick_suite_is_the_digits_alone_and_requires_no_accelerator() -> None:
    quick = find_suite("quick")
    chosen = [cell.name for cell in quick.select(CELLS)]
    assert all("_digits:smoke@" in name for name in chosen)
    assert any("@gpu" in name for name in chosen)
    assert sum("_xla" in name and "gpu" not in name for name in chosen) == 1
    assert quick.required == ()


def test_a_suite_is_read_with_its_defaults() -> None:
    assert parse_suite(GOOD, "mine.toml") == Suite(name="mine", title="Mine", cells=("cnn_digits:*@cpu",))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name = ", "mine.toml: not TOML: "),
        (
            GOOD + "seedz = 3\n",
            "mine.toml: unknown key 'seedz' (did you mean 'seeds'?); known keys: name, title, cells",
        ),
        (GOOD + "seeds = 0\n", "mine.toml: seeds = 0: must be at least 1"),
        (GOOD + 'seeds = "three"\n', "mine.toml.seeds = 'three': expected int"),
        (GOOD + "required = [1]\n", "mine.toml.required[0] = 1: expected str"),
        ('name = "mine"\ntitle = "Mine"\n', "mine.toml: key 'cells' is missing"),
        ('name = "mine"\ntitle = "Mine"\ncells = "x"\n', "mine.toml.cells: expected list, found str"),
    ],
)
def test_a_suite_that_does_not_hold_names_its_file_key_and_value(text: str, message: str) -> None:
    with pytest.raises(SuiteError) as caught:
        parse_suite(text, "mine.toml")
    assert message in str(caught.value)


def test_a_suite_whose_pattern_names_nothing_says_which() -> None:
    suite = Suite(name="mine", title="Mine", cells=("cnn_digits:smoke@moon",))
    with pytest.raises(SuiteError, match="suite 'mine': no cell matches 'cnn_digits:smoke@moon'"):
        suite.select(CELLS)


def test_an_unknown_suite_is_named_with_the_nearest() -> None:
    with pytest.raises(
        SuiteError, match=r"no suite 'quik' \(did you mean 'quick'\?\); there are 'gate', 'nightly', 'quick'"
    ):
        find_suite("quik")
