"""The overview: the answer first, every verdict in its square, and what to do where nothing is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

from trainband.results.judgements import Judgement, Verdict, WaivedVerdict
from trainband.results.pages.content import ReportContent, current_judgements
from trainband.results.pages.words import THROUGHPUT, VERDICTS, WORST_FIRST
from trainband.results.records import Record
from trainband.results.throughput import Word as ThroughputWord

NOW = "2026-03-03T05:06:07+02:00"
NO_GPU = "no GPU found: /dev/nvidia0 does not exist"

ReadPage = Callable[[Path], Any]
MakeJudgement = Callable[..., Judgement]


@pytest.mark.parametrize("verdict", get_args(Verdict))
def test_every_verdict_stands_in_its_square_as_a_word_and_a_sign(
    verdict: Verdict,
    make_content: Callable[..., ReportContent],
    make_judgement: MakeJudgement,
    write: Callable[[ReportContent], Path],
    read_page: ReadPage,
) -> None:
    content = make_content()
    waived = WaivedVerdict(verdict="fail_low", owner="Ada", reason="old driver", until="2026-05-01")
    judgement = make_judgement(verdict, content.records[0], waived=waived if verdict == "waived" else None)
    page = read_page(write(replace(content, judgements=(judgement,))) / "index.html")
    square = page.source.split('<td class="square')[1].split("</td>")[0]
    assert f"</svg>{verdict}</span>" in square
    assert f'href="#i-{VERDICTS[verdict].icon}"' in square
    if verdict == "waived":
        assert "fail_low, waived by Ada until 2026-05-01 (old driver)" in page.text


def test_words_cover_every_verdict_and_every_throughput_word() -> None:
    assert set(VERDICTS) == set(WORST_FIRST) == set(get_args(Verdict))
    assert set(THROUGHPUT) == set(get_args(ThroughputWord))
    assert len({word.icon for word in VERDICTS.values()}) == len(VERDICTS)


def test_overview_answers_first_in_percent_and_utc(
    everything: ReportContent, write: Callable[[ReportContent], Path], read_page: ReadPage
) -> None:
    page = read_page(write(everything) / "index.html")
    for told in (
        "1 of 2 cells broke",
        "95.00%",
        "2k",
        "no_baseline",
        "2026-03-03 03:06:07 UTC",
        "running, 1 of 2 cells have a verdict",
        "3 (infrastructure",
        "planned",
        "The newest 3 of 6 runs",
        "runs/broken",
    ):
        assert told in page.text, told


def test_a_skipped_square_gives_its_reason_without_hovering_and_below(
    make_content: Callable[..., ReportContent], write: Callable[[ReportContent], Path], read_page: ReadPage
) -> None:
    page = read_page(write(make_content()) / "index.html")
    assert page.text.count(NO_GPU) == 3  # in the square's details, by profile, by cell
    assert ("details", {"class": "why-box"}) in page.tags


def test_an_empty_store_says_so_and_what_to_do(write: Callable[[ReportContent], Path], read_page: ReadPage) -> None:
    content = ReportContent(title="nightly", created=NOW, store_label="the-store", trainband_version="0.1.0")
    page = read_page(write(content) / "index.html")
    assert "Nothing is here yet" in page.text
    assert "trainband run mlp_digits:smoke@cpu" in page.text
    assert not any(tag == "table" for tag, _ in page.tags)


def test_runs_of_one_sweep_do_not_hide_each_other_and_older_sweeps_do_not_count(
    make_run: Callable[..., Record], make_judgement: MakeJudgement
) -> None:
    first, second, third = (make_run(name) for name in ("a", "b", "c"))
    old = make_judgement("diverged", third, created="2026-02-01T04:00:00+00:00", sweep_id="older")
    bad = make_judgement("fail_low", first, created="2026-03-02T04:00:00+00:00")
    good = make_judgement("pass", second, created="2026-03-02T05:00:00+00:00")
    current = current_judgements([old, good, bad])[first.cell]
    assert (current.judgement, current.passed, current.total) == (bad, 1, 2)
    again = make_judgement("pass", first, judgement_id="again", created="2026-03-02T06:00:00+00:00")
    assert current_judgements([old, good, bad, again])[first.cell].passed == 2
