"""What the pages take from a store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainband.results.bands import Band
from trainband.results.codec import encode
from trainband.results.judgements import Judgement, MetricJudgement
from trainband.results.metrics import MetricForm
from trainband.results.pages import formats
from trainband.results.pages.collect import store_content
from trainband.results.pages.content import ModelInfo, ProfileInfo
from trainband.results.pages.store_report import write_store_report
from trainband.results.records import Record
from trainband.results.store import Store

NOW = "2026-03-03T05:06:07+02:00"


@dataclass(frozen=True)
class Answer:
    """A probe's."""

    available: bool
    reason: str


def test_content_of_a_store_keeps_the_newest_runs_and_those_that_a_judgement_names(
    tmp_path: Path,
    make_run: Callable[..., Record],
    make_band: Callable[..., Band],
    make_judgement: Callable[..., Judgement],
    metrics: tuple[MetricForm, ...],
    read_page: Callable[[Path], Any],
) -> None:
    store = Store(tmp_path / "store")
    runs = [make_run(f"run-{day}", created=f"2026-03-{day:02d}T04:00:00+00:00") for day in range(1, 7)]
    for run in runs:
        store.begin_run(run.run_id)
        store.commit_run(run.run_id, run)
    band = make_band(20)
    inside = MetricJudgement(
        name="accuracy", value=0.95, lower=0.9, upper=1.0, lower_cannot_fail=False, upper_cannot_fail=True, inside=True
    )
    store.write_judgement(encode(make_judgement("pass", runs[0], metrics=(inside,))))
    (store.run_path("run-5") / "record.json").write_text("{")
    model = ModelInfo(name="mlp_digits", title="A perceptron", tiers=("smoke",), metrics=metrics)
    whole = store_content(
        store,
        title="nightly",
        created=NOW,
        store_label="the-store",
        trainband_version="0.1.0",
        models=[model],
        profiles=[ProfileInfo(name="cpu", title="All cores")],
        available={"cpu": Answer(available=False, reason="no cores")},
        bands={"mlp_digits:smoke": band},
        runs_per_cell=2,
    )
    assert list(whole.cells) == [runs[0].cell]
    content = whole.of_cell(runs[0].cell)
    assert [record.run_id for record in content.records] == ["run-6", "run-1"]
    assert content.left_out == {runs[0].cell: 3}
    assert [problem.path for problem in content.problems] == ["runs/run-5"]
    assert content.throughput["run-6"].reason == "5 of 10 runs"
    assert content.models == (model,)
    assert content.profiles == (ProfileInfo(name="cpu", title="All cores", available=False, reason="no cores"),)
    overview = read_page(write_store_report(tmp_path / "site", whole)).text
    assert "The one judged cell passes" in overview
    assert f"{formats.number(band.false_fails_a_night, 2)} each time these cells are judged" in overview
