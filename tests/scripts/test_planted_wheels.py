"""Upgrades to wheels of a patched Keras: each change of implementation is found, placed, and laid at Keras's door."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from planted_keras import CHANGES, SLOW, SUFFIX, Planted, planted_wheel, version

pytestmark = [pytest.mark.nightly, pytest.mark.backend("tensorflow")]


@pytest.fixture
def sides(tmp_path: Path, trainband: Any) -> Any:
    """`sides(planted)`: flags of an upgrade to a patched Keras and, beside it, to another release of a package that no
    training uses; environments are built below the test's own folder."""
    trainband.environ["TRAINBAND_CACHE"] = str(tmp_path / "cache")

    def flags(planted: Planted) -> list[str]:
        tensorflow = f"tensorflow=={version('tensorflow')} numpy=={version('numpy')}"
        wheel = planted_wheel(tmp_path, planted)
        return [
            f"--baseline={tensorflow} keras=={version('keras')} rich==14.0.0",
            f"--candidate={tensorflow} {wheel} rich==14.1.0",
            f"--as-of={date.today()}",  # noqa: DTZ011 - any day will do
        ]

    return flags


def report(found: Any) -> Any:
    [path] = [line.split()[1] for line in found.stdout.splitlines() if line.startswith("json:")]
    return json.loads(Path(path).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_of_implementation_is_placed_and_laid_at_kerass_door(name: str, sides: Any, trainband: Any) -> None:
    planted = CHANGES[name]
    flags = sides(planted)
    said = trainband("gate", *flags, f"--cells={planted.cell}", "--speed=none", "--budget=3m")
    found = report(said)
    [outcome], [row] = found["judgement"]["cells"], found["gate"]["cells"]
    finding = row["finding"]
    assert outcome["outcome"] in planted.outcomes, said.stdout + said.stderr
    assert (finding["stage"], finding["layer"] if planted.place[1] else "") == planted.place
    assert finding["moved"] == "implementation changed"
    assert finding["meanings"][0].startswith(" ".join(planted.place).strip())
    blamed = trainband.json("attribute", planted.cell, *flags)
    [guilty] = blamed["guilty"]
    assert guilty["moved"] == {"keras": [version("keras"), version("keras") + SUFFIX]}


def test_work_added_to_each_step_is_slower_and_laid_at_kerass_door(sides: Any, trainband: Any) -> None:
    trainband.limit_sec = 1200.0  # each probe of a search for speed times up to 12 pairs of processes
    flags = sides(SLOW)
    said = trainband("gate", *flags, f"--cells={SLOW.cell}", "--speed=cpu", "--budget=3m")
    [outcome] = report(said)["judgement"]["cells"]
    assert (said.returncode, outcome["outcome"]) == (1, "slower"), said.stdout + said.stderr
    blamed = trainband.json("attribute", SLOW.cell, *flags, "--by=cpu_speed")
    [guilty] = blamed["guilty"]
    assert list(guilty["moved"]) == ["keras"]
    assert trainband.json("attribute", SLOW.cell, *flags, "--by=cpu_speed") == blamed
