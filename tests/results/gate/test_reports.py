"""A gate's reports: one row a cell in each form, what a machine counts, and the command that looks for the guilty."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from scipy import stats

from trainband.results.gate.evidence import CellEvidence
from trainband.results.gate.gates import EnvironmentFacts, Finding, Gate, GateCell, RunPair
from trainband.results.gate.outcomes import GateJudgement, judge_gate
from trainband.results.gate.reports import SIGNS, write_reports
from trainband.results.gate.strips import strips
from trainband.results.gate.words import next_step

NOISE = stats.norm.ppf((np.arange(16) + 0.5) / 16)
PARTED = Finding(says="the <forward> is not", stage="forward", step=0, layer="conv|0", tensor="output", size=3e-8)


def finding_of(moved: Any, *meanings: str) -> Finding:
    return Finding(**{**vars(PARTED), "moved": moved, "meanings": meanings})


ROWS: dict[str, dict[str, Any]] = {
    "same": {"bit_equal": True},
    "lost": {"losses": 0.1, "finding": finding_of("implementation changed", "update conv0")},
    "open": {"pairs": 2, "finding": finding_of("rounding only")},
    "other": {"finding": finding_of("default changed", "hyper-parameters")},
    "slow": {"bit_equal": True, "speed": 0.7},
    "gone": {"candidate_error": "no module named <numpy>"},
    "nowhere": {"candidate_error": "no", "baseline_error": "no"},
}
OUTCOMES = {
    "same": "bit-equal",
    "lost": "regressed",
    "open": "undecided",
    "other": "changed",
    "slow": "slower",
    "gone": "broken",
    "nowhere": "broken",
}


@pytest.fixture
def gate() -> Gate:
    def side(*asked: str, **versions: str) -> EnvironmentFacts:
        return EnvironmentFacts(asked=asked, key="k", python="/p", target="CPython 3.11", versions=versions)

    def pair(name: str) -> RunPair:
        return RunPair(index=0, seed=1, baseline="a", candidate="b", bit_equal=ROWS[name].get("bit_equal", False))

    return Gate(
        key="0123",
        created="2026-11-26T11:00:00.000+00:00",
        trainband_version="0.1.0",
        code="c",
        host_class="h",
        suite="gate",
        baseline=side("tensorflow==2.20.0 keras==3.12.0", keras="3.12.0", numpy="2.3"),
        candidate=side("./my tf.whl", keras="3.15.1", numpy="2.3", new="1"),
        cells=tuple(
            GateCell(cell=name, margins={}, pairs=(pair(name),), finding=row.get("finding"))
            for name, row in ROWS.items()
        ),
        as_of="2026-11-01",
    )


@pytest.fixture
def judgement(
    make_cell: Callable[..., CellEvidence], make_pairs: Callable[..., Any], make_blocks: Callable[..., Any]
) -> GateJudgement:
    def evidence(name: str, row: dict[str, Any]) -> CellEvidence:
        count = 1 if row.get("bit_equal") else row.get("pairs", 16)
        differences = 0.001 * NOISE[:count] - row.get("losses", 0.0)
        errors = {key: value for key, value in row.items() if key.endswith("_error")}
        finding = row.get("finding")
        return make_cell(
            name,
            pairs=()
            if errors
            else make_pairs(differences, differences, bit_equal=[bool(row.get("bit_equal"))] * count),
            blocks=make_blocks(row["speed"] * np.array([0.998, 0.999, 1.001, 1.002])) if "speed" in row else (),
            bases=("cpu",) if "speed" in row else (),
            semantic=finding.semantic if finding is not None else None,
            **errors,
        )

    return judge_gate([evidence(name, row) for name, row in ROWS.items()])


@pytest.fixture
def written(tmp_path: Path, gate: Gate, judgement: GateJudgement) -> dict[str, str]:
    return {form: path.read_text("utf-8") for form, path in write_reports(tmp_path, gate, judgement).items()}


def test_the_cells_come_out_as_they_were_made(judgement: GateJudgement) -> None:
    assert {each.cell: each.outcome for each in judgement.cells} == OUTCOMES


def test_machines_count_what_failed_what_ran_nowhere_and_what_is_open(written: dict[str, str]) -> None:
    [suite] = ElementTree.fromstring(written["junit"])
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "7",
        "failures": "3",
        "errors": "1",
        "skipped": "2",
    }
    assert {case.get("name"): [part.tag for part in case] for case in suite} == {
        "same": ["system-out"],
        "lost": ["failure", "system-out"],
        "open": ["skipped", "system-out"],
        "other": ["skipped", "system-out"],
        "slow": ["failure", "system-out"],
        "gone": ["failure", "system-out"],
        "nowhere": ["error", "system-out"],
    }
    found = json.loads(written["json"])
    assert [each["outcome"] for each in found["judgement"]["cells"]] == list(OUTCOMES.values())


def test_a_pull_request_gets_a_table_of_whole_rows(written: dict[str, str]) -> None:
    text = written["markdown"]
    assert text.startswith("## do not ship: `./my tf.whl` for `tensorflow==2.20.0 keras==3.12.0`\n")
    table = [line for line in text.splitlines() if line.startswith("| ")]
    cells = [line for line in table if any(f"| {sign} | `" in line for sign in SIGNS.values())]
    assert len(cells) == len(ROWS)
    assert len({line.replace("\\|", "").count("|") for line in cells}) == 1
    assert [line.split(" | ")[0] for line in cells if line.endswith(" | any |")] == [
        "| =",
        "| «",
    ]  # slow, and bit-equal
    assert "| new |  | 1 |" in text
    assert "| numpy |" not in text
    assert "no module named &lt;numpy>" in text
    assert text.count("<details>") == text.count("</details>") == 3


class Page(HTMLParser):
    """Ids, links and open elements."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.ids += [found["id"]] if found.get("id") else []  # type: ignore[list-item]
        self.links += [value for name in ("href", "src") if (value := found.get(name))]
        if tag not in ("meta", "link", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_stands_alone_and_every_link_leads_somewhere(written: dict[str, str]) -> None:
    page = Page(written["page"])
    assert page.open == []
    assert {link for link in page.links if not link.startswith("data:")} == {f"#{name}" for name in ROWS}
    assert set(ROWS) <= set(page.ids)
    assert "no module named &lt;numpy&gt;" in written["page"]
    assert "the &lt;forward&gt; is not" in written["page"]


def test_intervals_are_drawn_against_their_margins(judgement: GateJudgement) -> None:
    found = {each.cell: strips(each) for each in judgement.cells}
    assert [strip.what for strip in found["other"]] == ["accuracy", "log_loss"]
    for strip in found["other"]:
        assert 25.0 == strip.lost < strip.start < strip.place < strip.stop < 100.0
        assert strip.place == pytest.approx(50.0)
    accuracy, _ = found["lost"]
    assert accuracy.place == 0.0 < accuracy.lost  # 0.1 lost at a margin of 0.03 lies beyond the strip's end
    [speed] = found["slow"]
    assert (speed.what, speed.start, speed.stop) == ("speed a CPU second", 0.0, 0.0)
    assert found["gone"] == found["open"] == []


def test_the_next_step_repeats_the_sides_word_by_word(gate: Gate, judgement: GateJudgement) -> None:
    steps = {each.cell: shlex.split(next_step(gate, each)) for each in judgement.cells}
    sides = ["--baseline=tensorflow==2.20.0 keras==3.12.0", "--candidate=./my tf.whl", "--as-of=2026-11-01"]
    assert steps == {
        "same": [],
        "lost": ["trainband", "attribute", "lost", *sides, "--by=quality"],
        "open": ["trainband", "attribute", "open", *sides],
        "other": ["trainband", "attribute", "other", *sides],
        "slow": ["trainband", "attribute", "slow", *sides, "--by=cpu_speed"],
        "gone": [],
        "nowhere": [],
    }
