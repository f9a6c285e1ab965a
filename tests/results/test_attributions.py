"""The document of a search stays readable; what is none is refused with a way out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from trainband.results.attributions import (
    AttributionFileError,
    Comparison,
    Guilty,
    Trial,
    read_attribution,
    to_go_on_with,
    write_attribution,
)
from trainband.results.codec import encode

GOLDEN = Path(__file__).parents[1] / "golden" / "attribution_v1.json"


def test_the_golden_attribution_stays_readable(tmp_path: Path) -> None:
    found = read_attribution(GOLDEN)
    assert encode(found) == json.loads(GOLDEN.read_text(encoding="utf-8"))
    moved = {"profile.jit_compile": ("False", "True")}
    assert found.guilty == (Guilty(leaders=("profile.jit_compile",), moved=moved),)
    assert [(each.before, each.after, each.answer) for each in found.comparisons] == [(0, 1, "bad")]
    write_attribution(tmp_path / "attribution.json", found)
    assert read_attribution(tmp_path / "attribution.json") == found


def test_an_unfinished_search_tries_again_what_failed() -> None:
    found = read_attribution(GOLDEN)
    a, b = found.trials
    lost = Trial(what="lost", given=("keras==9",), why_not="no index answers")
    asked = [(0, 1, "unresolved"), (0, 2, "bad"), (2, 1, "unresolved")]
    comparisons = tuple(Comparison(before=x, after=y, answer=z, reason="") for x, y, z in asked)  # type: ignore[arg-type]
    grown = replace(found, trials=(a, lost, b), comparisons=comparisons)
    assert to_go_on_with(grown) == grown
    again = to_go_on_with(replace(grown, complete=False))
    assert again.trials == (a, b)
    assert [(each.before, each.after, each.answer) for each in again.comparisons] == [(0, 1, "bad")]


def test_another_version_is_refused_with_a_way_out(tmp_path: Path) -> None:
    path = tmp_path / "attribution.json"
    path.write_text('{"version": 9}')
    with pytest.raises(AttributionFileError, match=r"version = 9: .* remove its folder to begin that search anew"):
        read_attribution(path)
