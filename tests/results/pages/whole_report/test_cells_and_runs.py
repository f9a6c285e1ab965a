"""A page of a cell and a page of a run: the evidence, the curves, and the commands to go on with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from trainband.results.judgements import Judgement, MetricJudgement
from trainband.results.pages.content import ReportContent

ReadPage = Callable[[Path], Any]


def test_cell_page_has_evidence_curves_and_both_commands(
    everything: ReportContent, write: Callable[[ReportContent], Path], read_page: ReadPage
) -> None:
    out = write(everything)
    page = read_page(out / "cells" / "mlp_digits-smoke-cpu.html")
    assert len(page.figures) == 5
    for told in (
        "trainband run mlp_digits:smoke@cpu",
        "trainband calibrate mlp_digits:smoke@cpu --seeds=20",
        "with 95% confidence, at least 95% of healthy runs lie inside",
        "3 percentage points",
        "declared smallest_drop",
        "3 older runs are in the store",
    ):
        assert told in page.text, told


def test_metrics_that_moved_a_verdict_are_told_in_percent(
    make_content: Callable[..., ReportContent],
    make_judgement: Callable[..., Judgement],
    write: Callable[[ReportContent], Path],
    read_page: ReadPage,
) -> None:
    moved = MetricJudgement(
        name="accuracy",
        value=0.9,
        lower=0.92,
        upper=1.0,
        lower_cannot_fail=False,
        upper_cannot_fail=True,
        inside=False,
        fresh_mean=0.901,
        confirm_bound=0.925,
        confirmed=True,
    )
    content = make_content()
    content = replace(content, judgements=(make_judgement("fail_low", content.records[0], metrics=(moved,)),))
    text = read_page(write(content) / "cells" / "mlp_digits-smoke-cpu.html").text
    assert "accuracy 90.00% below 92.00% to 100.00% (cannot fail)" in text
    assert "mean 90.10% against the 1% bound 92.50%: confirmed" in text


def test_run_page_of_a_failure_shows_the_log_and_of_a_success_the_measurement(
    everything: ReportContent, write: Callable[[ReportContent], Path], read_page: ReadPage
) -> None:
    out = write(everything)
    failed, good = read_page(out / "runs" / "night-2.html"), read_page(out / "runs" / "night-1.html")
    assert "SIGSEGV" in failed.text
    assert "Killed" in failed.text
    assert failed.figures == []
    assert "1,408 of 1,408 planned" in good.text
    assert "d" * 64 in good.text
    assert len(good.figures) == 2
