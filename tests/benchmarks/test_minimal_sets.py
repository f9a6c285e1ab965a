"""Delta debugging over changes that need one another: what is found makes the difference, and nothing less does."""

from __future__ import annotations

import random

import pytest

from trainband.benchmarks.attribution.minimal import Answer, closed, minimal_sets

NAMES = [f"p{index}" for index in range(8)]
Needs = dict[str, frozenset[str]]


def drawn(seed: int) -> tuple[Needs, frozenset[str]]:
    """Changes of which some need others, and some that alter bits."""
    draw = random.Random(seed)
    needs = {name: frozenset(draw.sample(NAMES, draw.choice((0, 0, 1, 2)))) - {name} for name in NAMES}
    return needs, frozenset(draw.sample(NAMES, draw.randrange(len(NAMES))))


def by_bits(guilty: frozenset[str], tried: list[frozenset[str]] | None = None) -> object:
    """Each guilty change alters bits of its own."""

    def probe(base: frozenset[str], moved: frozenset[str]) -> Answer:
        if tried is not None:
            tried.append(moved)
        return "bad" if base & guilty != moved & guilty else "good"

    return probe


@pytest.mark.parametrize("seed", range(200))
def test_every_guilty_change_is_found_and_no_set_could_do_with_less(seed: int) -> None:
    needs, guilty = drawn(seed)
    found = minimal_sets(NAMES, needs, by_bits(guilty))
    moved = [name for _, names in found for name in names]
    assert len(moved) == len(set(moved))
    assert guilty <= set(moved)
    base: frozenset[str] = frozenset()
    for leaders, names in found:
        assert base | names == closed(base | frozenset(leaders), needs)
        assert names & guilty
        for name in leaders:
            without = closed(base | frozenset(leaders) - {name}, needs)
            assert without & guilty == base & guilty or name in without
        base |= names


@pytest.mark.parametrize("names", ["p0 p1", "p0 p7", "p1 p4 p6"])
def test_changes_that_make_a_difference_only_together_are_one_set(names: str) -> None:
    guilty = frozenset(names.split())

    def together(base: frozenset[str], moved: frozenset[str]) -> Answer:
        return "bad" if (guilty <= moved) != (guilty <= base) else "good"

    [(leaders, moved)] = minimal_sets(NAMES, {}, together)
    assert set(leaders) == guilty == moved


def test_what_cannot_be_tried_is_gone_around() -> None:
    def probe(base: frozenset[str], moved: frozenset[str]) -> Answer:
        if {"p2", "p3"} & moved and not {"p2", "p3"} <= moved:
            return "unresolved"
        return "bad" if ("p2" in base) != ("p2" in moved) else "good"

    [(leaders, _)] = minimal_sets(NAMES, {}, probe)
    assert set(leaders) == {"p2", "p3"}


def test_the_leader_of_a_group_is_the_one_that_the_others_need() -> None:
    needs = {
        "numpy": frozenset({"tf"}),
        "h5py": frozenset({"tf"}),
        "tf": frozenset({"numpy", "h5py"}),
        "board": frozenset({"tf"}),
    }
    for guilty in ("tf", "numpy"):
        assert minimal_sets(["board", "h5py", "numpy", "tf"], needs, by_bits(frozenset({guilty}))) == [
            (("tf",), frozenset({"tf", "numpy", "h5py"}))
        ]


def test_a_guilty_change_among_many_costs_few_trials() -> None:
    tried: list[frozenset[str]] = []
    names = [f"p{index}" for index in range(32)]
    minimal_sets(names, {}, by_bits(frozenset({"p19"}), tried))
    assert len(set(tried)) <= 14
