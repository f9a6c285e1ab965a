"""Searches as commands: the field by which two cells differ, and what cannot be searched."""

from __future__ import annotations

from typing import Any

import pytest

CELL = "mlp_digits:smoke@cpu_deterministic"


@pytest.mark.slow
@pytest.mark.backend("tensorflow")
def test_the_field_that_changes_the_bits_is_named_and_nothing_is_tried_twice(trainband: Any) -> None:
    found = trainband.json("attribute", CELL, f"{CELL}_xla")
    [guilty] = found["guilty"]
    assert guilty["moved"] == {"profile.jit_compile": ["False", "True"]}
    runs = trainband.recorded()
    assert sorted(runs) == sorted(run for trial in found["trials"] for run in trial["runs"])
    assert len(runs) == 4
    said = trainband("attribute", CELL, f"{CELL}_xla")
    assert "guilty    profile.jit_compile False to True" in said.stdout
    assert trainband.recorded() == runs


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ([CELL], 2, "or name two cells"),
        ([CELL, "cnn_fashion_mnist:short@cpu_deterministic"], 2, "have other data"),
        ([CELL, "mlp_digits:smoke@cpu"], 2, "profile cpu is not deterministic"),
        ([CELL, "mlp_digits:smoke@gpu", "--by=quality"], 3, "profile gpu cannot train here"),
        (["vgg16:throughput@cpu", "vgg16:throughput@cpu_xla", "--by=quality"], 2, "has no quality to lose"),
        ([CELL, "--baseline=/nowhere/python", "--candidate=y"], 2, "there is no file /nowhere/python"),
    ],
)
def test_what_cannot_be_searched_is_one_line(trainband: Any, words: list[str], status: int, said: str) -> None:
    found = trainband("attribute", *words)
    assert (found.returncode, found.stderr.count("\n")) == (status, 1), found.stderr
    assert said in found.stderr
    assert trainband.recorded() == []
