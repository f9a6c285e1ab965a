"""The search for what makes a difference: fields of two cells, releases of a package, and going on where it was."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

import pytest

from trainband.benchmarks.attribution.fields import CellFields, FieldSearch, NotOneTask
from trainband.benchmarks.attribution.releases import every_change, first_bad
from trainband.benchmarks.attribution.search import EndsError
from trainband.benchmarks.attribution.trials import Laboratory, NoSetting, Setting, Told
from trainband.benchmarks.cells import Cell, find_cell
from trainband.benchmarks.environments.asked import Environment
from trainband.models.catalog import load_catalog
from trainband.platforms.profiles import load_profiles
from trainband.results.attributions import Attribution, Trial, read_attribution, write_attribution
from trainband.results.gate.probes import PROBES, Answer
from trainband.results.store import Store

Difference = Callable[[frozenset[str], frozenset[str]], Answer]


@dataclass
class Truth:
    """Answers by what was given to two settings, and remembers what it was asked."""

    difference: Difference
    asked: list[tuple[frozenset[str], frozenset[str]]]
    shares_level: bool = True
    seeds: tuple[int, ...] = ()

    def doubt(self, laboratory: Laboratory, records: Sequence[Any]) -> str:
        return ""

    def compare(self, laboratory: Laboratory, before: int, after: int) -> Told:
        pair = tuple(frozenset(laboratory.found.trials[place].given) for place in (before, after))
        self.asked.append((pair[0], pair[1]))
        answer = self.difference(*pair)
        return Told(answer, f"{answer} by decree")


class Bench(Laboratory):
    """A laboratory that builds each setting and trains nothing."""

    def _tried(self, place: int, trial: Trial) -> Trial:
        try:
            self.setting(place)
        except NoSetting as error:
            return replace(trial, why_not=str(error))
        return trial


@pytest.fixture
def bench(tmp_path: Path) -> Callable[[Difference], Bench]:
    """`bench(difference)`: goes on with what the last one kept."""
    path = tmp_path / "attribution.json"
    asked: list[tuple[frozenset[str], frozenset[str]]] = []
    planned = Attribution(
        key="k", created="2026", trainband_version="1", cell="c", by="quality", baseline=("a",), candidate=("b",)
    )

    def make(difference: Difference) -> Bench:
        return Bench(
            measure=Truth(difference, asked),
            seeded_by=("cnn_digits", "smoke"),
            store=Store(tmp_path / "store"),
            cache_root=tmp_path,
            found=read_attribution(path) if path.exists() else planned,
            save=lambda found: write_attribution(path, found),
        )

    return make


def cell(name: str, **changes: Any) -> Cell:
    found = find_cell(name, load_catalog(), load_profiles())
    profile = {key.removeprefix("profile_"): value for key, value in changes.items() if key.startswith("profile_")}
    recipe = {key: value for key, value in changes.items() if not key.startswith("profile_")}
    if "momentum" in recipe:
        recipe["optimizer"] = replace(found.recipe.optimizer, momentum=recipe.pop("momentum"))
    return replace(found, profile=replace(found.profile, **profile), recipe=replace(found.recipe, **recipe))


BASE = cell("cnn_digits:smoke@cpu_deterministic")
OTHER = cell(
    "cnn_digits:smoke@cpu_deterministic",
    epochs=7,
    batch_size=64,
    momentum=0.5,
    profile_threads=1,
    profile_env={"TF_ENABLE_ONEDNN_OPTS": "0"},
)


def by(*guilty: str) -> Difference:
    """Each guilty field costs by itself."""

    def difference(before: frozenset[str], after: frozenset[str]) -> Answer:
        return "bad" if before & set(guilty) != after & set(guilty) else "good"

    return difference


def test_the_fields_of_two_cells_are_told_one_by_one() -> None:
    fields = CellFields(baseline=BASE, candidate=OTHER)
    assert fields.changed == (
        "profile.env.TF_ENABLE_ONEDNN_OPTS",
        "profile.threads",
        "recipe.batch_size",
        "recipe.epochs",
        "recipe.optimizer.momentum",
    )
    assert fields.values("recipe.optimizer.momentum") == (repr(BASE.recipe.optimizer.momentum), "0.5")
    assert fields.mixed(frozenset()) is BASE
    assert fields.mixed(frozenset(fields.changed)) is OTHER
    mixed = fields.mixed(frozenset({"profile.threads", "profile.env.TF_ENABLE_ONEDNN_OPTS", "recipe.epochs"}))
    assert mixed.profile == replace(OTHER.profile, name="mixture")
    assert mixed.recipe == replace(BASE.recipe, epochs=7)
    assert mixed.model.recipe("smoke") == mixed.recipe


def test_fields_that_make_no_cell_alone_are_found_together(bench: Callable[[Difference], Bench]) -> None:
    other = find_cell("cnn_digits:smoke@cpu_deterministic_jax", load_catalog(), load_profiles())
    fields = CellFields(baseline=BASE, candidate=other)
    assert fields.changed == ("profile.backend", "profile.jit_compile")
    with pytest.raises(NoSetting, match="a JAX step is always compiled"):
        fields.mixed(frozenset({"profile.backend"}))
    search = FieldSearch(fields=fields, laboratory=bench(by("profile.backend")), environment=Environment())
    [guilty] = search.run().guilty
    assert guilty.moved == {"profile.backend": ("'tensorflow'", "'jax'"), "profile.jit_compile": ("False", "True")}


@pytest.mark.parametrize("name", ["mlp_mnist:short@cpu", "cnn_digits:smoke@cpu"])
def test_cells_of_one_task_can_be_compared_and_others_not(name: str) -> None:
    other = find_cell(name, load_catalog(), load_profiles())
    if other.model == BASE.model:
        assert "profile.deterministic" in CellFields(baseline=BASE, candidate=other).changed
    else:
        with pytest.raises(NotOneTask, match="have other data"):
            CellFields(baseline=BASE, candidate=other)


@pytest.mark.parametrize("guilty", [{"profile.threads"}, {"recipe.epochs", "profile.env.TF_ENABLE_ONEDNN_OPTS"}])
def test_the_guilty_fields_are_named_and_no_others(guilty: set[str], bench: Callable[[Difference], Bench]) -> None:
    fields = CellFields(baseline=BASE, candidate=OTHER)
    laboratory = bench(by(*guilty))
    found = FieldSearch(fields=fields, laboratory=laboratory, environment=Environment()).run()
    assert {name for each in found.guilty for name in each.moved} == guilty
    assert all(len(each.moved) == 1 for each in found.guilty)
    assert found.complete
    assert len(found.comparisons) == len(laboratory.measure.asked) == len(set(laboratory.measure.asked))  # type: ignore[attr-defined]


def test_a_search_goes_on_where_it_was_and_asks_nothing_twice(bench: Callable[[Difference], Bench]) -> None:
    fields = CellFields(baseline=BASE, candidate=OTHER)
    truth = by("recipe.epochs", "profile.threads")

    def interrupted(before: frozenset[str], after: frozenset[str]) -> Answer:
        if len(asked) == 5:
            raise KeyboardInterrupt
        return truth(before, after)

    first = bench(interrupted)
    asked = first.measure.asked  # type: ignore[attr-defined]
    with pytest.raises(KeyboardInterrupt):
        FieldSearch(fields=fields, laboratory=first, environment=Environment()).run()
    lost = asked.pop()
    second = bench(truth)
    assert len(second.found.comparisons) == 4
    found = FieldSearch(fields=fields, laboratory=second, environment=Environment()).run()
    assert lost in asked
    assert len(asked) == len(set(asked)) == len(found.comparisons)
    assert {name for each in found.guilty for name in each.moved} == {"recipe.epochs", "profile.threads"}


@pytest.mark.parametrize("answer", ["good", "unresolved"])
def test_ends_that_are_not_shown_to_differ_leave_nothing_to_look_for(
    answer: Answer, bench: Callable[[Difference], Bench]
) -> None:
    fields = CellFields(baseline=BASE, candidate=OTHER)
    laboratory = bench(lambda before, after: answer)
    with pytest.raises(EndsError, match=f"not shown to differ in quality.*{answer} by decree"):
        FieldSearch(fields=fields, laboratory=laboratory, environment=Environment()).run()


def test_the_level_lasts_for_so_many_comparisons_and_no_more(bench: Callable[[Difference], Bench]) -> None:
    laboratory = bench(lambda before, after: "bad")

    def place(index: int) -> int:
        return laboratory.trial(f"t{index}", [str(index)], lambda: Setting(BASE, Environment()))

    answers = [laboratory.answer(place(0), place(index + 1)) for index in range(PROBES + 1)]
    assert answers == ["bad"] * PROBES + ["unresolved"]
    assert laboratory.answer(place(0), place(1)) == "bad"
    assert "they are used up" in laboratory.found.comparisons[-1].reason


def releases(laboratory: Bench, count: int) -> tuple[list[str], Callable[[str], int]]:
    path = [f"1.{index}" for index in range(count)]

    def at(release: str) -> int:
        return laboratory.trial(release, [release], lambda: Setting(BASE, Environment()))

    return path, at


def since(first: int, silent: set[int]) -> Difference:
    """Everything from a release on is worse than everything before; some releases say nothing."""

    def difference(before: frozenset[str], after: frozenset[str]) -> Answer:
        ours, theirs = (int(next(iter(each)).split(".")[1]) for each in (before, after))
        if silent & {ours, theirs}:
            return "unresolved"
        return "bad" if ours < first <= theirs else "good"

    return difference


@pytest.mark.parametrize("seed", range(30))
def test_halving_brackets_the_release_that_lost(seed: int, bench: Callable[[Difference], Bench]) -> None:
    draw = random.Random(seed)
    count = draw.randrange(2, 25)
    guilty = draw.randrange(1, count)
    silent = {index for index in range(1, count - 1) if draw.random() < 0.2}
    laboratory = bench(since(guilty, silent))
    path, at = releases(laboratory, count)
    [found] = first_bad(laboratory, "keras", path, at)
    before, release = path.index(found.before), path.index(found.release)
    assert before < guilty <= release
    assert {path.index(each) for each in found.skipped} == set(range(before + 1, release)) <= silent
    if not silent:
        assert len(laboratory.found.comparisons) <= count.bit_length()


def test_every_release_that_changed_bits_is_listed(bench: Callable[[Difference], Bench]) -> None:
    group = [0, 0, 1, 1, -1, 2, 2]  # equal numbers have equal bits; -1 cannot be tried

    def difference(before: frozenset[str], after: frozenset[str]) -> Answer:
        ours, theirs = (group[int(next(iter(each)).split(".")[1])] for each in (before, after))
        return "unresolved" if -1 in (ours, theirs) else "good" if ours == theirs else "bad"

    laboratory = bench(difference)
    path, at = releases(laboratory, len(group))
    found = every_change(laboratory, "keras", path, at)
    assert [(each.before, each.release, each.skipped) for each in found] == [
        ("1.1", "1.2", ()),
        ("1.3", "1.5", ("1.4",)),
    ]


def test_what_cannot_be_made_says_so_and_is_compared_with_nothing(bench: Callable[[Difference], Bench]) -> None:
    def refuse() -> NoReturn:
        raise NoSetting("there is no such cell")

    laboratory = bench(lambda before, after: "bad")
    good = laboratory.trial("good", ["good"], lambda: Setting(BASE, Environment()))
    lost = laboratory.trial("lost", ["lost"], refuse)
    assert laboratory.compared(good, lost).reason == "lost: there is no such cell"
    assert laboratory.answer(lost, good) == "unresolved"
    assert laboratory.measure.asked == []  # type: ignore[attr-defined]
