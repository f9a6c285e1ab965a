"""The report of a store, written again: only what changed, in one process or in several, and never half."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trainband.results.codec import encode
from trainband.results.judgements import Judgement
from trainband.results.pages import overview, store_report
from trainband.results.pages.collect import StoreContent, store_content
from trainband.results.pages.content import ModelInfo, ProfileInfo
from trainband.results.pages.store_report import MANIFEST, write_store_report
from trainband.results.records import Record
from trainband.results.store import Store

PROFILES = ("cpu", "cpu_xla", "cpu_jax")


@pytest.fixture
def add(tmp_path: Path, make_run: Callable[..., Record]) -> Callable[..., Record]:
    """`add(day, profile)`: a run of that day and its judgement, into the store."""
    store = Store(tmp_path / "store")

    def add_run(day: int, profile: str = "cpu") -> Record:
        created = f"2026-03-{day:02d}T04:00:00+00:00"
        run = make_run(f"run-{profile}-{day}", created=created, profile=profile, sweep_id=f"night-{day}")
        store.begin_run(run.run_id)
        store.commit_run(run.run_id, run)
        judgement = Judgement(
            judgement_id=f"j-{profile}-{day}",
            created=created,
            sweep_id=f"night-{day}",
            cell=run.cell,
            verdict="pass",
            reason="inside",
            records=(run.run_id,),
        )
        store.write_judgement(encode(judgement))
        return run

    return add_run


@pytest.fixture
def content(tmp_path: Path, make_band: Any) -> Callable[..., StoreContent]:
    """`content(**fields)`: the store as the pages ask for it."""

    def make(**fields: Any) -> StoreContent:
        values = {
            "title": "nightly",
            "created": "2026-03-20T05:00:00+00:00",
            "store_label": "the-store",
            "trainband_version": "0.1.0",
            "models": [ModelInfo(name="mlp_digits", title="A perceptron", tiers=("smoke",), metrics=())],
            "profiles": [ProfileInfo(name=name, title=name) for name in PROFILES],
            "available": {},
            "bands": {"mlp_digits:smoke": make_band(20)},
            "runs_per_cell": 2,
            **fields,
        }
        return store_content(Store(tmp_path / "store"), **values)

    return make


def stamps(site: Path) -> dict[str, int]:
    """What of the pages of cells and runs was written when."""
    return {
        str(path.relative_to(site)): path.stat().st_mtime_ns
        for folder in ("cells", "runs")
        for path in (site / folder).iterdir()
    }


def rewritten(before: dict[str, int], after: dict[str, int]) -> set[str]:
    return {name for name, stamp in after.items() if before.get(name) != stamp}


def test_a_new_run_changes_the_pages_of_its_cell_and_makes_its_own(
    tmp_path: Path, add: Callable[..., Record], content: Callable[..., StoreContent]
) -> None:
    site = tmp_path / "site"
    for day in (1, 2):
        for profile in PROFILES:
            add(day, profile)
    write_store_report(site, content())
    first = stamps(site)
    assert len(first) == 3 + 6
    write_store_report(site, content(created="2026-03-21T05:00:00+00:00"))
    assert stamps(site) == first
    add(3)
    write_store_report(site, content())
    second = stamps(site)
    assert rewritten(first, second) == {"cells/mlp_digits-smoke-cpu.html", "runs/run-cpu-3.html"}
    assert set(first) - set(second) == {"runs/run-cpu-1.html"}, "the third newest run has no page any more"
    overview = (site / "index.html").read_text()
    assert "All 3 cells pass" in overview
    assert "run-cpu-3" in overview
    assert "The newest 6 of 7 runs" in overview


@pytest.mark.parametrize("damage", ["", "{", '{"version": 9}', None])
def test_without_a_readable_list_of_pages_all_are_written_again(
    tmp_path: Path, add: Callable[..., Record], content: Callable[..., StoreContent], damage: str | None
) -> None:
    site = tmp_path / "site"
    add(1)
    write_store_report(site, content())
    before = stamps(site)
    if damage is None:
        (site / MANIFEST).unlink()
    else:
        (site / MANIFEST).write_text(damage)
    write_store_report(site, content())
    assert rewritten(before, stamps(site)) == set(before)


@pytest.mark.parametrize("damage", ["{", "[]", "{}", '{"newest": [{}]}', '{"newest": []}'])
def test_a_summary_that_cannot_be_read_is_made_again(
    tmp_path: Path, add: Callable[..., Record], content: Callable[..., StoreContent], damage: str
) -> None:
    site = tmp_path / "site"
    add(1)
    add(1, "cpu_xla")
    write_store_report(site, content())
    before, manifest = stamps(site), json.loads((site / MANIFEST).read_text())
    manifest["cells"]["mlp_digits:smoke@cpu"]["summary"] = damage
    (site / MANIFEST).write_text(json.dumps(manifest))
    write_store_report(site, content())
    assert "cells/mlp_digits-smoke-cpu.html" in rewritten(before, stamps(site))
    assert "All 2 cells pass" in (site / "index.html").read_text()


def test_a_page_that_nobody_needs_to_write_again_leaves_the_overview_as_it_was(
    tmp_path: Path,
    add: Callable[..., Record],
    content: Callable[..., StoreContent],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (store_report, overview):
        monkeypatch.setattr(module, "RUNS_SHOWN", 3)
    site = tmp_path / "site"
    for day, profile in ((1, "cpu"), (2, "cpu_xla"), (3, "cpu_xla"), (4, "cpu_jax"), (5, "cpu_jax")):
        add(day, profile)
    write_store_report(site, content())
    first = {path.name: path.read_text() for path in site.glob("*.html")}
    assert "The newest 3 of 5 runs" in first["index.html"]
    stood = stamps(site)
    write_store_report(site, content())
    assert stamps(site) == stood
    assert {path.name: path.read_text() for path in site.glob("*.html")} == first


def test_a_page_that_somebody_removed_is_written_again(
    tmp_path: Path, add: Callable[..., Record], content: Callable[..., StoreContent]
) -> None:
    site = tmp_path / "site"
    add(1)
    add(1, "cpu_xla")
    write_store_report(site, content())
    before = stamps(site)
    (site / "cells" / "mlp_digits-smoke-cpu.html").unlink()
    (site / "runs" / "run-cpu-1.html").unlink()
    write_store_report(site, content())
    after = stamps(site)
    assert set(after) == set(before)
    assert rewritten(before, after) == {"cells/mlp_digits-smoke-cpu.html", "runs/run-cpu-1.html"}


def test_another_band_or_another_title_is_another_page(
    tmp_path: Path, add: Callable[..., Record], content: Callable[..., StoreContent], make_band: Any
) -> None:
    site = tmp_path / "site"
    add(1)
    write_store_report(site, content())
    before = stamps(site)
    write_store_report(site, content(bands={"mlp_digits:smoke": make_band(21)}))
    after = stamps(site)
    assert rewritten(before, after) == {"cells/mlp_digits-smoke-cpu.html"}
    write_store_report(site, content(title="another"))
    assert rewritten(after, stamps(site)) == set(after)


def test_several_processes_write_what_one_writes(
    tmp_path: Path,
    add: Callable[..., Record],
    content: Callable[..., StoreContent],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for day in (1, 2):
        for profile in PROFILES:
            add(day, profile)
    write_store_report(tmp_path / "one", content())
    monkeypatch.setattr(store_report, "CELLS_A_PROCESS", 1)
    write_store_report(tmp_path / "several", content())
    pages = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.*"))
    assert pages == sorted(path.relative_to(tmp_path / "several") for path in (tmp_path / "several").rglob("*.*"))
    for page in pages:
        assert (tmp_path / "one" / page).read_bytes() == (tmp_path / "several" / page).read_bytes(), page


def test_a_run_that_is_gone_is_gone_from_the_pages(
    tmp_path: Path, add: Callable[..., Record], content: Callable[..., StoreContent]
) -> None:
    site = tmp_path / "site"
    run = add(1)
    add(2)
    write_store_report(site, content())
    shutil.rmtree(tmp_path / "store" / "runs" / run.run_id)
    write_store_report(site, content())
    assert set(stamps(site)) == {"cells/mlp_digits-smoke-cpu.html", "runs/run-cpu-2.html"}


def test_a_sweeps_report_links_to_no_page_that_it_does_not_have(
    tmp_path: Path, add: Callable[..., Record], content: Callable[..., StoreContent]
) -> None:
    site = tmp_path / "site"
    for day, profile in ((1, "cpu"), (2, "cpu"), (2, "cpu_xla")):
        add(day, profile)
    store = Store(tmp_path / "store")
    runs = [{"cell": "mlp_digits:smoke@cpu", "index": 0}]
    store.write_sweep(
        {"sweep_id": "night-1", "created": "2026-03-01T03:00:00+00:00", "status": "finished", "runs": runs}
    )
    runs = [*runs, {"cell": "mlp_digits:smoke@cpu_xla", "index": 1}]
    store.write_sweep(
        {"sweep_id": "night-2", "created": "2026-03-02T03:00:00+00:00", "status": "finished", "runs": runs}
    )
    write_store_report(site, content(sweep_id="night-1"))
    assert sorted(path.name for path in (site / "cells").iterdir()) == ["mlp_digits-smoke-cpu.html"]
    compared = (site / "compare.html").read_text()
    assert '"page": "cells/mlp_digits-smoke-cpu.html"' in compared
    assert '"mlp_digits:smoke@cpu_xla": {"at"' in compared
    assert "cells/mlp_digits-smoke-cpu_xla.html" not in compared
    write_store_report(site, content())
    assert "cells/mlp_digits-smoke-cpu_xla.html" in (site / "compare.html").read_text()


def test_pages_written_night_by_night_are_those_written_at_once(
    tmp_path: Path, add: Callable[..., Record], content: Callable[..., StoreContent]
) -> None:
    site, store = tmp_path / "site", Store(tmp_path / "store")
    for number, day in enumerate((2, 3, 4, 5, 7, 8, 6, 9)):  # the one of day 6 comes late, as from another machine
        add(day)
        add(day, "cpu_xla")
        if day == 5:
            again = Judgement(
                judgement_id="j-again",
                created="2026-03-05T06:00:00+00:00",
                sweep_id="night-5",
                cell="mlp_digits:smoke@cpu",
                verdict="fail_low",
                reason="outside",
                records=("run-cpu-3", "run-cpu-4"),
            )
            store.write_judgement(encode(again))
        if day == 8:
            parts = site / "parts" / "mlp_digits-smoke-cpu.json"
            parts.write_text(parts.read_text()[:-9])
        write_store_report(site, content(runs_per_cell=4))
        whole = tmp_path / f"whole-{number}"
        shutil.rmtree(tmp_path / "store" / "columns")
        write_store_report(whole, content(runs_per_cell=4))
        names = sorted(path.relative_to(whole) for path in whole.rglob("*.html"))
        assert names == sorted(path.relative_to(site) for path in site.rglob("*.html"))
        assert [name for name in names if (site / name).read_text() != (whole / name).read_text()] == []


def test_the_record_of_an_old_run_is_not_opened_again(
    tmp_path: Path, add: Callable[..., Record], content: Callable[..., StoreContent], monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in (1, 2, 3):
        add(day)
    write_store_report(tmp_path / "site", content(runs_per_cell=4))
    add(4)
    opened: list[str] = []
    read_record = Store.read_record
    monkeypatch.setattr(Store, "read_record", lambda store, run_id: opened.append(run_id) or read_record(store, run_id))
    write_store_report(tmp_path / "site", content(runs_per_cell=4))
    assert opened == ["run-cpu-4"]
